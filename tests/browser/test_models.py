"""The models: the registry as a table."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import turn_to

pytestmark = pytest.mark.browser


def model(**fields: Any) -> dict[str, Any]:
    """A made-up model of the registry."""
    return {
        "model_id": "maker/one",
        "provider": "maker",
        "aliases": [],
        "release_date": None,
        "input_modalities": ["text"],
        "context_length": 1000,
        "input_cost_per_1k": 0.00015,
        "output_cost_per_1k": 0.001,
        "benchmarks": {},
        "source_urls": ["https://example.com/a"],
        "as_of": "2026-01-01",
        "capability": None,
        "capability_known": False,
        "configs": [],
        **fields,
    }


def test_every_model_is_listed_with_its_configs(page: Page, server_url: str) -> None:
    known = page.request.get(f"{server_url}/api/models").json()["models"]
    turn_to(page, "models")
    rows = page.get_by_test_id("model")
    expect(rows).to_have_count(len(known))
    expect(page.get_by_test_id("models-count")).to_have_text(f"{len(known)} models")
    expect(page.get_by_test_id("unscored")).to_have_count(sum(not one["capability_known"] for one in known))
    for one in known[:5]:
        row = page.locator(f"[data-testid=model][data-model='{one['model_id']}']")
        expect(row).to_contain_text(", ".join(one["configs"]) or "–")
        expect(row).to_contain_text(f"read {one['as_of']}")
        assert row.get_by_role("link").count() == len(one["source_urls"])


def test_prices_are_for_a_million_tokens_and_models_without_scores_are_marked(page: Page) -> None:
    page.route("**/api/models", lambda route: route.fulfill(json={"models": [model(), model(model_id="maker/two")]}))
    turn_to(page, "models")
    row = page.get_by_test_id("model").first
    expect(row).to_contain_text("$0.15")
    expect(row).to_contain_text("$1.00")
    expect(row.get_by_test_id("unscored")).to_have_text("unscored")
    expect(row).to_contain_text("not published")


def test_the_models_can_be_sorted_and_the_unscored_stay_last(page: Page) -> None:
    models = [
        model(model_id=f"maker/{name}", capability=score) for name, score in [("a", 0.5), ("b", None), ("c", 0.9)]
    ]
    page.route("**/api/models", lambda route: route.fulfill(json={"models": models}))
    turn_to(page, "models")
    names = page.get_by_test_id("model").locator("th .model")
    expect(names).to_have_text(["maker/c", "maker/a", "maker/b"])
    page.get_by_role("columnheader", name="Capability").get_by_role("button").click()
    expect(names).to_have_text(["maker/a", "maker/c", "maker/b"])


def test_the_models_can_be_searched(page: Page) -> None:
    models = [model(configs=["auto"]), model(model_id="maker/two", capability=0.5, input_modalities=["text", "audio"])]
    page.route("**/api/models", lambda route: route.fulfill(json={"models": models}))
    turn_to(page, "models")
    shown = page.get_by_test_id("model").filter(visible=True)
    for words, found in [("AUDIO", "maker/two"), ("unscored", "maker/one"), ("auto one", "maker/one")]:
        page.get_by_test_id("models-search").fill(words)
        expect(shown).to_have_count(1)
        expect(shown).to_contain_text(found)
    page.get_by_test_id("models-search").fill("no such")
    expect(page.get_by_text("No model matches.")).to_be_visible()


def test_a_source_that_is_no_web_address_is_no_link(page: Page) -> None:
    models = [model(source_urls=["javascript:alert(1)", "https://www.example.com/a", "nothing"])]
    page.route("**/api/models", lambda route: route.fulfill(json={"models": models}))
    turn_to(page, "models")
    links = page.get_by_test_id("model").get_by_role("link")
    expect(links).to_have_text(["example.com"])
    expect(links).to_have_attribute("rel", "noreferrer noopener")
    expect(page.get_by_test_id("model")).to_contain_text("javascript:alert(1)")
