"""The router: from prompt to decision, with a fake embedder behind the seam."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pointsman.router as module
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
    assert (strong.input_tokens, strong.output_tokens) == (3, 1000)
    assert strong.cost == pytest.approx(3 * 0.01 / 1000 + 1000 * 0.01 / 1000)
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
    with pytest.raises(NoCandidate, match="None of the 3 models") as raised:
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
    assert list(some) == ["acme/middle", "acme/weak"]
    everything = router.predict("an easy one")
    assert everything["acme/middle"] == some["acme/middle"]
    assert set(everything) == {"acme/strong", "acme/middle", "acme/weak"}
    with pytest.raises(UnknownModel):
        router.predict("an easy one", ["nope"])


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


def test_prices_of_the_hour_are_used(make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        @staticmethod
        def now(_: Any) -> datetime:
            return datetime(2026, 11, 23, 7, 0, tzinfo=UTC)

    window = {"utc_start": "06:00", "utc_end": "10:00", "utc_days": ["monday"]}
    prices = {"input_cost_per_1k": 1.0, "output_cost_per_1k": 1.0}
    router = make_router()
    router.add_model({**NEW, "utc_price_overrides": [{**window, **prices}]}, configs=["auto"])
    monkeypatch.setattr(module, "datetime", Clock)
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
    def fail(_: object) -> None:
        raise HistoryUnavailable("the table is gone")

    monkeypatch.setattr(history, "append", fail)
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        decision = make_router(history).decide("hello")
    assert decision.selected
    assert not decision.recorded
    assert decision.id in caplog.text


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
