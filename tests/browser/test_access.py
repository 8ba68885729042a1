"""The token: asked for once, kept for the tab, told when wrong, and sent as a header only."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.driving import decision_shown, new_prompt, turn_to
from tests.browser.site import Exchange, Site

pytestmark = pytest.mark.browser

TOKEN = "pm_0123456789abcdef"


def closed(page: Page, token: str = TOKEN) -> list[str]:
    """Lets the API ask for a token as a gateway does; gives the addresses it was asked at."""
    seen: list[str] = []

    def guard(route: Route) -> None:
        seen.append(route.request.url)
        given = route.request.headers.get("authorization")
        if given == f"Bearer {token}":
            route.continue_()
        elif given is None:
            route.fulfill(status=401, json={"message": "Unauthorized"})
        else:
            route.fulfill(status=403, json={"message": "Forbidden"})

    page.route("**/api/**", guard)
    return seen


def give(page: Page, token: str) -> None:
    page.get_by_test_id("token").fill(token)
    page.get_by_test_id("access-go").click()


def test_a_token_is_asked_for_once_and_kept_for_the_tab(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    seen = closed(page)
    page.goto(f"{server_url}/#history")
    dialog = page.get_by_test_id("access")
    expect(dialog).to_be_visible()
    expect(page.get_by_test_id("token")).to_be_focused()
    give(page, f"  Bearer {TOKEN} ")
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")
    expect(page.locator("#history > li, #history-empty:not([hidden])").first).to_be_visible()
    turn_to(page, "decide")
    prompt = new_prompt("With a token")
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    expect(decision_shown(page).get_by_test_id("prompt-text")).to_have_text(prompt)
    page.reload()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")
    expect(dialog).to_be_hidden()
    assert page.evaluate("() => [JSON.stringify(localStorage), document.cookie]") == ["{}", ""]
    assert not any(TOKEN in url for url in [*seen, page.url])
    # Another tab is asked again.
    other = page.context.new_page()
    closed(other)
    other.goto(server_url)
    expect(other.get_by_test_id("access")).to_be_visible()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("wrong", "does not accept this token (HTTP 403)"),
        ("", "Paste the token first."),
        ("two words", "This is not a token"),
        ("schlüssel", "This is not a token"),
    ],
)
def test_a_wrong_token_is_told_where_it_was_typed(
    open_page: Callable[..., Page], server_url: str, given: str, words: str
) -> None:
    page = open_page()
    closed(page)
    page.goto(server_url)
    give(page, given)
    expect(page.get_by_test_id("token-error")).to_contain_text(words)
    expect(page.get_by_test_id("token")).to_have_attribute("aria-invalid", "true")
    give(page, TOKEN)
    expect(page.get_by_test_id("access")).to_be_hidden()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")


def test_without_a_token_the_page_says_so_and_asks_again_on_retry(
    open_page: Callable[..., Page], server_url: str
) -> None:
    page = open_page()
    closed(page)
    page.goto(server_url)
    expect(page.get_by_test_id("access")).to_be_visible()
    page.keyboard.press("Escape")
    trouble = page.get_by_test_id("configs-error")
    expect(trouble).to_contain_text("The API asks for a token, and none was given.")
    trouble.get_by_test_id("retry").click()
    give(page, TOKEN)
    expect(trouble).to_be_hidden()
    expect(page.get_by_test_id("config-about")).to_contain_text("Worth")


def test_a_token_that_is_revoked_is_asked_for_anew_and_the_request_goes_on(
    open_page: Callable[..., Page], server_url: str
) -> None:
    page = open_page()
    closed(page)
    page.goto(server_url)
    give(page, TOKEN)
    expect(page.get_by_test_id("access")).to_be_hidden()
    page.unroute("**/api/**")
    closed(page, "pm_new")
    prompt = new_prompt("After the change")
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("decide").click()
    expect(page.get_by_test_id("token-error")).to_contain_text("no longer accepted (HTTP 403)")
    give(page, "pm_new")
    expect(decision_shown(page).get_by_test_id("prompt-text")).to_have_text(prompt)


def test_a_token_can_be_forgotten(open_page: Callable[..., Page], server_url: str) -> None:
    page = open_page()
    closed(page)
    page.goto(server_url)
    expect(page.get_by_test_id("forget")).to_be_hidden()
    give(page, TOKEN)
    page.get_by_test_id("forget").click()
    expect(page.get_by_test_id("forget")).to_be_hidden()
    assert page.evaluate("() => JSON.stringify(sessionStorage)") == "{}"
    turn_to_models = page.get_by_role("link", name="Models")
    turn_to_models.click()
    expect(page.get_by_test_id("access")).to_be_visible()


def test_a_token_is_checked_against_a_server_that_fails(open_page: Callable[..., Page], site: Site) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.answer({"message": "Unauthorized"}, 401)

    def fail(exchange: Exchange) -> None:
        exchange.answer({"message": "Internal server error"}, 500)

    site.answers = {"/api/configs": refuse, "/api/health": fail}
    page = open_page()
    page.goto(site.url)
    give(page, TOKEN)
    expect(page.get_by_test_id("token-error")).to_contain_text("could not be checked: the API answered HTTP 500")


def test_where_no_token_is_asked_for_none_is_sent(page: Page) -> None:
    with page.expect_request("**/api/models") as asked:
        turn_to(page, "models")
    assert "authorization" not in asked.value.headers


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_a_bare_file_server_is_enough_for_the_page(open_page: Callable[..., Page], site: Site, path: str) -> None:
    answer: dict[str, Any] = {"configs": [{"name": "auto", "description": "All of them.", "models": ["a/b"]}]}
    site.answers = {"/api/configs": lambda exchange: exchange.answer(answer)}
    page = open_page()
    page.goto(f"{site.url}{path}")
    expect(page.get_by_test_id("config-about")).to_contain_text("All of them.")
    assert "/api/configs" in site.seen


def test_a_token_that_lacks_a_scope_is_not_asked_for_again_and_its_lack_is_told(
    open_page: Callable[..., Page], server_url: str
) -> None:
    page = open_page()
    lack = "This token has the scopes route and not read."
    problem = {"type": "urn:pointsman:problem:forbidden", "title": "Not allowed", "status": 403, "detail": lack}

    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") is None:
            route.fulfill(status=401, json={"type": "urn:pointsman:problem:no-token", "status": 401})
        elif "/api/history" in route.request.url:
            route.fulfill(status=403, json=problem, content_type="application/problem+json")
        else:
            route.continue_()

    page.route("**/api/**", guard)
    page.goto(f"{server_url}/#history")
    expect(page.get_by_test_id("access")).to_be_visible()
    give(page, TOKEN)
    expect(page.get_by_text(lack)).to_be_visible()
    expect(page.get_by_test_id("access")).to_be_hidden()
