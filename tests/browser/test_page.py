"""The promises of the page, kept in a real browser against a real server."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Route,
    expect,
    sync_playwright,
)

pytestmark = pytest.mark.browser

# A server may load its weights at the first decision.
WAIT_MS = 30_000
PAGE_SIZE = 20
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Every text on the page whose contrast with the ground behind it is under WCAG AA.
LOW_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = rgba(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === "" || holder.closest("script, noscript")) continue;
    if (!holder.checkVisibility()) continue;
    const style = getComputedStyle(holder);
    const [a, b] = [light(style.color), light(ground(holder))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) bad.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return bad;
}"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("POINTSMAN_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium found, and POINTSMAN_REQUIRE_BROWSER=1")
        pytest.skip("no Chromium found")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, server_url: str) -> Iterator[Callable[..., Page]]:
    """Makes pages. A console error, a broken content policy or a script error fails the test."""
    errors: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # The browser logs each failed call to the API; the page itself answers for those.
        about_api = message.location.get("url", "").startswith(f"{server_url}/api/")
        if message.type == "error" and not about_api:
            errors.append(message.text)

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    expect.set_options(timeout=WAIT_MS)
    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Callable[..., Page], server_url: str) -> Page:
    opened = open_page(viewport={"width": 1280, "height": 900})
    visit(opened, server_url)
    return opened


def visit(page: Page, url: str) -> None:
    """Opens the page and waits until its configs and its history are there."""
    page.goto(url)
    expect(page.get_by_test_id("refresh")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_test_id("config-about")).not_to_contain_text("Loading")


def new_prompt(text: str) -> str:
    """A prompt no other test has sent."""
    return f"{text} {uuid.uuid4().hex}"


def decide(page: Page, prompt: str) -> Locator:
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    view = page.get_by_test_id("decision").get_by_test_id("decision-view")
    expect(view.get_by_test_id("prompt-text")).to_have_text(prompt)
    return view


def history_row(page: Page, prompt: str) -> Locator:
    preview = page.get_by_test_id("history-prompt").get_by_text(prompt)
    return page.get_by_test_id("history-item").filter(has=preview)


def post_route(page: Page, url: str, prompt: str, config: str = "auto") -> dict[str, Any]:
    answer = page.request.post(f"{url}/api/route", data={"prompt": prompt, "config": config})
    assert answer.ok, answer.text()
    decision: dict[str, Any] = answer.json()
    return decision


def refuse(status: int, problem: dict[str, Any]) -> Callable[[Route], None]:
    body = json.dumps({"type": "about:blank", "title": "Refused", "status": status} | problem)

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="application/problem+json", body=body)

    return answer


def widest(page: Page) -> int:
    return int(page.evaluate("() => document.documentElement.scrollWidth"))


def test_a_pasted_prompt_gets_a_decision_and_appears_in_the_history(page: Page) -> None:
    prompt = new_prompt("What is the capital of Australia?")
    view = decide(page, prompt)
    expect(view.get_by_test_id("chosen-model").first).not_to_be_empty()
    expect(view.get_by_test_id("expected-completion")).to_contain_text("%")
    expect(view.get_by_test_id("cost")).to_contain_text("per 1,000 requests")
    expect(page.get_by_test_id("history-item").first).to_contain_text(prompt)
    expect(page.get_by_test_id("decision-status")).to_contain_text("Chosen:")


def test_the_decision_shown_is_the_one_the_server_gave(page: Page) -> None:
    page.get_by_test_id("prompt").fill(new_prompt("Name three prime numbers."))
    with page.expect_response("**/api/route") as told:
        page.get_by_test_id("decide").click()
    decision = told.value.json()
    view = page.get_by_test_id("decision").get_by_test_id("decision-view")
    expect(view).to_have_attribute("data-id", decision["id"])
    expect(view.get_by_test_id("chosen-model")).to_have_text(decision["selected"])
    expect(view.get_by_test_id("explanation")).to_have_text(decision["explanation"])
    expect(view.get_by_test_id("candidate")).to_have_count(len(decision["candidates"]))
    chosen = view.get_by_test_id("candidate").filter(has_text="Chosen")
    expect(chosen).to_have_count(len(decision["selected"]))
    for model_id in decision["selected"]:
        expect(chosen.filter(has_text=model_id)).to_have_count(1)
    guessed = [one for one in decision["candidates"] if not one["capability_known"]]
    expect(view.get_by_test_id("capability-unknown")).to_have_count(len(guessed))


@pytest.mark.parametrize("keys", ["Control+Enter", "Meta+Enter"])
def test_the_keyboard_alone_sends_a_prompt_and_opens_a_past_decision(page: Page, keys: str) -> None:
    prompt = new_prompt("Which planet is the largest?")
    page.get_by_test_id("prompt").focus()
    page.keyboard.insert_text(prompt)
    page.keyboard.press(keys)
    row = history_row(page, prompt)
    expect(row).to_be_visible()
    row.get_by_test_id("history-row").focus()
    page.keyboard.press("Enter")
    detail = row.get_by_test_id("history-detail")
    expect(detail.get_by_test_id("prompt-text")).to_have_text(prompt)
    page.keyboard.press("Enter")
    expect(detail).to_be_hidden()


def test_an_empty_prompt_is_explained_at_the_prompt_box(page: Page) -> None:
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("prompt-error")).to_contain_text("empty")
    expect(page.get_by_test_id("prompt")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_test_id("decide-error")).to_be_hidden()
    page.get_by_test_id("prompt").fill("Now there is one.")
    expect(page.get_by_test_id("prompt-error")).to_be_hidden()


def test_a_refused_prompt_is_explained_at_the_prompt_box(page: Page) -> None:
    error = {"field": "prompt", "message": "the prompt is too long", "remedy": "Shorten it."}
    page.route("**/api/route", refuse(422, {"detail": "1 field.", "errors": [error]}))
    page.get_by_test_id("prompt").fill("Too long.")
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("prompt-error")).to_have_text("The prompt is too long. Shorten it.")
    expect(page.get_by_test_id("retry")).to_have_count(0)
    page.unroute("**/api/route")
    decide(page, new_prompt("Short."))
    expect(page.get_by_test_id("prompt-error")).to_be_hidden()


def test_a_refused_option_is_explained_at_that_option(page: Page) -> None:
    page.get_by_test_id("prompt").fill("Hello.")
    page.get_by_test_id("options").locator("summary").click()
    page.get_by_test_id("max-output-tokens").fill("-5")
    page.get_by_test_id("options").locator("summary").click()
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("max-output-tokens-error")).to_be_visible()
    expect(page.get_by_test_id("max-output-tokens")).to_have_attribute("aria-invalid", "true")


def test_several_faults_with_one_remedy_tell_the_remedy_once(page: Page) -> None:
    faults = [
        {"field": "config", "message": f"{name} does not take video", "remedy": "Ask for less."}
        for name in ("maker/one", "maker/two")
    ]
    page.route("**/api/route", refuse(422, {"detail": "None can.", "errors": faults}))
    page.get_by_test_id("prompt").fill("Watch this.")
    page.get_by_test_id("decide").click()
    trouble = page.get_by_test_id("config-error")
    expect(trouble.locator("li")).to_have_text(["maker/one does not take video.", "maker/two does not take video."])
    expect(trouble.get_by_text("Ask for less.")).to_have_count(1)


def test_only_what_is_filled_in_is_sent(page: Page) -> None:
    page.get_by_test_id("prompt").fill("Describe this picture.")
    with page.expect_request("**/api/route") as plain:
        page.get_by_test_id("decide").click()
    assert plain.value.post_data_json == {"prompt": "Describe this picture.", "config": "auto"}
    page.get_by_test_id("options").locator("summary").click()
    page.get_by_label("Task").fill("captions")
    page.get_by_label("image").check()
    page.get_by_test_id("max-output-tokens").fill("64")
    with page.expect_request("**/api/route") as full:
        page.get_by_test_id("decide").click()
    assert full.value.post_data_json == {
        "prompt": "Describe this picture.",
        "config": "auto",
        "task": "captions",
        "preferred_input_modalities": ["image"],
        "max_output_tokens": 64,
    }


def test_an_example_fills_the_prompt_box_and_sends_nothing(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    for example in page.get_by_test_id("examples").get_by_role("button").all():
        page.get_by_test_id("prompt").fill("")
        example.click()
        expect(page.get_by_test_id("prompt")).not_to_have_value("")
        expect(page.get_by_test_id("prompt")).to_be_focused()
    assert sent == []


def test_the_config_chosen_tells_what_it_holds(page: Page, server_url: str) -> None:
    about = page.get_by_test_id("config-about")
    for config in page.request.get(f"{server_url}/api/configs").json()["configs"]:
        page.get_by_test_id("config").select_option(config["name"])
        expect(about).to_contain_text(config["description"] or "")
        expect(about).to_contain_text(f"{100 * config['completion_threshold']:g}%")
        expect(about.locator(".models li")).to_have_text(config["models"])


def test_markup_in_a_prompt_is_shown_as_text(page: Page) -> None:
    prompt = new_prompt("<img src=x onerror=alert(1)><script>alert(2)</script> & <b>bold</b>")
    view = decide(page, prompt)
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    detail = row.get_by_test_id("history-detail")
    expect(detail.get_by_test_id("prompt-text")).to_have_text(prompt)
    for place in (view, row):
        expect(place.locator("img, script, b")).to_have_count(0)


def test_markup_from_the_server_is_shown_as_text(page: Page) -> None:
    def answer(route: Route) -> None:
        decision = route.fetch().json()
        route.fulfill(json=decision | {"explanation": "<b>Why</b>", "task": "<i>t</i>"})

    page.route("**/api/route", answer)
    view = decide(page, new_prompt("Anything."))
    expect(view.get_by_test_id("explanation")).to_have_text("<b>Why</b>")
    expect(view.locator("b, i")).to_have_count(0)


def test_a_past_decision_opens_whole_and_in_place(page: Page, server_url: str) -> None:
    prompt = new_prompt("请解释光合作用。")
    decision = post_route(page, server_url, prompt)
    page.get_by_test_id("refresh").click()
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("history-row")).to_have_attribute("aria-expanded", "true")
    detail = row.get_by_test_id("history-detail")
    expect(detail.get_by_test_id("chosen-model")).to_have_text(decision["selected"])
    expect(detail.get_by_test_id("candidate")).to_have_count(len(decision["candidates"]))
    expect(detail.get_by_test_id("prompt-text")).to_have_text(prompt)


def test_older_decisions_are_reached_by_paging(page: Page, server_url: str) -> None:
    first = post_route(page, server_url, new_prompt("The oldest of many"))
    later = [post_route(page, server_url, new_prompt("A later one")) for _ in range(PAGE_SIZE + 1)]
    page.get_by_test_id("refresh").click()
    items = page.get_by_test_id("history-item")
    expect(items.first).to_have_attribute("data-id", later[-1]["id"])
    expect(items).to_have_count(PAGE_SIZE)
    oldest = page.locator(f"[data-testid=history-item][data-id='{first['id']}']")
    expect(oldest).to_have_count(0)
    page.get_by_test_id("older").click()
    expect(oldest).to_have_count(1)
    ids = [item.get_attribute("data-id") for item in items.all()]
    assert ids[: PAGE_SIZE + 2] == [one["id"] for one in reversed([first, *later])]
    assert len(set(ids)) == len(ids)


def test_older_is_offered_only_while_there_are_older_ones(page: Page, server_url: str) -> None:
    post_route(page, server_url, new_prompt("At least one"))
    older = page.get_by_test_id("older")
    with page.expect_response("**/api/history?*") as told:
        page.get_by_test_id("refresh").click()
    while told.value.json()["next"] is not None:
        expect(older).to_have_attribute("aria-busy", "false")
        with page.expect_response("**/api/history?*cursor=*") as told:
            older.click()
    expect(older).to_be_hidden()


def test_a_new_decision_leaves_the_open_rows_open(page: Page) -> None:
    prompt = new_prompt("Read me while more come")
    decide(page, prompt)
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("decision-view")).to_be_visible()
    newer = new_prompt("One more")
    decide(page, newer)
    expect(page.get_by_test_id("history-item").first).to_contain_text(newer)
    expect(row).to_have_count(1)
    expect(row.get_by_test_id("decision-view")).to_be_visible()


def test_the_history_can_be_narrowed_to_one_config(page: Page, server_url: str) -> None:
    configs = page.request.get(f"{server_url}/api/configs").json()["configs"]
    for config in configs:
        post_route(page, server_url, new_prompt("For a config"), config["name"])
    for config in configs:
        with page.expect_response(f"**/api/history?*config={config['name']}*") as told:
            page.get_by_test_id("history-config").select_option(config["name"])
        wanted = [call["id"] for call in told.value.json()["calls"]]
        items = page.get_by_test_id("history-item")
        expect(items).to_have_count(len(wanted))
        assert [item.get_attribute("data-id") for item in items.all()] == wanted
        assert all(call["config"] == config["name"] for call in told.value.json()["calls"])


def test_a_network_failure_is_told_and_can_be_retried(page: Page) -> None:
    page.route("**/api/route", lambda route: route.abort())
    prompt = new_prompt("Is anyone there?")
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    trouble = page.get_by_test_id("decide-error")
    expect(trouble).to_contain_text("could not be reached")
    expect(page.get_by_test_id("prompt")).to_have_value(prompt)
    page.unroute("**/api/route")
    trouble.get_by_test_id("retry").click()
    view = page.get_by_test_id("decision").get_by_test_id("decision-view")
    expect(view.get_by_test_id("prompt-text")).to_have_text(prompt)
    expect(trouble).to_be_hidden()


def test_a_problem_of_the_server_is_told_in_its_own_words(page: Page) -> None:
    page.route("**/api/route", refuse(503, {"detail": "The predictor is still loading."}))
    page.get_by_test_id("prompt").fill("Hello.")
    page.get_by_test_id("decide").click()
    trouble = page.get_by_test_id("decide-error")
    expect(trouble).to_contain_text("The predictor is still loading.")
    expect(trouble.get_by_test_id("retry")).to_be_visible()


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_of_a_gateway_is_told_as_such(page: Page, status: int) -> None:
    body = "<html><h1>Bad Gateway</h1></html>"
    page.route(
        "**/api/route",
        lambda route: route.fulfill(status=status, content_type="text/html", body=body),
    )
    page.get_by_test_id("prompt").fill("Hello.")
    page.get_by_test_id("decide").click()
    trouble = page.get_by_test_id("decide-error")
    expect(trouble).to_contain_text(f"HTTP {status}")
    expect(trouble).not_to_contain_text("<html>")
    expect(trouble.get_by_test_id("retry")).to_be_visible()


def test_configs_that_fail_to_load_are_told_at_the_config_and_auto_still_works(
    open_page: Callable[..., Page], server_url: str
) -> None:
    page = open_page()
    page.route("**/api/configs", lambda route: route.abort())
    visit(page, server_url)
    trouble = page.get_by_test_id("configs-error")
    expect(trouble).to_contain_text("The configs could not be loaded.")
    decide(page, new_prompt("Without configs"))
    page.unroute("**/api/configs")
    trouble.get_by_test_id("retry").click()
    expect(trouble).to_be_hidden()
    expect(page.get_by_test_id("config-about")).to_contain_text("Completion threshold")


def test_a_history_that_fails_to_load_is_told_at_the_history(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    page.route("**/api/history?*", refuse(500, {"detail": "The database is locked."}))
    visit(page, server_url)
    trouble = page.get_by_test_id("history-error")
    expect(trouble).to_contain_text("The database is locked.")
    page.unroute("**/api/history?*")
    prompt = new_prompt("Found again")
    post_route(page, server_url, prompt)
    trouble.get_by_test_id("retry").click()
    expect(history_row(page, prompt)).to_be_visible()
    expect(trouble).to_be_hidden()


def test_a_failure_while_paging_is_told_below_the_list_and_keeps_it(page: Page, server_url: str) -> None:
    for _ in range(PAGE_SIZE + 1):
        post_route(page, server_url, new_prompt("One of many"))
    page.get_by_test_id("refresh").click()
    items = page.get_by_test_id("history-item")
    expect(items).to_have_count(PAGE_SIZE)
    page.route("**/api/history?*cursor=*", lambda route: route.abort())
    page.get_by_test_id("older").click()
    trouble = page.get_by_test_id("older-error")
    expect(trouble).to_contain_text("Older decisions could not be loaded.")
    expect(items).to_have_count(PAGE_SIZE)
    page.unroute("**/api/history?*cursor=*")
    trouble.get_by_test_id("retry").click()
    expect(items.nth(PAGE_SIZE)).to_be_attached()
    expect(trouble).to_be_hidden()


def test_a_decision_that_fails_to_open_is_told_in_its_row(page: Page) -> None:
    prompt = new_prompt("Open me")
    decide(page, prompt)
    row = history_row(page, prompt)
    page.route("**/api/history/*", lambda route: route.abort())
    row.get_by_test_id("history-row").click()
    trouble = row.get_by_test_id("detail-error")
    expect(trouble).to_contain_text("This decision could not be loaded.")
    page.unroute("**/api/history/*")
    trouble.get_by_test_id("retry").click()
    expect(row.get_by_test_id("prompt-text")).to_have_text(prompt)


def test_a_slow_older_answer_never_replaces_a_newer_one(page: Page) -> None:
    slow, quick = new_prompt("Slow"), new_prompt("Quick")
    held: list[Route] = []

    def hold_the_slow_one(route: Route) -> None:
        if slow in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/route", hold_the_slow_one)
    page.get_by_test_id("prompt").fill(slow)
    with page.expect_request("**/api/route"):
        page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("decide")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_test_id("decision-wait")).to_be_visible()
    decide(page, quick)
    expect(page.get_by_test_id("decision-wait")).to_be_hidden()
    expect(page.get_by_test_id("decide")).to_have_attribute("aria-busy", "false")
    held[0].continue_()
    expect(history_row(page, slow)).to_be_visible()
    view = page.get_by_test_id("decision").get_by_test_id("decision-view")
    expect(view.get_by_test_id("prompt-text")).to_have_text(quick)


def test_the_same_request_is_not_sent_twice_while_it_is_on_its_way(page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/route", lambda route: held.append(route))
    page.get_by_test_id("prompt").fill(new_prompt("Once"))
    with page.expect_request("**/api/route"):
        page.get_by_test_id("decide").click()
    page.get_by_test_id("decide").click()
    page.get_by_test_id("prompt").press("Control+Enter")
    held[0].continue_()
    expect(page.get_by_test_id("decide")).to_have_attribute("aria-busy", "false")
    assert len(held) == 1


def test_a_decision_that_was_not_stored_says_so(page: Page) -> None:
    page.route(
        "**/api/route",
        lambda route: route.fulfill(json=route.fetch().json() | {"recorded": False}),
    )
    view = decide(page, new_prompt("Do not keep this"))
    expect(view.get_by_test_id("not-recorded")).to_contain_text("not stored")
    expect(page.get_by_test_id("decision-status")).to_contain_text("not stored")


def test_excluded_models_are_listed_with_why(page: Page) -> None:
    excluded = [{"model_id": "maker/small", "why": "its context is too short"}]
    page.route(
        "**/api/route",
        lambda route: route.fulfill(json=route.fetch().json() | {"excluded": excluded}),
    )
    view = decide(page, new_prompt("A long one"))
    expect(view.get_by_test_id("excluded")).to_contain_text("maker/small")
    expect(view.get_by_test_id("excluded")).to_contain_text("its context is too short")


def test_a_tiny_cost_is_written_out(page: Page) -> None:
    page.route(
        "**/api/route",
        lambda route: route.fulfill(json=route.fetch().json() | {"cost": 1.23e-7}),
    )
    view = decide(page, new_prompt("Cheap"))
    expect(view.get_by_test_id("cost")).to_contain_text("$0.000000123")
    expect(view.get_by_test_id("cost")).to_contain_text("$0.000123 per 1,000 requests")


def test_a_long_table_of_candidates_starts_short_and_opens_whole(page: Page) -> None:
    def answer(route: Route) -> None:
        decision = route.fetch().json()
        one = decision["candidates"][0]
        names = [f"maker/model-{place}" for place in range(40)]
        candidates = [one | {"model_id": name, "cost": 0.001 * (place + 1)} for place, name in enumerate(names)]
        strongest = {"model_id": names[39], "cost": 0.04}
        changed = {"candidates": candidates, "selected": [names[30]], "strongest": strongest}
        route.fulfill(json=decision | changed)

    page.route("**/api/route", answer)
    view = decide(page, new_prompt("Many"))
    shown = view.get_by_test_id("candidate").filter(visible=True)
    expect(shown).to_have_count(12)
    expect(shown.filter(has_text="Chosen")).to_contain_text("maker/model-30")
    expect(shown.filter(has_text="Strongest")).to_contain_text("maker/model-39")
    view.get_by_test_id("all-candidates").click()
    expect(shown).to_have_count(40)


def test_a_right_to_left_prompt_reads_right_to_left(page: Page) -> None:
    prompt = new_prompt("ما هي عاصمة المغرب؟")
    view = decide(page, prompt)
    places = [
        page.get_by_test_id("prompt"),
        view.get_by_test_id("prompt-text"),
        history_row(page, prompt).get_by_test_id("history-prompt"),
    ]
    for place in places:
        expect(place).to_have_css("direction", "rtl")
    expect(view.get_by_test_id("chosen-model").first).to_have_css("direction", "ltr")


@pytest.mark.parametrize("width", [360, 800, 1280, 2560])
def test_the_page_fits_a_phone_and_a_wide_screen(open_page: Callable[..., Page], server_url: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 740})
    visit(page, server_url)
    assert widest(page) <= width
    start = new_prompt("A long line")
    decide(page, start + "Unbroken" * 60)
    row = history_row(page, start)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("candidates")).to_be_visible()
    page.get_by_test_id("options").locator("summary").click()
    assert widest(page) <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast_in_light_and_dark(
    open_page: Callable[..., Page], server_url: str, scheme: str
) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    visit(page, server_url)
    prompt = new_prompt("Contrast")
    decide(page, prompt)
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("candidates")).to_be_visible()
    page.route("**/api/route", lambda route: route.abort())
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("decide-error")).to_be_visible()
    expect(page.get_by_test_id("decide")).to_have_attribute("aria-busy", "false")
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_page_loads_everything_from_its_own_server(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, server_url)
    decide(page, new_prompt("From here only"))
    assert asked
    assert [url for url in asked if not url.startswith(f"{server_url}/")] == []
