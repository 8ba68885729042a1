"""The choice with the real registry and weights: efforts, worth, limits and tools, and what a candidate writes."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from pointsman.registry import WORK, RouterConfig
from pointsman.router import Router
from pointsman.routing.forecast import fit_lengths, forecast
from pointsman.settings import Settings

PROMPT = "Prove that every finite integral domain is a field."


@pytest.fixture(scope="module")
def router(real_router: Router) -> Router:
    """The real router, with a config `every` of 160 candidates: the first ones of all models at all efforts."""
    registry = real_router.registry
    every = registry.expand(registry.models, "all")[:160]
    config = RouterConfig(name="every", description="160", models=tuple(one.candidate_id for one in every))
    known = replace(registry, configs={**registry.configs, "every": config})
    settings = Settings(artifact=real_router.settings.artifact, registry=real_router.settings.registry)
    return Router(known, real_router.artifact, real_router.embedder, None, settings)


def test_what_a_completed_request_is_worth_moves_model_and_effort(router: Router) -> None:
    chosen = [router.decide(PROMPT, "auto", worth_usd=usd) for usd in (0.001, 0.1, 10)]
    assert len({decision.selected for decision in chosen}) == 3
    assert [d.cost for d in chosen] == sorted(d.cost for d in chosen)
    assert [d.expected_quality for d in chosen] == sorted(d.expected_quality for d in chosen)


def test_a_request_with_tools_is_answered_on_every_bundled_config(router: Router) -> None:
    for name in router.registry.configs:
        assert router.decide(PROMPT, name, supports=["tools"]).selected


def test_a_request_for_100_000_tokens_gets_a_model_that_can_write_them(router: Router) -> None:
    decision = router.decide(PROMPT, "auto", max_output_tokens=100_000)
    limits = [router.registry.model(one.model_id).max_output_tokens for one in decision.candidates]
    assert all(limit is None or limit >= 100_000 for limit in limits)
    assert any("writes at most" in one.why for one in decision.excluded)


def test_fallbacks_are_three_and_the_first_is_of_another_provider(router: Router) -> None:
    decision = router.decide(PROMPT, "auto")
    (call,) = decision.calls
    provider = router.registry.model(call.model_id).provider
    assert len({one.model_id for one in decision.fallbacks} - {call.model_id}) == 3
    assert router.registry.model(decision.fallbacks[0].model_id).provider != provider


def test_an_answer_with_160_candidates_stays_small(router: Router) -> None:
    decision = router.decide(PROMPT, "every")
    assert len(decision.candidates) + len(decision.excluded) == 160
    assert len(decision.to_json()) < 30_000
    assert len(decision.brief()) < 1_500


def test_candidates_of_one_model_are_told_apart_by_their_effort(router: Router) -> None:
    candidates = router.decide(PROMPT, "best", models=["openai/gpt-5.5"]).candidates
    efforts = {one.effort: one for one in candidates}
    assert len(efforts) >= 4
    assert efforts["low"].cost < efforts["high"].cost
    assert efforts["low"].output_tokens < efforts["high"].output_tokens


def test_forecasts_are_what_was_measured_of_each_candidate_and_kind_of_work(router: Router) -> None:
    registry = router.registry
    every = registry.expand(registry.models, "all")
    tokens = fit_lengths(every).table(every)
    typical = np.exp(np.log(tokens).mean(axis=0))
    one_kind, any_kind = [], []
    for place, one in enumerate(every):
        for kind, measured in one.output_tokens.items():
            work = np.eye(len(WORK))[WORK.index(kind)]
            column, usual = tokens[:, [place]], typical[[place]]
            one_kind.append(float(forecast(column, usual, work, 1.0, None).expected[0]) / measured)
            any_kind.append(float(forecast(column, usual, None, 1.0, None).expected[0]) / measured)
    assert len(one_kind) > 300
    assert median(one_kind) == pytest.approx(1, abs=0.01)
    # Also where the kind of work is not known, half of the forecasts are too long and half too short.
    assert 0.8 < median(any_kind) < 1.25
