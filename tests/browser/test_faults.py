"""What the page does when something is wrong: it says so in words, at its place, with a retry, and goes on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.driving import (
    Answer,
    decide,
    decision_shown,
    history_row,
    new_prompt,
    post_route,
    refuse,
    turn_to,
    visit,
)
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def fulfil(status: int, kind: str, body: str) -> Answer:
    """An answer as it is."""
    return lambda route: route.fulfill(status=status, content_type=kind, body=body)


# What may come instead of an answer, and the words a person reads.
FAULTS: dict[str, tuple[Answer, str]] = {
    "no server": (lambda route: route.abort(), "The server could not be reached"),
    "500": (refuse(500, {"detail": "The request was not answered. It may be tried again."}), "It may be tried again."),
    "gateway 500": (fulfil(500, "application/json", '{"message":"Internal server error"}'), "(HTTP 500)"),
    "429": (fulfil(429, "application/json", '{"message":"Too Many Requests"}'), "Too many requests at once."),
    "HTML 502": (fulfil(502, "text/html", "<h1>Bad Gateway</h1>"), "HTTP 502"),
    "HTML 200": (fulfil(200, "text/html", "<h1>Hello</h1>"), "not one of Pointsman's (HTTP 200)"),
    "half a JSON": (fulfil(200, "application/json", '{"calls": [{"id": "01'), "or it was cut off"),
    "another JSON": (fulfil(200, "application/json", "[1, 2]"), "not one of Pointsman's"),
}


def told(place: Locator, words: str) -> None:
    """Words at a place, as text, with a way to try again."""
    expect(place).to_contain_text(words)
    expect(place).not_to_contain_text("<h1>")
    expect(place.get_by_test_id("retry")).to_be_visible()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_decision_is_told_and_can_be_retried(page: Page, fault: str) -> None:
    answer, words = FAULTS[fault]
    page.route("**/api/route", answer)
    prompt = new_prompt("Is anyone there?")
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    trouble = page.get_by_test_id("decide-error")
    told(trouble, words)
    expect(page.get_by_test_id("prompt")).to_have_value(prompt)
    page.unroute("**/api/route")
    trouble.get_by_test_id("retry").click()
    expect(decision_shown(page).get_by_test_id("prompt-text")).to_have_text(prompt)
    expect(trouble).to_be_hidden()


@pytest.mark.parametrize("fault", FAULTS)
def test_configs_that_fail_to_load_are_told_and_auto_still_works(
    open_page: Callable[..., Page], server_url: str, fault: str
) -> None:
    answer, words = FAULTS[fault]
    page = open_page()
    page.route("**/api/configs", answer)
    visit(page, server_url)
    trouble = page.get_by_test_id("configs-error")
    expect(trouble).to_contain_text("The configs could not be loaded.")
    told(trouble, words)
    decide(page, new_prompt("Without configs"))
    page.unroute("**/api/configs")
    trouble.get_by_test_id("retry").click()
    expect(trouble).to_be_hidden()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_history_that_fails_is_told_at_each_of_its_places(page: Page, server_url: str, fault: str) -> None:
    answer, words = FAULTS[fault]
    page.route("**/api/history?*", answer)
    turn_to(page, "history")
    trouble = page.get_by_test_id("history-error")
    expect(trouble).to_contain_text("The history could not be loaded.")
    told(trouble, words)
    expect(page.get_by_test_id("history-empty")).to_be_hidden()
    page.unroute("**/api/history?*")
    prompt = new_prompt("Found again")
    post_route(page, server_url, prompt)
    trouble.get_by_test_id("retry").click()
    row = history_row(page, prompt)
    expect(row).to_be_visible()
    expect(trouble).to_be_hidden()

    page.route("**/api/history/0*", answer)
    row.get_by_test_id("history-row").click()
    within = row.get_by_test_id("detail-error")
    expect(within).to_contain_text("This decision could not be loaded.")
    told(within, words)
    page.unroute("**/api/history/0*")
    within.get_by_test_id("retry").click()
    expect(row.get_by_test_id("prompt-text")).to_have_text(prompt)

    page.route("**/api/history/*/outcomes", answer)
    row.get_by_test_id("thumb-up").click()
    unsaved = row.get_by_test_id("outcome-error")
    expect(unsaved).to_contain_text("The outcome was not saved.")
    told(unsaved, words)
    expect(row.get_by_test_id("thumb-up")).to_have_attribute("aria-pressed", "false")
    page.unroute("**/api/history/*/outcomes")
    unsaved.get_by_test_id("retry").click()
    expect(row.get_by_test_id("thumb-up")).to_have_attribute("aria-pressed", "true")


def test_a_failure_while_going_on_is_told_below_the_list_and_keeps_it(page: Page) -> None:
    calls = [
        {"id": f"01M000000000000000000000{n}", "ts": "2026-11-20T00:00:00Z", "selected": ["a/b"], "cost": 1}
        for n in range(10, 30)
    ]

    def answer(route: Route) -> None:
        if "cursor=" in route.request.url:
            route.abort()
        else:
            route.fulfill(json={"calls": calls[::-1], "next": "more"})

    page.route("**/api/history?*", answer)
    turn_to(page, "history")
    page.get_by_test_id("history-item").last.scroll_into_view_if_needed()
    trouble = page.get_by_test_id("older-error")
    expect(trouble).to_contain_text("Older decisions could not be loaded.")
    expect(page.get_by_test_id("history-item")).to_have_count(20)
    page.unroute("**/api/history?*")
    older = [{**calls[0], "id": "01M0000000000000000000001"}]
    page.route("**/api/history?*", lambda route: route.fulfill(json={"calls": older, "next": None}))
    trouble.get_by_test_id("retry").click()
    expect(page.get_by_test_id("history-item")).to_have_count(21)
    expect(trouble).to_be_hidden()
    expect(page.get_by_test_id("older")).to_be_hidden()


@pytest.mark.parametrize("fault", FAULTS)
def test_models_that_fail_to_load_are_told_and_can_be_retried(page: Page, fault: str) -> None:
    answer, words = FAULTS[fault]
    page.route("**/api/models", answer)
    turn_to(page, "models")
    trouble = page.get_by_test_id("models-error")
    expect(trouble).to_contain_text("The models could not be loaded.")
    told(trouble, words)
    page.unroute("**/api/models")
    trouble.get_by_test_id("retry").click()
    expect(page.get_by_test_id("model").first).to_be_visible()
    expect(trouble).to_be_hidden()


def test_a_pause_that_the_server_asks_for_is_told(page: Page) -> None:
    page.route("**/api/models", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}, json={}))
    turn_to(page, "models")
    expect(page.get_by_test_id("models-error")).to_contain_text("Retry in 7 seconds.")


def test_a_connection_that_ends_in_the_middle_is_told(open_page: Callable[..., Page], site: Site) -> None:
    site.answers = {"/api/configs": lambda exchange: exchange.cut(b'{"configs": [', 4000)}
    page = open_page()
    page.goto(site.url)
    expect(page.get_by_test_id("configs-error")).to_contain_text("ended before the whole answer had come")


def test_a_view_that_cannot_be_fetched_is_told_and_can_be_retried(page: Page, allowed: list[str]) -> None:
    allowed.append("Failed to load resource")
    page.route("**/models.js", lambda route: route.abort())
    page.get_by_role("link", name="Models").click()
    trouble = page.get_by_test_id("models-error")
    told(trouble, "This view could not be fetched from the server.")
    page.unroute("**/models.js")
    trouble.get_by_test_id("retry").click()
    expect(page.get_by_test_id("model").first).to_be_visible()


@pytest.mark.parametrize(
    "prompt",
    [
        "<img src=x onerror=alert(1)><script>alert(2)</script> & <b>bold</b>",
        "👩‍👩‍👧‍👦🚀" * 40,
        "{{7*7}} ${7*7} %s \\u0000",
    ],
    ids=["markup", "emoji", "templates"],
)
def test_whatever_is_typed_is_shown_as_text(page: Page, prompt: str) -> None:
    prompt = new_prompt(prompt)
    view = decide(page, prompt)
    turn_to(page, "history")
    row = page.get_by_test_id("history-item").first
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("prompt-text")).to_have_text(prompt)
    for place in (view, row):
        expect(place.locator("img, script, b")).to_have_count(0)


def test_markup_from_the_server_is_shown_as_text(page: Page) -> None:
    def answer(route: Route) -> None:
        decision = route.fetch().json()
        markup = "<b>x</b>"
        candidates = [one | {"model_id": f"{markup}/{n}"} for n, one in enumerate(decision["candidates"])]
        changed = {"explanation": markup, "task": markup, "caller": markup, "selected": [f"{markup}/0"]}
        route.fulfill(json=decision | changed | {"candidates": candidates, "reason": markup})

    page.route("**/api/route", answer)
    view = decide(page, new_prompt("Anything."))
    expect(view.get_by_test_id("explanation")).to_have_text("<b>x</b>")
    expect(view.get_by_test_id("chosen-model")).to_have_text("<b>x</b>/0")
    expect(page.locator("main b")).to_have_count(0)


def test_a_prompt_of_two_megabytes_is_decided_and_shown_in_part(page: Page) -> None:
    page.get_by_test_id("prompt").focus()
    page.keyboard.insert_text("A long line of words. " * 100_000)
    expect(page.get_by_test_id("prompt-held")).to_contain_text("2,200,000 characters is held whole")
    expect(page.get_by_test_id("token-count")).to_contain_text("tokens")
    assert len(page.get_by_test_id("prompt").input_value()) < 20_000
    page.get_by_test_id("decide").click()
    expect(decision_shown(page)).to_contain_text("2,200,000 bytes, stored in part")


def test_a_prompt_that_is_too_large_is_told_at_the_prompt(page: Page) -> None:
    page.get_by_test_id("prompt").focus()
    page.keyboard.insert_text("x" * 4_300_000)
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("prompt-error")).to_contain_text("at most 4,194,304 are routed")
    page.get_by_test_id("release").click()
    expect(page.get_by_test_id("prompt")).to_have_value("")
    expect(page.get_by_test_id("prompt-error")).to_be_hidden()
    decide(page, new_prompt("Short."))


def test_a_held_prompt_can_be_edited_all_the_same(page: Page) -> None:
    box = page.get_by_test_id("prompt")
    box.fill("Before and after")
    box.evaluate("(box) => box.setSelectionRange(7, 10)")
    text = "words\n" * 20_000
    page.keyboard.insert_text(text)
    page.get_by_test_id("edit-held").click()
    expect(page.get_by_test_id("prompt-held")).to_be_hidden()
    assert box.input_value() == f"Before {text} after"
    expect(box).to_be_editable()


def test_a_long_paste_goes_where_the_caret_is(page: Page) -> None:
    box = page.get_by_test_id("prompt")
    box.fill("Before and after")
    box.evaluate("(box) => box.setSelectionRange(7, 10)")
    page.keyboard.insert_text("x" * 10_000)
    expect(page.get_by_test_id("prompt-held")).to_be_hidden()
    page.keyboard.type("!")
    assert box.input_value() == f"Before {'x' * 10_000}! after"


def test_an_example_takes_the_place_of_a_held_prompt(page: Page) -> None:
    page.get_by_test_id("prompt").focus()
    page.keyboard.insert_text("x" * 300_000)
    expect(page.get_by_test_id("prompt-held")).to_be_visible()
    page.get_by_role("button", name="Easy question").click()
    expect(page.get_by_test_id("prompt-held")).to_be_hidden()
    with page.expect_request("**/api/route") as asked:
        page.get_by_test_id("decide").click()
    assert "What is the capital of Australia?" in (asked.value.post_data or "")


def test_without_storage_the_page_works_and_forgets(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
          const get = () => { throw new DOMException("not allowed", "SecurityError"); };
          Object.defineProperty(window, name, { get });
        }"""
    )
    page.route("**/api/configs", lambda route: guard(route))

    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer abc":
            route.continue_()
        else:
            route.fulfill(status=401, json={"message": "Unauthorized"})

    page.goto(server_url)
    page.get_by_test_id("token").fill("abc")
    page.get_by_test_id("access-go").click()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")
    page.get_by_test_id("themes").get_by_label("Dark").check()
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    decide(page, new_prompt("Without storage"))
    page.reload()
    expect(page.get_by_test_id("access")).to_be_visible()


def test_a_part_of_the_page_that_cannot_be_fetched_is_told(page: Page, allowed: list[str]) -> None:
    allowed.append("Failed to load resource")
    page.route("**/format.js", lambda route: route.fulfill(status=503))
    page.reload()
    expect(page.get_by_test_id("broken")).to_contain_text("A part of the page could not be fetched")
    page.unroute("**/format.js")
    page.get_by_test_id("reload").click()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")
    expect(page.get_by_test_id("broken")).to_be_hidden()


def test_a_script_that_gets_into_the_page_does_not_run(browser: Browser, site: Site) -> None:
    # Also where the server sends no policy of its own, as a bare file server does.
    page = browser.new_page()
    site.answers = {"/api/configs": lambda exchange: exchange.answer({"configs": []})}
    page.goto(site.url)
    outcome = page.evaluate(
        """async () => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
          try { document.body.innerHTML = "<b>x</b>"; } catch { refused.push("innerHTML"); }
          const button = document.createElement("button");
          try { button.setAttribute("onclick", "window.ran = 1"); button.click(); } catch { refused.push("onclick"); }
          const script = document.createElement("script");
          try { script.src = "https://example.com/x.js"; } catch { refused.push("script.src"); }
          await fetch("https://example.com/").catch(() => {});
          const image = new Image();
          image.src = "https://example.com/x.png";
          await new Promise((done) => setTimeout(done, 200));
          return { refused, ran: window.ran ?? null };
        }"""
    )
    assert outcome["ran"] is None
    assert {"innerHTML", "script.src", "img-src", "connect-src"} <= set(outcome["refused"])
    page.close()
