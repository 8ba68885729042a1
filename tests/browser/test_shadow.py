"""A decision in shadow mode, in the history: the caller's own model and what would have been chosen, line by line."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.driving import history_row, new_prompt, turn_to, visit
from tests.browser.test_look import accessible

pytestmark = pytest.mark.browser


def observed(page: Page, url: str, own: str) -> dict[str, Any]:
    """A decision in shadow mode, made beside the page."""
    asked = {"prompt": new_prompt("What is 1+1?"), "observe": True, "own_model": own}
    answer = page.request.post(f"{url}/api/route", data=asked)
    assert answer.ok, answer.text()
    made: dict[str, Any] = answer.json()
    return made


def opened(page: Page, made: dict[str, Any]) -> Locator:
    """The decision, opened in the history."""
    turn_to(page, "history")
    row = history_row(page, made["prompt"])
    row.get_by_test_id("history-row").click()
    return row.get_by_test_id("history-detail")


def amounts(line: Locator) -> list[str]:
    return line.locator("td").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_history_tells_the_own_model_the_choice_and_what_it_saves(
    open_page: Callable[..., Page], server_url: str, scheme: str
) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce", viewport={"width": 360, "height": 800})
    visit(page, server_url)
    made = observed(page, server_url, "anthropic/claude-opus-5.5@high")
    detail = opened(page, made)
    own, chosen = detail.get_by_test_id("shadow-own"), detail.get_by_test_id("shadow-chosen")
    told = [("Called by you", own, made), ("Would have been chosen", chosen, made["shadow"])]
    for name, line, choice in told:
        expect(line.get_by_role("rowheader")).to_have_text(name)
        model, completion, cost = amounts(line)
        assert model == choice["selected"][0]
        assert completion == f"{choice['expected_quality']:.1%}"
        assert float(cost.removeprefix("$")) == pytest.approx(choice["cost"] * 1000, rel=0.01, abs=0.005)
    saved = 1 - made["shadow"]["cost"] / made["cost"]
    assert saved > 0
    expect(detail.get_by_test_id("shadow-difference")).to_contain_text(f"{saved:.1%} less: $")
    accessible(page)


def test_a_choice_that_costs_more_or_is_the_same_is_told_so(page: Page, server_url: str) -> None:
    made = observed(page, server_url, "openai/gpt-5.6-luna@none")
    shadow: dict[str, Any] = {**made["shadow"], "selected": ["maker/dear"], "cost": made["cost"] * 3}

    def answer_with(**fields: Any) -> None:
        def changed(route: Route) -> None:
            route.fulfill(json={**made, "outcomes": [], **fields})

        page.unroute_all()
        page.route(f"**/api/history/{made['id']}", changed)

    same = {**shadow, "selected": made["selected"], "cost": made["cost"]}
    for fields, words in (
        ({"shadow": shadow}, "200.0% more: $"),
        ({"shadow": same}, "The same model: nothing would have changed."),
        ({"shadow": {**shadow, "cost": None}}, "is not known"),
    ):
        answer_with(**fields)
        page.reload()
        expect(opened(page, made).get_by_test_id("shadow-difference")).to_contain_text(words)
    without = {name: value for name, value in made.items() if name != "shadow"}
    page.unroute_all()
    page.route(f"**/api/history/{made['id']}", lambda route: route.fulfill(json={**without, "outcomes": []}))
    page.reload()
    detail = opened(page, made)
    expect(detail.get_by_test_id("prompt-text")).to_have_text(made["prompt"])
    expect(detail.get_by_test_id("shadow")).to_have_count(0)
