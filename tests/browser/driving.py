"""What the browser tests share: opening views, making decisions, and answers that a server might give."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

ROOT = Path(__file__).resolve().parents[2]
PAGE_SIZE = 50  # as web/history/history.js has it

Answer = Callable[[Route], None]


def visit(page: Page, url: str, view: str = "decide") -> None:
    """Opens the page and waits until what the view loads is there."""
    page.goto(f"{url}/#{view}")
    expect(page.get_by_test_id("config-about")).to_have_attribute("aria-busy", "false")
    if view != "decide":
        settled(page, view)


def turn_to(page: Page, view: str) -> None:
    """Goes to a view by its link."""
    page.get_by_role("navigation").get_by_role("link", name=view.capitalize()).click()
    settled(page, view)


def settled(page: Page, view: str) -> None:
    """Waits until a view has loaded, or told why it could not."""
    expect(page.locator(f"#{view}-view")).to_be_visible()
    if view == "history":
        expect(page.get_by_test_id("refresh")).to_have_text("Refresh")
        expect(page.locator("#history > li, #history-empty:not([hidden]), #history-error p").first).to_be_attached()
    if view == "models":
        expect(page.locator("#models tbody tr, #models-error p").first).to_be_attached()


def new_prompt(text: str) -> str:
    """A prompt no other test has sent."""
    return f"{text} {uuid.uuid4().hex}"


def decide(page: Page, prompt: str) -> Locator:
    """Sends a prompt from the form and gives the decision that is shown."""
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    shown = page.get_by_test_id("decision").get_by_test_id("decision-view")
    expect(shown.get_by_test_id("prompt-text")).to_have_text(prompt)
    return shown


def decision_shown(page: Page) -> Locator:
    """The decision of the Decide view."""
    return page.get_by_test_id("decision").get_by_test_id("decision-view")


def history_row(page: Page, prompt: str) -> Locator:
    """The row of a prompt in the history."""
    preview = page.get_by_test_id("history-prompt").get_by_text(prompt)
    return page.get_by_test_id("history-item").filter(has=preview)


def post_route(page: Page, url: str, prompt: str, config: str = "auto") -> dict[str, Any]:
    """A decision made beside the page."""
    answer = page.request.post(f"{url}/api/route", data={"prompt": prompt, "config": config})
    assert answer.ok, answer.text()
    decision: dict[str, Any] = answer.json()
    return decision


def refuse(status: int, problem: dict[str, Any]) -> Answer:
    """An answer with a problem document."""
    body = json.dumps({"type": "about:blank", "title": "Refused", "status": status} | problem)

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="application/problem+json", body=body)

    return answer


def change(**fields: Any) -> Answer:
    """The server's own answer with some fields changed."""

    def answer(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | fields)

    return answer


def unanswered(_: Route) -> None:
    """No answer, ever."""


def widest(page: Page) -> int:
    """How wide the page is, in pixels."""
    return int(page.evaluate("() => document.documentElement.scrollWidth"))
