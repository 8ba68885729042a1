"""Deciding: the form, the answer, and what is told about it."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from pointsman.embedders import OnnxEmbedder

from benchmarks.texts import CODE, SENTENCES
from tests.browser.driving import (
    change,
    decide,
    decision_shown,
    history_row,
    new_prompt,
    refuse,
    turn_to,
    unanswered,
)

pytestmark = pytest.mark.browser


def test_a_prompt_gets_a_decision_and_appears_in_the_history(page: Page) -> None:
    prompt = new_prompt("What is the capital of Australia?")
    view = decide(page, prompt)
    expect(view.get_by_test_id("chosen-model").first).not_to_be_empty()
    expect(view.get_by_test_id("expected-completion")).to_contain_text("%")
    expect(view.get_by_test_id("cost")).to_contain_text("$")
    expect(page.get_by_test_id("decision-status")).to_contain_text("Chosen:")
    turn_to(page, "history")
    expect(page.get_by_test_id("history-item").first).to_contain_text(prompt)


@pytest.mark.parametrize("keys", ["Control+Enter", "Meta+Enter"])
def test_the_keyboard_alone_sends_a_prompt(page: Page, keys: str) -> None:
    prompt = new_prompt("Which planet is the largest?")
    page.get_by_test_id("prompt").focus()
    page.keyboard.insert_text(prompt)
    page.keyboard.press(keys)
    expect(decision_shown(page).get_by_test_id("prompt-text")).to_have_text(prompt)


def test_the_tokens_of_a_prompt_are_told_while_it_is_typed(page: Page) -> None:
    told = page.get_by_test_id("token-count")
    expect(told).to_be_empty()
    page.get_by_test_id("prompt").fill("one two three four")
    expect(told).to_have_text("about 4 tokens")
    page.get_by_test_id("prompt").fill("")
    expect(told).to_be_empty()


def test_the_estimate_of_tokens_is_near_the_embedders_count(page: Page, embedder: OnnxEmbedder) -> None:
    texts = {language: "\n".join(sentences) for language, sentences in SENTENCES.items()} | {"code": "\n".join(CODE)}
    texts["long"] = texts["en"] * 2000
    counted = {name: len(embedder.tokenize(text)) - embedder.special_tokens for name, text in texts.items()}
    told = page.evaluate(
        """async (texts) => {
          const { estimatedTokens } = await import("/decide/tokens.js");
          return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, estimatedTokens(text)]));
        }""",
        texts,
    )
    far = {name: (told[name], exact) for name, exact in counted.items() if abs(told[name] / exact - 1) > 0.25}
    assert far == {}


def test_a_tiny_cost_is_written_out(page: Page) -> None:
    page.route("**/api/route", change(cost=1.23e-7))
    view = decide(page, new_prompt("Cheap"))
    expect(view.get_by_test_id("cost")).to_contain_text("$0.000123")
    expect(view.get_by_test_id("cost")).to_contain_text("$0.000000123 each")


def test_the_candidates_can_be_sorted_by_every_column(page: Page) -> None:
    page.get_by_test_id("prompt").fill(new_prompt("Sort these."))
    with page.expect_response("**/api/route") as told:
        page.get_by_test_id("decide").click()
    candidates = told.value.json()["candidates"]
    view = decision_shown(page)
    view.get_by_test_id("all-candidates").click()
    rows = view.get_by_test_id("candidate")
    expect(rows.filter(visible=True)).to_have_count(len(candidates))

    def values(field: str) -> list[Any]:
        by_id = {one["model_id"]: one[field] for one in candidates}
        return [by_id[row.get_attribute("data-model") or ""] for row in rows.all()]

    assert values("cost") == sorted(values("cost"))
    for name, field, down in [
        ("Completion", "mu", True),
        ("Model", "model_id", False),
        ("Capability", "capability", True),
    ]:
        head = view.get_by_role("columnheader", name=name)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "descending" if down else "ascending")
        assert values(field) == sorted(values(field), reverse=down)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "ascending" if down else "descending")
        assert values(field) == sorted(values(field), reverse=not down)


def test_what_the_strongest_would_have_cost_is_told(page: Page) -> None:
    page.route("**/api/route", change(cost=0.001, strongest={"model_id": "maker/best", "cost": 0.1}))
    view = decide(page, new_prompt("Compare"))
    expect(view.get_by_test_id("strongest")).to_contain_text("$100.00")
    expect(view.get_by_test_id("strongest")).to_contain_text("maker/best")
    expect(view.get_by_test_id("saving")).to_contain_text("99.0%")
    expect(view.get_by_test_id("saving")).to_contain_text("$99.00 per 1,000")


def test_what_a_model_without_a_price_saves_is_not_known(page: Page) -> None:
    page.route("**/api/route", change(cost=None, strongest={"model_id": "maker/best", "cost": 0.1}))
    saving = decide(page, new_prompt("Compare")).get_by_test_id("saving")
    expect(saving).to_contain_text("–")
    expect(saving).not_to_contain_text("%")


def test_a_decision_that_takes_long_says_so_and_can_be_cancelled(page: Page) -> None:
    page.clock.install()
    page.route("**/api/route", unanswered)
    page.get_by_test_id("prompt").fill("Slow.")
    page.get_by_test_id("decide").click()
    wait = page.get_by_test_id("decision-wait")
    expect(wait).to_contain_text("Deciding.")
    page.clock.run_for(10_000)
    expect(wait).to_contain_text("10 s. A server that has slept takes longer")
    # Nothing blocks meanwhile: the form and the other views work.
    page.get_by_test_id("prompt").fill("Something else meanwhile.")
    page.get_by_test_id("cancel").click()
    expect(wait).to_be_hidden()
    expect(page.get_by_test_id("decide")).to_have_text("Decide")
    expect(page.get_by_test_id("decide-error")).to_be_hidden()


def test_the_decision_shown_is_the_one_the_server_gave(page: Page) -> None:
    page.get_by_test_id("prompt").fill(new_prompt("Name three prime numbers."))
    with page.expect_response("**/api/route") as told:
        page.get_by_test_id("decide").click()
    decision = told.value.json()
    view = decision_shown(page)
    expect(view).to_have_attribute("data-id", decision["id"])
    expect(view.get_by_test_id("chosen-model")).to_have_text(decision["selected"])
    expect(view.get_by_test_id("explanation")).to_have_text(decision["explanation"])
    expect(view.get_by_test_id("candidate")).to_have_count(len(decision["candidates"]))
    chosen = view.get_by_test_id("candidate").filter(has_text="Chosen")
    expect(chosen).to_have_count(len(decision["selected"]))
    for model_id in decision["selected"]:
        expect(chosen.filter(has_text=model_id)).to_have_count(1)
    guessed = [one for one in decision["candidates"] if not one.get("capability_known", True)]
    expect(view.get_by_test_id("capability-unknown")).to_have_count(len(guessed))


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
        bar = f"${config['worth_usd']:.2f}" if config["worth_usd"] else f"{100 * config['completion_threshold']:g}%"
        expect(about).to_contain_text(bar)
        expect(about.locator(".models li")).to_have_text(config["models"])


def test_markup_from_the_server_is_shown_as_text(page: Page) -> None:
    def answer(route: Route) -> None:
        decision = route.fetch().json()
        route.fulfill(json=decision | {"explanation": "<b>Why</b>", "task": "<i>t</i>"})

    page.route("**/api/route", answer)
    view = decide(page, new_prompt("Anything."))
    expect(view.get_by_test_id("explanation")).to_have_text("<b>Why</b>")
    expect(view.locator("b, i")).to_have_count(0)


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
    with page.expect_response("**/api/route"):
        held[0].continue_()
    expect(decision_shown(page).get_by_test_id("prompt-text")).to_have_text(quick)
    turn_to(page, "history")
    expect(history_row(page, slow)).to_be_visible()


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
