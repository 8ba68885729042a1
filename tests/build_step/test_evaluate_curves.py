"""Hulls, AIQ and matched points against values computed by hand; the bootstrap; the policy on many prompts at once."""

import numpy as np
import pytest
from pointsman.routing.policy import choose

from artifacts_build.evaluation.compare import bootstrap_weights, compare, interval
from artifacts_build.evaluation.curves import hull, route
from artifacts_build.evaluation.routers import BEST, CHEAPEST, MIX, ORACLE, OURS, PUBLISHED, Settings

RNG = np.random.default_rng(5)


def test_the_hull_leaves_out_what_a_mix_of_others_beats() -> None:
    curve = hull(np.array([1.0, 2.0, 3.0, 4.0, 2.0]), np.array([0.2, 0.3, 0.8, 0.7, 0.1]))
    assert curve.cost.tolist() == [1.0, 3.0]
    assert curve.completion.tolist() == [0.2, 0.8]


def test_of_equal_costs_the_better_is_kept() -> None:
    curve = hull(np.array([1.0, 1.0, 2.0]), np.array([0.2, 0.4, 0.4]))
    assert (curve.cost.tolist(), curve.completion.tolist()) == ([1.0], [0.4])


def test_matched_points_lie_on_the_line_between_two_settings() -> None:
    curve = hull(np.array([1.0, 3.0]), np.array([0.2, 0.8]))
    assert curve.completion_at(2.0) == pytest.approx(0.5)
    assert curve.cost_at(0.5) == pytest.approx(2.0)
    assert curve.cost_at(0.1) == 1.0
    assert curve.cost_at(0.9) == np.inf
    assert curve.completion_at(9.0) == 0.8


def test_aiq_is_the_area_over_the_range_of_costs() -> None:
    curve = hull(np.array([1.0, 3.0]), np.array([0.2, 0.8]))
    # From 1 to 3 a mean of 0.5, from 3 to 5 a flat 0.8.
    assert curve.area(1.0, 5.0) == pytest.approx((2 * 0.5 + 2 * 0.8) / 4)
    assert curve.area(1.0, 1.0) == pytest.approx(0.2)


def test_many_prompts_are_routed_as_the_policy_routes_one() -> None:
    mu = np.round(RNG.random((200, 6)), 2)
    cost = np.round(RNG.random((200, 6)), 1) + 0.1
    ids = [f"m{i}" for i in range(6)]
    for threshold, margin in ((0.3, 0.05), (0.8, 0.05), (0.99, 0.2), (1.0, 0.0)):
        chosen = route(mu, cost, threshold, margin)
        for i in range(200):
            choice = choose(
                ids,
                mu[i],
                cost[i],
                np.full(6, np.nan),
                completion_threshold=threshold,
                fallback_quality_margin=margin,
                max_k=1,
            )
            assert choice.members == (chosen[i],)


def four_prompts() -> dict[str, Settings]:
    """Two models, at 1 and at 10; the dear one completes 3 of 4, the cheap one the first and the last."""
    cheap, dear = np.array([1.0, 0, 0, 1]), np.array([1.0, 1, 1, 0])
    one, ten = np.ones(4), np.full(4, 10.0)
    # Our router: all cheap; or the dear one for the second and the third.
    ours = Settings(np.stack([cheap, np.array([1.0, 1, 1, 1])], axis=1), np.stack([one, np.array([1.0, 10, 10, 1])], 1))
    single = Settings(dear[:, None], ten[:, None])
    cheapest = Settings(cheap[:, None], one[:, None])
    return {
        OURS: ours,
        BEST: single,
        CHEAPEST: cheapest,
        ORACLE: Settings(np.ones((4, 1)), np.array([1.0, 10, 10, 1])[:, None]),
        MIX: Settings(np.stack([cheap, dear], axis=1), np.stack([one, ten], axis=1)),
        PUBLISHED: Settings(np.stack([cheap, dear], axis=1), np.stack([one, ten], axis=1)),
    }


def test_every_measure_is_what_one_computes_by_hand() -> None:
    ours = compare(four_prompts(), 10.0, bootstrap_weights(4, 0, seed=1))[OURS]
    value = {name: one["value"] for name, one in ours.items()}
    # The best single model completes 0.75 for 10. Ours goes from (1, 0.5) to (5.5, 1), so 0.75 costs 3.25.
    assert value["completion_at_best_models_cost"] == 1.0
    assert value["cost_at_best_models_completion"] == pytest.approx(3.25)
    assert value["cost_save"] == pytest.approx(0.675)
    assert value["cost_save_over_mix"] == pytest.approx(0.675)
    assert value["perf_gain"] == pytest.approx(1 / 0.75 - 1)
    assert value["oracle_gap_closed"] == pytest.approx(1.0)
    # Over costs from 1 to 10: 4.5 at a mean of 0.75, 4.5 at 1.
    assert value["aiq"] == pytest.approx(0.875)
    assert value["aiq_over_published"] == pytest.approx(0.875 - 0.625)
    assert value["least_lead_over_random_mix"] == pytest.approx(0.0)
    assert ours["aiq"] == {"value": 0.875, "low": None, "high": None}


def test_a_router_that_never_reaches_the_best_model_saves_nothing() -> None:
    settings = four_prompts()
    found = compare({**settings, OURS: settings[CHEAPEST]}, 10.0, bootstrap_weights(4, 20, seed=1))[OURS]
    assert found["cost_at_best_models_completion"]["value"] is None
    assert found["cost_save"]["value"] is None
    assert found["oracle_gap_closed"]["value"] == pytest.approx(-1.0)


def test_the_same_seed_draws_the_same_prompts() -> None:
    one, two = (bootstrap_weights(50, 10, seed=7) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, bootstrap_weights(50, 10, seed=8))
    assert one.sum(axis=1) == pytest.approx(np.ones(11))
    assert np.array_equal(one[0], np.full(50, 1 / 50))


def test_a_paired_difference_is_narrower_than_its_parts() -> None:
    n = 400
    luck = RNG.random(n)
    worse, better = (luck < 0.5).astype(float), (luck < 0.55).astype(float)
    weights = bootstrap_weights(n, 300, seed=2)
    alone = interval(weights @ better)
    paired = interval(weights @ better - weights @ worse)
    assert alone["high"] is not None and alone["low"] is not None  # noqa: PT018
    assert paired["high"] is not None and paired["low"] is not None  # noqa: PT018
    assert paired["high"] - paired["low"] < (alone["high"] - alone["low"]) / 2


def test_an_interval_holds_the_middle_of_the_resamples() -> None:
    assert interval(np.array([7.0, *range(201)])) == {"value": 7.0, "low": 5.0, "high": 195.0}
