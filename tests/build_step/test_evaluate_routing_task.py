"""RoutingTasks and what is compared in them."""

import numpy as np
import pytest

from artifacts_build.evaluation.prices import Price, Prices
from artifacts_build.evaluation.routers import (
    by_utility,
    mixed_models,
    neighbour_rates,
    oracle,
    swept,
    table_rates,
    training_rate,
)
from artifacts_build.evaluation.routing_task import RoutingTask, routing_tasks
from tests.build_step.small_world import outcomes

IDS = [f"m{i}" for i in range(6)]
PRICES = Prices({name: Price(0.001 * (i + 1), 0.002 * (i + 1), 500) for i, name in enumerate(IDS)}, "made up")


def small() -> tuple[RoutingTask, np.ndarray]:
    """Four held-out prompts after four training prompts, six models; the last model leaves out one prompt."""
    score = np.array(
        [
            [0, 0, 0, 1, 1, 1],
            [0, 1, 0, 0, 1, 1],
            [0, 0, 0, 1, 1, 0],
            [0, 1, 0, 0, 0, 1],
            [1, 0, 0, 0, 0, 1],
            [0, 0, 1, 0, 1, 1],
            [0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 1, np.nan],
        ]
    )
    data = outcomes(score, ["s"] * 8, IDS, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    test = np.arange(8) >= 4
    (routing,) = routing_tasks(data, test, np.full(8, 1000.0), PRICES)
    return routing, score


def test_every_model_of_an_arena_answered_every_prompt_of_it() -> None:
    routing, score = small()
    # Five models on four prompts are more than six models on three.
    assert routing.models.tolist() == [0, 1, 2, 3, 4]
    assert routing.prompts.tolist() == [4, 5, 6, 7]
    assert np.array_equal(routing.score, score[4:, :5])
    assert routing.scored_only


def test_costs_are_tokens_times_prices() -> None:
    routing, _ = small()
    # 1,000 tokens in at 0.003 and 500 tokens out at 0.006 per 1,000.
    assert routing.cost[0, 2] == pytest.approx(0.003 + 0.003)
    assert routing.cost_at_one_length[0, 2] == pytest.approx(0.003 + 0.006 * 0.512)


def test_too_few_priced_models_make_no_routing_task() -> None:
    data = outcomes(np.ones((8, 4)), ["s"] * 8, IDS[:4], [0.1, 0.2, 0.3, 0.4])
    assert routing_tasks(data, np.arange(8) >= 4, np.ones(8), PRICES) == []


def test_models_without_scores_play_where_others_are_too_few() -> None:
    data = outcomes(np.ones((8, 6)), ["s"] * 8, IDS, [0.1, 0.2, np.nan, np.nan, np.nan, np.nan])
    (routing,) = routing_tasks(data, np.arange(8) >= 4, np.ones(8), PRICES)
    assert not routing.scored_only
    assert len(routing.models) == 6


def test_the_oracle_takes_the_cheapest_that_completes_and_else_the_cheapest() -> None:
    routing, _ = small()
    assert oracle(routing).tolist() == [0, 2, 0, 1]


def test_the_best_single_model_and_the_mix_are_chosen_on_training_prompts() -> None:
    routing, _ = small()
    assert training_rate(routing).tolist() == [0, 0.5, 0, 0.5, 0.75]
    # From the cheapest by way of the second, which is on the line's upper side, to the best.
    assert mixed_models(routing).tolist() == [0, 1, 4]


def test_a_task_s_rate_is_shrunken_to_the_source_s() -> None:
    routing, _ = small()
    # Task a: training prompts 0 and 2, on which the fourth model completed both; its rate is 1/2.
    assert table_rates(routing)[routing.task == "a"][0, 3] == pytest.approx((2 + 2 * 0.5) / (2 + 2))


def test_neighbours_of_the_same_kind_tell_a_prompt_s_rate() -> None:
    routing, _ = small()
    rng = np.random.default_rng(3)
    n, kind = 400, np.arange(400) % 2
    vectors = (np.eye(4)[kind] + rng.normal(0, 0.05, (n, 4))).astype(np.float32)
    score = np.where(kind == 1, 1.0, 0.0)[:, None] * np.ones((1, 5))
    near = RoutingTask(
        **{
            **routing.__dict__,
            "training_prompts": np.arange(300),
            "training_score": score[:300],
            "prompts": np.arange(300, 400),
        }
    )
    mu = neighbour_rates(near, vectors, np.array([f"g{i}" for i in range(n)]))
    assert mu[kind[300:] == 1].min() > 0.8 > 0.2 > mu[kind[300:] == 0].max()


def test_perfect_predictions_reach_the_oracle_by_threshold_and_by_utility() -> None:
    routing, _ = small()
    best = routing.score[np.arange(4), oracle(routing)].mean()
    least = routing.cost[np.arange(4), oracle(routing)].mean()
    by_threshold = swept(routing, routing.score, routing.cost)
    assert by_threshold.score.mean(axis=0).max() == best
    assert by_threshold.cost.mean(axis=0)[by_threshold.score.mean(axis=0) == best].min() == pytest.approx(least)
    worth = by_utility(routing, routing.score)
    assert worth.cost.mean(axis=0)[worth.score.mean(axis=0) == best].min() == pytest.approx(least)
