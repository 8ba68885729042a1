"""The router: from prompt to decision, with a fake embedder behind the seam."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from pointsman.decision import Decision
from pointsman.errors import (
    HistoryUnavailable,
    NoCandidate,
    PayloadTooLarge,
    RegistryError,
    RequestError,
    UnknownConfig,
    UnknownModel,
)
from pointsman.history.sqlite import SqliteHistory
from pointsman.registry import RouterConfig
from pointsman.router import Router
from pointsman.routing.images import TOKENS_AN_IMAGE
from pointsman.routing.policy import choose

from tests.conftest import MakeRouter
from tests.fakes import FakeEmbedder


def test_an_easy_prompt_goes_to_a_cheap_model_and_a_hard_one_to_a_strong_one(make_router: MakeRouter) -> None:
    router = make_router()
    easy, hard = router.decide("an easy one"), router.decide("a hard one")
    assert easy.selected == ("acme/middle",)
    assert hard.selected == ("acme/strong",)
    assert (easy.reason, hard.reason) == ("threshold", "fallback")
    assert hard.difficulty > easy.difficulty


def test_a_decision_tells_everything_needed_to_replay_it(make_router: MakeRouter) -> None:
    decision = make_router().decide("an easy one")
    for threshold in np.linspace(0, 1, 21):
        again = choose(
            [c.model_id for c in decision.candidates],
            np.array([c.mu for c in decision.candidates]),
            np.array([c.cost for c in decision.candidates]),
            np.array([c.latency_s or np.nan for c in decision.candidates]),
            completion_threshold=float(threshold),
            fallback_quality_margin=decision.fallback_quality_margin,
            max_k=decision.max_k,
        )
        if threshold == pytest.approx(decision.completion_threshold):
            assert tuple(decision.candidates[i].model_id for i in again.members) == decision.selected
            assert (again.cost, again.expected_quality) == (decision.cost, decision.expected_quality)


def test_costs_are_tokens_times_prices(make_router: MakeRouter) -> None:
    decision = make_router().decide("one two three", max_output_tokens=1000)
    strong = next(c for c in decision.candidates if c.model_id == "acme/strong")
    assert (strong.input_tokens, strong.output_tokens) == (3, 512)
    assert strong.cost == pytest.approx(3 * 0.01 / 1000 + 512 * 0.01 / 1000)
    assert [c.cost for c in decision.candidates] == sorted(c.cost for c in decision.candidates)


def test_the_strongest_candidate_and_its_cost_are_told(make_router: MakeRouter) -> None:
    decision = make_router().decide("an easy one")
    assert decision.strongest.model_id == "acme/strong"
    assert decision.strongest.cost > decision.cost


def test_a_short_prompt_is_tokenized_and_embedded_once(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = make_router()
    calls: list[str] = []
    tokenize = FakeEmbedder.tokenize

    def counted(self: FakeEmbedder, text: str) -> list[int]:
        calls.append(text)
        return tokenize(self, text)

    monkeypatch.setattr(FakeEmbedder, "tokenize", counted)
    router.predict("one two three")
    assert calls.count("one two three") == 1


def test_a_very_long_prompt_is_counted_by_the_ratio_of_its_first_part(make_router: MakeRouter) -> None:
    decision = make_router().decide("word " * 90_000, "strong")
    counted = decision.candidates[0].input_tokens
    assert counted == pytest.approx(90_000, rel=0.001)


@pytest.mark.parametrize("prompt", ["", " ", "\n\t \u2003"])
def test_an_empty_prompt_is_refused(make_router: MakeRouter, prompt: str) -> None:
    with pytest.raises(RequestError, match="the prompt is empty"):
        make_router().decide(prompt)


def test_a_lone_surrogate_is_refused_with_its_place(make_router: MakeRouter) -> None:
    with pytest.raises(RequestError, match="a lone surrogate at character 2"):
        make_router().decide("ab\ud800")


def test_a_prompt_that_is_not_text_is_refused(make_router: MakeRouter) -> None:
    with pytest.raises(RequestError, match="expected text, found bytes"):
        make_router().decide(b"bytes")  # type: ignore[arg-type]


def test_a_prompt_over_the_limit_is_refused_with_both_sizes(make_router: MakeRouter) -> None:
    router = make_router(max_prompt_bytes=100)
    with pytest.raises(PayloadTooLarge, match=r"101 bytes; at most 100"):
        router.decide("x" * 101)
    assert router.decide("x" * 100)


def test_an_unknown_config_is_refused_with_the_known_ones(make_router: MakeRouter) -> None:
    with pytest.raises(UnknownConfig, match="Use one of: auto, strong"):
        make_router().decide("hello", "nope")


def test_models_that_cannot_serve_the_prompt_are_excluded_and_told(make_router: MakeRouter) -> None:
    decision = make_router().decide("look at this", preferred_input_modalities=["image"])
    assert [c.model_id for c in decision.candidates] == ["acme/strong"]
    assert {x.model_id: x.why for x in decision.excluded}["acme/weak"] == "does not take image"


def test_a_model_whose_context_is_too_small_is_excluded(make_router: MakeRouter) -> None:
    decision = make_router().decide("word " * 4000)
    assert [x.model_id for x in decision.excluded] == ["acme/weak"]
    assert "its context holds 4,096" in decision.excluded[0].why


def test_where_no_model_is_left_there_is_an_error_not_a_wrong_model(make_router: MakeRouter) -> None:
    with pytest.raises(NoCandidate, match="None of the 3 candidates") as raised:
        make_router().decide("hello", preferred_input_modalities=["audio"])
    assert len(raised.value.faults) == 3


def test_a_model_known_to_lack_a_feature_is_excluded_and_one_of_which_nothing_is_known_is_not(
    make_router: MakeRouter,
) -> None:
    router = make_router()
    assert len(router.decide("hello", supports=["tools"]).candidates) == 3
    router.add_model({**NEW, "supports": {"tools": False, "json": True}}, configs=["auto"])
    decision = router.decide("hello", supports=["tools", "json"])
    assert [(one.model_id, one.why) for one in decision.excluded] == [("acme/new", "does not support tools")]


def test_probabilities_alone_can_be_had_for_models_by_name(make_router: MakeRouter) -> None:
    router = make_router()
    some = router.predict("an easy one", ["middle", "acme/weak"])
    assert list(some) == ["middle", "acme/weak"]
    everything = router.predict("an easy one")
    assert everything["acme/middle"] == some["middle"]
    assert set(everything) == {"acme/strong", "acme/middle", "acme/weak"}
    with pytest.raises(UnknownModel):
        router.predict("an easy one", ["nope"])


EFFORTS: dict[str, Any] = {
    "default_effort": "low",
    "efforts": {
        level: {
            "request": {"reasoning_effort": level},
            "benchmarks": {"gpqa_diamond": score},
            "output_tokens": {"coding": tokens, "chat": tokens},
        }
        for level, score, tokens in (("low", 60, 100), ("high", 90, 2000))
    },
}
NEW: dict[str, Any] = {
    "model_id": "acme/new",
    "provider": "acme",
    "context_length": 100_000,
    "input_cost_per_1k": 0.00001,
    "output_cost_per_1k": 0.00001,
    "benchmarks": {"gpqa_diamond": 90},
    "source_urls": ["https://example.com"],
    "source_quality": "official",
    "as_of": "2026-01-01",
}


def test_a_model_that_is_not_in_the_registry_can_be_added(make_router: MakeRouter) -> None:
    router = make_router()
    router.add_model(NEW)
    assert "acme/new" in router.predict("hello")
    assert router.decide("an easy one").selected == ("acme/middle",)
    router.add_model(NEW, configs=["auto"])
    assert router.decide("an easy one").selected == ("acme/new",)


def test_a_profile_that_is_not_valid_is_refused_with_every_field(make_router: MakeRouter) -> None:
    with pytest.raises(RegistryError) as raised:
        make_router().add_model({**NEW, "context_length": 0, "colour": "red"})
    assert {fault.field for fault in raised.value.faults} == {"context_length", "colour"}
    with pytest.raises(RegistryError, match="'middle' already names acme/middle"):
        make_router().add_model({**NEW, "aliases": ["middle"]})


def test_a_model_without_published_scores_is_marked_and_gets_the_training_mean(make_router: MakeRouter) -> None:
    router = make_router()
    router.add_model({**NEW, "benchmarks": {}}, configs=["auto"])
    added = next(c for c in router.decide("hello").candidates if c.model_id == "acme/new")
    assert (added.capability_known, added.capability) == (False, 0.4)


def test_prices_of_the_hour_are_used(make_router: MakeRouter) -> None:
    window = {"utc_start": "06:00", "utc_end": "10:00", "utc_days": ["monday"]}
    prices = {"input_cost_per_1k": 1.0, "output_cost_per_1k": 1.0}
    router = make_router()
    router.add_model({**NEW, "utc_price_overrides": [{**window, **prices}]}, configs=["auto"])
    router.clock = lambda: datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    added = next(c for c in router.decide("hello").candidates if c.model_id == "acme/new")
    assert added.cost == pytest.approx((1 + 512) / 1000)


def test_a_decision_is_recorded_before_it_says_so(make_router: MakeRouter, history: SqliteHistory) -> None:
    decision = make_router(history).decide("hello")
    assert decision.recorded
    assert history.get(decision.id)["explanation"] == decision.explanation


def test_without_a_history_nothing_claims_to_be_recorded(make_router: MakeRouter) -> None:
    assert not make_router().decide("hello").recorded


def test_a_history_that_fails_does_not_cost_the_answer(
    make_router: MakeRouter, history: SqliteHistory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, **__: object) -> None:
        raise HistoryUnavailable("the table is gone")

    monkeypatch.setattr(history, "append", fail)
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        decision = make_router(history).decide("hello")
    assert decision.selected
    assert not decision.recorded
    # The line in the log says of itself that it is not in the history, and is otherwise the whole decision.
    assert orjson.loads(caplog.messages[-1])["record"] == decision.to_dict()
    assert decision.to_dict()["recorded"] is False


def test_the_answer_sends_the_bytes_that_the_store_took(
    make_router: MakeRouter, history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    serialized: list[bytes] = []
    dumps = orjson.dumps

    def counted(document: Any, *arguments: Any) -> bytes:
        made = dumps(document, *arguments)
        if b'"candidates"' in made:
            serialized.append(made)
        return made

    monkeypatch.setattr(orjson, "dumps", counted)
    decision = make_router(history).decide("hello")
    answer = decision.to_json()
    assert len(serialized) == 1
    monkeypatch.undo()
    assert orjson.dumps({k: v for k, v in history.get(decision.id).items() if k != "outcomes"}) == answer


def test_text_of_the_request_that_has_no_encoding_is_refused(make_router: MakeRouter) -> None:
    with pytest.raises(RequestError, match="task: not valid Unicode"):
        make_router().decide("hello", task="\ud800")


@pytest.mark.parametrize("tokens", [0, -5])
def test_a_limit_of_no_output_at_all_is_refused(make_router: MakeRouter, tokens: int) -> None:
    with pytest.raises(RequestError, match="max_output_tokens"):
        make_router().decide("hello", max_output_tokens=tokens)


def test_an_observer_is_told_of_every_decision_and_how_long_its_stages_took(make_router: MakeRouter) -> None:
    seen: list[tuple[Decision, Mapping[str, float]]] = []
    router = make_router()
    router.observe = lambda decision, stages: seen.append((decision, stages))
    decision = router.decide("What is 1+1?")
    ((told, stages),) = seen
    assert told == decision
    assert list(stages) == ["embed", "choose", "record"]
    assert all(ms >= 0 for ms in stages.values())


def thinking(make_router: MakeRouter, **router_config: Any) -> Router:
    """A router whose config `two` has one model at two efforts, and a model of another provider."""
    router = make_router()
    price = {"input_cost_per_1k": 0.001, "output_cost_per_1k": 0.001}
    router.add_model({**NEW, **EFFORTS, **price, "model_id": "maker/thinks", "benchmarks": {}, "aliases": ["thinks"]})
    config = {"name": "two", "description": "two", "models": ["maker/thinks", "acme/middle"], "efforts": "all"}
    made = RouterConfig.model_validate({**config, **router_config})
    router.registry = replace(router.registry, configs={**router.registry.configs, "two": made})
    return router


def test_a_candidate_is_a_model_at_an_effort_with_its_own_skill_tokens_and_cost(make_router: MakeRouter) -> None:
    decision = thinking(make_router).decide("an easy one", "two")
    low, high = (next(c for c in decision.candidates if c.effort == level) for level in ("low", "high"))
    assert (low.model_id, high.model_id) == ("maker/thinks@low", "maker/thinks@high")
    assert (low.output_tokens, high.output_tokens) == (100, 2000)
    assert (low.capability, high.capability) == (0.6, 0.9)
    assert low.mu < high.mu
    assert high.cost == pytest.approx(20 * low.cost, rel=0.05)


def test_a_call_is_ready_to_be_merged_into_the_callers_body(make_router: MakeRouter) -> None:
    decision = thinking(make_router).decide("a hard one", "two", models=["thinks"], efforts=["high"])
    assert decision.selected == ("maker/thinks@high",)
    assert decision.to_dict()["calls"] == [
        {"model_id": "maker/thinks", "effort": "high", "request": {"reasoning_effort": "high"}}
    ]


def test_what_a_completed_request_is_worth_decides_the_effort(make_router: MakeRouter) -> None:
    router = thinking(make_router, models=["maker/thinks"])
    chosen = {usd: router.decide("an easy one", "two", worth_usd=usd).selected[0] for usd in (0.0001, 10)}
    assert chosen == {0.0001: "maker/thinks@low", 10: "maker/thinks@high"}
    assert router.decide("an easy one", "two", worth_usd=10).reason == "value"


def test_the_reason_says_what_the_next_effort_would_cost_for_how_much(make_router: MakeRouter) -> None:
    said = thinking(make_router).decide("an easy one", "two", threshold=0.7).explanation
    assert said == (
        "maker/thinks@low is the cheapest choice of 3 candidates that clears the completion threshold: 92% expected, "
        "70% asked for. Low effort clears 70%; high would cost 19 times as much for 6 points."
    )


def test_fallbacks_are_other_models_and_first_of_another_provider(make_router: MakeRouter) -> None:
    decision = thinking(make_router).decide("an easy one", "two")
    assert [(one.model_id, one.effort) for one in decision.fallbacks] == [("acme/middle", None)]
    deep = make_router().decide("an easy one")
    assert [one.model_id for one in deep.fallbacks] == ["acme/strong", "acme/weak"]


def test_a_request_narrows_the_candidates(make_router: MakeRouter) -> None:
    router = thinking(make_router)

    def ids(**asked: Any) -> set[str]:
        return {one.model_id for one in router.decide("an easy one", "two", **asked).candidates}

    low, high, middle = "maker/thinks@low", "maker/thinks@high", "acme/middle"
    assert ids() == {low, high, middle}
    assert ids(efforts=["high"]) == {high, middle}
    assert ids(models=["thinks@low", "middle"]) == {low, middle}
    assert ids(models=["acme/weak"]) == {"acme/weak"}
    assert ids(exclude=["thinks"]) == {middle}
    assert ids(exclude=["thinks@low", "middle"]) == {high}
    assert ids(max_cost_usd=0.001) == {low, middle}


def test_an_excluded_model_is_told_as_excluded(make_router: MakeRouter) -> None:
    decision = make_router().decide("an easy one", exclude=["middle"])
    assert {x.model_id: x.why for x in decision.excluded} == {"acme/middle": "is excluded by the request"}
    assert decision.asked == {"exclude": ["middle"]}


def test_a_request_for_many_tokens_gets_a_model_that_can_write_them(make_router: MakeRouter) -> None:
    router = make_router()
    router.add_model({**NEW, "max_output_tokens": 8192}, configs=["auto"])
    assert router.decide("an easy one").selected == ("acme/new",)
    long = router.decide("an easy one", max_output_tokens=50_000)
    assert long.selected == ("acme/middle",)
    why = {x.model_id: x.why for x in long.excluded}
    assert why["acme/new"] == "writes at most 8,192 tokens, 50,000 are asked for"
    assert why["acme/weak"] == "needs 50,003 tokens, its context holds 4,096"


def test_a_limit_that_may_cut_the_answer_off_lowers_the_chance_to_complete(make_router: MakeRouter) -> None:
    router = make_router()
    free, tight = router.decide("an easy one"), router.decide("an easy one", max_output_tokens=100)
    assert {c.model_id: c.output_tokens for c in tight.candidates} == dict.fromkeys(
        ("acme/strong", "acme/middle", "acme/weak"), 100
    )
    for one in tight.candidates:
        other = next(c for c in free.candidates if c.model_id == one.model_id)
        assert one.mu < 0.2 * other.mu
    wide = router.decide("an easy one", max_output_tokens=90_000, models=["middle"])
    middle = next(c for c in free.candidates if c.model_id == "acme/middle")
    assert wide.candidates[0].mu == pytest.approx(middle.mu, abs=1e-4)


def test_a_model_without_a_known_price_is_never_chosen_by_price(make_router: MakeRouter) -> None:
    router = make_router()
    unknown = {**NEW, "price": "unknown", "input_cost_per_1k": None, "output_cost_per_1k": None}
    router.add_model(unknown, configs=["auto"])
    decision = router.decide("an easy one")
    assert decision.selected == ("acme/middle",)
    assert {x.model_id: x.why for x in decision.excluded} == {"acme/new": "its price is not known"}
    alone = router.decide("an easy one", models=["acme/new"])
    assert (alone.selected, alone.to_dict()["cost"]) == (("acme/new",), None)
    assert "at a price that is not known" in alone.explanation
    with pytest.raises(NoCandidate, match="its price is not known"):
        router.decide("an easy one", models=["acme/new"], max_cost_usd=1)


def test_an_image_counts_as_an_image_and_not_by_its_letters(make_router: MakeRouter) -> None:
    router = make_router()
    words, image = "describe this", "data:image/png;base64," + "iVBORw0KGgo" * 10_000
    plain, shown = router.decide(words), router.decide(f"{words} {image} and {image}")
    extra = shown.candidates[0].input_tokens - plain.candidates[0].input_tokens
    assert 2 * TOKENS_AN_IMAGE < extra < 2 * TOKENS_AN_IMAGE + 40
    counted = router.decide(words, images=3)
    assert [c.model_id for c in counted.candidates] == ["acme/strong"]
    assert counted.candidates[0].input_tokens == 2 + 3 * TOKENS_AN_IMAGE


def test_a_decision_says_every_part_of_its_cost(make_router: MakeRouter) -> None:
    router = make_router()
    router.add_model({**NEW, "cached_input_cost_per_1k": 0.000001}, configs=["auto"])
    decision = router.decide("word " * 1000, cached_input_tokens=900)
    parts, tokens = decision.costs, decision.tokens
    assert (parts.input, parts.cached) == pytest.approx((100 * 1e-8, 900 * 1e-9))
    assert (parts.output, tokens.expected) == pytest.approx((512 * 1e-8, 512))
    assert parts.input + parts.cached + parts.output == pytest.approx(parts.total)
    assert parts.total == decision.cost
    assert tokens.p90 > tokens.expected


def test_a_decision_keeps_its_reading_so_that_learning_needs_no_prompt(real_router: Router) -> None:
    decision = real_router.decide("Prove that every finite integral domain is a field.")
    assert decision.difficulty_sd > 0
    shares = [share for _, share in decision.domains]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 4


def test_candidates_are_looked_at_one_by_one_or_sliced(make_router: MakeRouter) -> None:
    candidates = make_router().decide("an easy one").candidates
    assert [candidates[0], *candidates[1:]] == list(candidates)
    assert candidates[-1] == list(candidates)[-1]
    assert len(candidates) == 3


def test_a_decision_is_made_at_the_time_of_the_routers_clock(make_router: MakeRouter) -> None:
    router = make_router()
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    router.clock = lambda: at
    first, second = router.decide("an easy one"), router.decide("an easy one")
    assert (first.ts, second.ts) == ("2026-03-04T05:06:00.000Z", "2026-03-04T05:06:00.000Z")
    assert first.id < second.id
    assert router.new_id() > second.id
