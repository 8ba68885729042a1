"""The history: endless, filtered, opened in place, judged, summed and saved."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.driving import (
    PAGE_SIZE,
    decide,
    history_row,
    new_prompt,
    post_route,
    turn_to,
)

pytestmark = pytest.mark.browser


def call(number: int, **fields: Any) -> dict[str, Any]:
    """A made-up row of the history; a higher number is newer."""
    return {
        "id": f"01M0000000000000000000{number:04d}",
        "ts": f"2026-11-20T{number // 60:02d}:{number % 60:02d}:00.000Z",
        "caller": None,
        "config": "auto",
        "selected": ["maker/one" if number % 4 else "maker/two"],
        "expected_quality": 0.9,
        "cost": 0.001,
        "reason": "threshold",
        "strongest": {"model_id": "maker/best", "cost": 0.01},
        "prompt_preview": f"Prompt number {number}",
        **fields,
    }


def give_history(page: Page, calls: list[dict[str, Any]], following: str | None = None) -> None:
    """Lets the server answer with these calls."""
    page.route("**/api/history?*", lambda route: route.fulfill(json={"calls": calls, "next": following}))


def test_a_past_decision_opens_whole_and_in_place(page: Page, server_url: str) -> None:
    prompt = new_prompt("请解释光合作用。")
    decision = post_route(page, server_url, prompt)
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("history-row")).to_have_attribute("aria-expanded", "true")
    detail = row.get_by_test_id("history-detail")
    expect(detail.get_by_test_id("chosen-model")).to_have_text(decision["selected"])
    expect(detail.get_by_test_id("candidate")).to_have_count(len(decision["candidates"]))
    expect(detail.get_by_test_id("prompt-text")).to_have_text(prompt)


def test_the_keyboard_alone_opens_a_past_decision_and_goes_on(page: Page, server_url: str) -> None:
    older, newer = new_prompt("Older"), new_prompt("Newer")
    for prompt in (older, newer):
        post_route(page, server_url, prompt)
    page.get_by_role("link", name="History").focus()
    page.keyboard.press("Enter")
    row = history_row(page, newer)
    row.get_by_test_id("history-row").focus()
    page.keyboard.press("Enter")
    detail = row.get_by_test_id("history-detail")
    expect(detail.get_by_test_id("prompt-text")).to_have_text(newer)
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(history_row(page, older).get_by_test_id("history-row")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row.get_by_test_id("history-row")).to_be_focused()


def test_older_decisions_come_while_one_scrolls_down(page: Page, server_url: str) -> None:
    first = post_route(page, server_url, new_prompt("The oldest of many"))
    later = [post_route(page, server_url, new_prompt("A later one")) for _ in range(PAGE_SIZE * 2)]
    turn_to(page, "history")
    items = page.get_by_test_id("history-item")
    expect(items.first).to_have_attribute("data-id", later[-1]["id"])
    oldest = page.locator(f"[data-testid=history-item][data-id='{first['id']}']")
    for _ in range(4):
        items.last.scroll_into_view_if_needed()
        if oldest.count():
            break
        page.wait_for_function(
            f"n => document.querySelectorAll('#history > li').length > n || {json.dumps(first['id'])}"
        )
    expect(oldest).to_have_count(1)
    ids = [item.get_attribute("data-id") for item in items.all()]
    assert ids == sorted(ids, reverse=True)  # type: ignore[type-var]
    assert len(set(ids)) == len(ids)


def test_a_new_decision_leaves_the_open_rows_open(page: Page) -> None:
    prompt = new_prompt("Read me while more come")
    decide(page, prompt)
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("decision-view")).to_be_visible()
    turn_to(page, "decide")
    newer = new_prompt("One more")
    decide(page, newer)
    turn_to(page, "history")
    expect(page.get_by_test_id("history-item").first).to_contain_text(newer)
    expect(row).to_have_count(1)
    expect(row.get_by_test_id("decision-view")).to_be_visible()


def test_the_history_can_be_narrowed_to_a_config_and_a_model(page: Page, server_url: str) -> None:
    for config in ("cheap-pair", "single-opus", "quality-pair"):
        decision = post_route(page, server_url, new_prompt("For a config"), config)
    turn_to(page, "history")
    for name, value in [("config", "single-opus"), ("model", decision["selected"][0])]:
        with page.expect_response(f"**/api/history?*{name}=*") as told:
            page.get_by_test_id(f"history-{name}").select_option(value)
        calls = told.value.json()["calls"]
        expect(page.get_by_test_id("history-item")).to_have_count(len(calls))
        assert calls
        assert all(value == one["config"] or value in one["selected"] for one in calls)
        page.get_by_test_id("history-clear").click()
        expect(page.get_by_test_id(f"history-{name}")).to_have_value("")


def test_dates_are_whole_days_of_this_place(open_page: Any, server_url: str) -> None:
    page = open_page(timezone_id="Asia/Bangkok")
    page.goto(f"{server_url}/#history")
    expect(page.get_by_test_id("refresh")).to_have_text("Refresh")
    page.get_by_test_id("history-since").fill("2026-11-20")
    with page.expect_request("**/api/history?*until=*") as asked:
        page.get_by_test_id("history-until").fill("2026-11-20")
    assert "since=2026-11-19T17%3A00%3A00.000Z" in asked.value.url
    assert "until=2026-11-20T17%3A00%3A00.000Z" in asked.value.url


def test_a_search_looks_in_what_is_loaded_and_offers_to_go_on(page: Page) -> None:
    give_history(page, [call(2, prompt_preview="A needle"), call(1, prompt_preview="Hay")], "more")
    turn_to(page, "history")
    # It goes on by itself once; a page that brings nothing new is not asked for without end.
    expect(page.get_by_test_id("older")).to_have_text("Older")
    page.wait_for_timeout(300)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_test_id("history-search").fill("NEEDLE auto")
    shown = page.get_by_test_id("history-item").filter(visible=True)
    expect(shown).to_have_count(1)
    expect(page.get_by_test_id("history-count")).to_contain_text("1 shown of 2 loaded")
    expect(page.get_by_test_id("older")).to_have_text("Search 200 older decisions")
    assert asked == []
    give_history(page, [call(0, prompt_preview="Another needle")])
    page.get_by_test_id("older").click()
    expect(shown).to_have_count(2)
    page.get_by_test_id("history-search").fill("nothing has this")
    expect(page.get_by_test_id("history-empty")).to_have_text("No decision matches.")


def test_the_totals_are_of_what_is_shown_and_say_so(page: Page) -> None:
    calls = [call(number) for number in range(40, 0, -1)]
    give_history(page, [*calls, call(0, cost=None)])
    turn_to(page, "history")
    expect(page.get_by_test_id("total-count")).to_contain_text("41")
    expect(page.get_by_test_id("total-count")).to_contain_text("1 without a price")
    expect(page.get_by_test_id("total-spend")).to_contain_text("$0.0400")
    expect(page.get_by_test_id("total-strongest")).to_contain_text("$0.400")
    expect(page.get_by_test_id("total-saved")).to_contain_text("$0.360")
    expect(page.get_by_test_id("total-saved")).to_contain_text("90.0%")
    expect(page.get_by_test_id("totals-scope")).to_contain_text("Over the 41 decisions shown below")
    expect(page.get_by_test_id("shares").locator("li")).to_contain_text(["one", "two"])
    expect(page.get_by_test_id("shares").get_by_role("img")).to_have_attribute(
        "aria-label", "Share of each model over time. In all: one 73.2%, two 26.8%."
    )
    page.get_by_test_id("history-search").fill("two")
    expect(page.get_by_test_id("total-count")).to_contain_text("11")


@pytest.mark.parametrize("thumb", ["up", "down"])
def test_a_thumb_records_the_outcome(page: Page, server_url: str, thumb: str) -> None:
    prompt = new_prompt("Judge me")
    decision = post_route(page, server_url, prompt, "quality-pair")
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    button = row.get_by_test_id(f"thumb-{thumb}").first
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(row.get_by_test_id("outcome-told").first).to_contain_text("completed")
    kept = page.request.get(f"{server_url}/api/history/{decision['id']}").json()["outcomes"]
    assert [(one["model_id"], one["completed"]) for one in kept] == [(decision["selected"][0], thumb == "up")]


def test_another_thumb_keeps_what_was_reported_besides(page: Page, server_url: str) -> None:
    prompt = new_prompt("Reported")
    decision = post_route(page, server_url, prompt)
    outcome = {
        "model_id": decision["selected"][0],
        "completed": True,
        "score": 0.9,
        "cost_usd": 0.5,
        "output_tokens": 7,
    }
    page.request.put(f"{server_url}/api/history/{decision['id']}/outcomes", data=outcome)
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("thumb-up")).to_have_attribute("aria-pressed", "true")
    row.get_by_test_id("thumb-down").click()
    expect(row.get_by_test_id("thumb-down")).to_have_attribute("aria-pressed", "true")
    kept = page.request.get(f"{server_url}/api/history/{decision['id']}").json()["outcomes"][0]
    assert (kept["completed"], kept["score"], kept["cost_usd"], kept["output_tokens"]) == (False, None, 0.5, 7)


def test_what_is_shown_can_be_saved_as_csv_without_formulas(page: Page) -> None:
    nasty = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "  =1", "＝1", 'a "quoted", cell', "中文", None]
    give_history(page, [call(20 - place, prompt_preview=text) for place, text in enumerate(nasty)])
    turn_to(page, "history")
    rows = list(csv.DictReader(io.StringIO(saved(page, "save-csv").decode("utf-8-sig"), newline="")))
    told = [row["prompt_preview"] for row in rows]
    assert told == [*(f"'{text}" for text in nasty[:6]), nasty[6], nasty[7], ""]
    assert rows[0]["cost_usd"] == "0.001"
    assert rows[0]["selected"] == "maker/two"
    page.get_by_test_id("history-search").fill("quoted")
    expect(page.get_by_test_id("history-item").filter(visible=True)).to_have_count(1)
    assert len(saved(page, "save-csv").decode().splitlines()) == 2


def test_what_is_shown_can_be_saved_as_json_lines(page: Page) -> None:
    calls = [call(2, prompt_preview="=1\n2", extra={"a": 1}), call(1)]
    give_history(page, calls)
    turn_to(page, "history")
    assert [json.loads(line) for line in saved(page, "save-jsonl").decode().splitlines()] == calls


def saved(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_test_id(button).click()
    return Path(download.value.path()).read_bytes()


def test_unknown_fields_and_models_that_are_gone_are_shown_as_they_are(page: Page) -> None:
    odd = [
        call(9, selected=["maker/gone"], more={"nested": [1]}, strongest={"model_id": "maker/gone", "cost": 1}),
        call(8, selected=[], reason="new-reason", expected_quality=None, cost=None, strongest=None),
        {"id": call(7)["id"]},
        None,
        {"no": "id"},
    ]
    give_history(page, odd)  # type: ignore[arg-type]
    turn_to(page, "history")
    items = page.get_by_test_id("history-item")
    expect(items).to_have_count(3)
    expect(items.first).to_contain_text("maker/gone")
    expect(page.get_by_test_id("history-count")).to_have_text("3 shown, 2 could not be read")
    expect(page.get_by_test_id("history-model").locator("option", has_text="maker/gone")).to_be_attached()


def test_a_decision_with_a_model_that_is_gone_and_unknown_fields_opens(page: Page, server_url: str) -> None:
    prompt = new_prompt("An old one")
    post_route(page, server_url, prompt)

    def answer(route: Route) -> None:
        decision = route.fetch().json()
        gone = decision["candidates"][0] | {"model_id": "maker/gone", "unheard_of": {"x": 1}}
        route.fulfill(json=decision | {"candidates": [gone], "selected": ["maker/gone"], "novelty": [1, 2]})

    page.route("**/api/history/0*", answer)
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("chosen-model")).to_have_text("maker/gone")
    expect(row.get_by_test_id("candidate")).to_have_count(1)


def test_a_decision_that_lacks_nearly_everything_opens(page: Page, server_url: str) -> None:
    prompt = new_prompt("A bare one")
    post_route(page, server_url, prompt)
    page.route("**/api/history/0*", lambda route: route.fulfill(json={"id": "x", "selected": [], "candidates": [{}]}))
    turn_to(page, "history")
    row = history_row(page, prompt)
    row.get_by_test_id("history-row").click()
    expect(row.get_by_test_id("decision-view")).to_contain_text("No model")
    expect(row.get_by_test_id("no-replay")).to_be_visible()
