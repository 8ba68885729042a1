"""How the page is for everyone: themes, contrast, keyboard, screen readers, any width, any script."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.driving import (
    decide,
    decision_shown,
    history_row,
    new_prompt,
    post_route,
    turn_to,
    unanswered,
    visit,
    widest,
)

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]


def accessible(page: Page) -> None:
    """axe finds nothing to complain about in what is shown."""
    page.evaluate("() => window.scrollTo(0, 0)")  # nothing lies half under the header
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.response["passes"], "axe checked nothing"
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(
    open_page: Callable[..., Page], server_url: str, scheme: str, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    visit(page, server_url)
    accessible(page)
    prompt = new_prompt("Accessible")
    view = decide(page, prompt)
    page.get_by_test_id("options").locator("summary").click()
    view.get_by_text("About this decision").click()
    view.get_by_test_id("all-candidates").click()
    view.get_by_test_id("threshold").fill("99")
    accessible(page)
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    row.get_by_test_id("thumb-down").click()
    expect(row.get_by_test_id("thumb-down")).to_have_attribute("aria-pressed", "true")
    # One row stands for all: hundreds more would only take their time.
    page.get_by_test_id("history-search").fill(prompt)
    expect(page.get_by_test_id("history-item").filter(visible=True)).to_have_count(1)
    accessible(page)
    turn_to(page, "models")
    page.get_by_test_id("models-search").fill("claude")
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_errors_and_in_the_token_dialog(
    open_page: Callable[..., Page], server_url: str, scheme: str
) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.route("**/api/**", lambda route: route.abort())
    visit(page, server_url)
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("prompt-error")).to_be_visible()
    accessible(page)
    for view in ("history", "models"):
        turn_to(page, view)
        expect(page.get_by_test_id(f"{view}-error")).to_be_visible()
        accessible(page)
    page.unroute("**/api/**")
    page.route("**/api/**", lambda route: route.fulfill(status=401, json={"message": "Unauthorized"}))
    page.get_by_test_id("models-error").get_by_test_id("retry").click()
    page.get_by_test_id("token").fill("wrong")
    page.get_by_test_id("access-go").click()
    expect(page.get_by_test_id("token-error")).to_be_visible()
    accessible(page)


def test_the_theme_follows_the_system_until_one_is_chosen(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page(color_scheme="dark")
    visit(page, server_url)
    body = page.locator("body")
    dark, light = "rgb(12, 13, 16)", "rgb(247, 247, 248)"
    expect(body).to_have_css("background-color", dark)
    page.emulate_media(color_scheme="light")
    expect(body).to_have_css("background-color", light)
    themes = page.get_by_test_id("themes")
    themes.get_by_label("Dark").check()
    expect(body).to_have_css("background-color", dark)
    page.reload()
    expect(body).to_have_css("background-color", dark)
    expect(themes.get_by_label("Dark")).to_be_checked()
    # By keyboard too.
    themes.get_by_label("Dark").focus()
    page.keyboard.press("ArrowLeft")
    expect(body).to_have_css("background-color", light)
    themes.get_by_label("System").check()
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", dark)


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    page.locator("body").focus()
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.id || document.activeElement.dataset.example"
                " || document.activeElement.value || document.activeElement.tagName"
            )
        )
        if reached[-1] == "decide-button":
            break
    wanted = ["to-decide", "to-history", "to-models", "system", "prompt", "easy", "physics", "config", "decide-button"]
    assert [name for name in reached if name in wanted] == wanted
    # The focus is seen: the ring is drawn by the page and not by chance.
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.get_by_role("button", name="Easy question").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    view = decision_shown(page)
    expect(view).to_be_visible()
    head = view.get_by_role("columnheader", name="Completion").get_by_role("button")
    head.focus()
    page.keyboard.press("Enter")
    expect(view.get_by_role("columnheader", name="Completion")).to_have_attribute("aria-sort", "descending")
    view.get_by_test_id("thumb-up").focus()
    page.keyboard.press("Space")
    expect(view.get_by_test_id("thumb-up")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [360, 800, 1280, 2560])
def test_the_page_fits_a_phone_and_a_wide_screen(open_page: Callable[..., Page], server_url: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 740})
    visit(page, server_url)
    assert widest(page) <= width
    start = new_prompt("A long line")
    view = decide(page, start + "Unbroken" * 60)
    page.get_by_test_id("options").locator("summary").click()
    view.get_by_text("About this decision").click()
    assert widest(page) <= width
    turn_to(page, "history")
    row = history_row(page, start)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("candidates")).to_be_visible()
    assert widest(page) <= width
    turn_to(page, "models")
    assert widest(page) <= width


def test_lines_stay_readable_on_a_wide_screen(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page(viewport={"width": 2560, "height": 1300})
    visit(page, server_url)
    view = decide(page, new_prompt("Wide"))
    box = view.get_by_test_id("explanation").bounding_box()
    size = float(page.evaluate("() => parseFloat(getComputedStyle(document.body).fontSize)"))
    assert size >= 17
    assert box is not None
    assert box["width"] / size < 50  # ems; about a hundred characters


def test_a_right_to_left_prompt_reads_right_to_left(page: Page) -> None:
    prompt = new_prompt("ما هي عاصمة المغرب؟")
    view = decide(page, prompt)
    expect(page.get_by_test_id("prompt")).to_have_css("direction", "rtl")
    expect(view.get_by_test_id("prompt-text")).to_have_css("direction", "rtl")
    expect(view.get_by_test_id("chosen-model").locator(".model").first).to_have_css("direction", "ltr")
    turn_to(page, "history")
    expect(history_row(page, prompt).get_by_test_id("history-prompt")).to_have_css("direction", "rtl")


def test_nothing_moves_for_who_asked_for_less_motion(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page(reduced_motion="reduce")
    page.route("**/api/route", unanswered)
    visit(page, server_url)
    page.get_by_test_id("prompt").fill("Still.")
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("decide")).to_have_text("Deciding…")
    assert page.evaluate("() => document.getAnimations().length") == 0


def test_the_page_loads_everything_from_its_own_server(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, server_url)
    decide(page, new_prompt("From here only"))
    for view in ("history", "models"):
        turn_to(page, view)
    assert asked
    assert [url for url in asked if not url.startswith(f"{server_url}/")] == []


def test_nothing_shifts_while_the_page_loads_and_fills(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => {
          for (const { value, sources } of list.getEntries()) {
            window.shifts.push([value, sources.map((source) => source.node?.id)]);
          }
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    visit(page, server_url)
    for _ in range(60):
        post_route(page, server_url, new_prompt("Many"))
    decide(page, new_prompt("Shift?"))
    turn_to(page, "history")
    page.mouse.move(600, 500)
    for _ in range(3):  # the list grows under the reader
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(200)
    assert page.get_by_test_id("history-item").count() > 50
    page.mouse.wheel(0, -20_000)
    turn_to(page, "models")
    page.wait_for_timeout(200)
    # A browser may paint the head of a page while it still reads it: that is told apart from a list that jumps, and a
    # tenth of what counts as good (0.1, web.dev/cls) is what all together may come to.
    shifts = page.evaluate("() => window.shifts")
    assert sum(value for value, _ in shifts) < 0.01, shifts


def test_the_theme_switch_has_its_width_before_its_labels_were_read(
    open_page: Callable[..., Page], server_url: str
) -> None:
    page = open_page(viewport={"width": 1280, "height": 900})
    visit(page, server_url)
    themes = page.get_by_test_id("themes")
    whole = themes.bounding_box()
    page.evaluate("() => document.querySelectorAll('.themes label:not(:first-of-type)').forEach((one) => one.remove())")
    assert themes.locator("label").count() == 1
    assert themes.bounding_box() == whole


def test_the_first_view_weighs_less_than_120_kilobytes(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    visit(page, server_url)
    assert len(sizes) > 20
    assert sum(sizes.values()) < 120_000, sizes


def test_every_module_of_the_first_view_is_asked_for_at_once(open_page: Callable[..., Page], server_url: str) -> None:
    # A module that no link announces is found only when the one that imports it has come: a round trip more.
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, server_url)
    announced = page.evaluate(
        "() => [...document.querySelectorAll('link[rel=modulepreload]')].map((link) => link.href)"
    )
    scripts = {url for url in asked if url.endswith(".js")} - {f"{server_url}/app.js", f"{server_url}/lib/boot.js"}
    assert scripts == set(announced)
