"""The policy: the cheapest set that clears the threshold, its ties, and its fallback."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman.routing.policy import Choice, choose

NAN = math.nan


def pick(
    mu: list[float],
    cost: list[float],
    latency: list[float] | None = None,
    threshold: float = 0.7,
    margin: float = 0.05,
    max_k: int = 1,
) -> Choice:
    ids = [f"m{i}" for i in range(len(mu))]
    return choose(
        ids,
        np.array(mu),
        np.array(cost),
        np.array(latency or [NAN] * len(mu)),
        completion_threshold=threshold,
        fallback_quality_margin=margin,
        max_k=max_k,
    )


def test_the_cheapest_model_over_the_threshold_wins() -> None:
    choice = pick([0.95, 0.75, 0.60], [9.0, 2.0, 1.0])
    assert choice == Choice((1,), 0.75, 0.75, 2.0, None, "threshold")


def test_a_model_exactly_at_the_threshold_clears_it() -> None:
    assert pick([0.7, 0.9], [1.0, 2.0]).members == (0,)


def test_where_none_clears_it_the_cheapest_near_the_best_is_the_fallback() -> None:
    choice = pick([0.60, 0.57, 0.50], [9.0, 2.0, 1.0])
    assert (choice.members, choice.reason) == ((1,), "fallback")


def test_two_weak_models_together_can_clear_what_neither_does_alone() -> None:
    choice = pick([0.6, 0.6, 0.95], [1.0, 1.5, 9.0], threshold=0.8, max_k=2)
    assert choice.members == (0, 1)
    assert choice.expected_quality == pytest.approx(0.84)
    assert choice.cost == 2.5


def test_one_dear_model_is_not_chosen_with_a_useless_companion() -> None:
    assert pick([0.9, 0.1], [2.0, 0.0], max_k=2).members in [(0,), (1, 0)]
    assert pick([0.9, 0.1], [2.0, 0.5], max_k=2).members == (0,)


def test_a_set_is_as_slow_as_its_slowest_member() -> None:
    choice = pick([0.5, 0.5], [1.0, 1.0], [2.0, 5.0], max_k=2)
    assert (choice.members, choice.latency) == ((0, 1), 5.0)


@pytest.mark.parametrize(
    ("latency", "mu", "expected"),
    [
        ([3.0, 2.0], [0.8, 0.8], (1,)),  # lower latency
        ([NAN, 2.0], [0.8, 0.8], (1,)),  # an unknown latency loses the tie
        ([2.0, 2.0], [0.8, 0.9], (1,)),  # higher completion
        ([2.0, 2.0], [0.8, 0.8], (0,)),  # model id
    ],
)
def test_ties_of_cost_are_broken_in_order(latency: list[float], mu: list[float], expected: Any) -> None:
    assert pick(mu, [1.0, 1.0], latency).members == expected


def test_among_sets_of_equal_cost_and_latency_the_smaller_wins() -> None:
    assert pick([0.9, 0.9], [0.0, 0.0], [1.0, 1.0], max_k=2).members == (0,)


def test_the_last_tie_goes_by_model_id_not_by_position() -> None:
    choice = choose(
        ["zebra/a", "ant/b"],
        np.array([0.8, 0.8]),
        np.array([1.0, 1.0]),
        np.array([NAN, NAN]),
        completion_threshold=0.7,
        fallback_quality_margin=0.05,
        max_k=1,
    )
    assert choice.members == (1,)


numbers = st.integers(0, 20).map(lambda i: i / 20)


@given(
    st.lists(st.tuples(numbers, numbers, st.sampled_from([NAN, 0.5, 1.0])), min_size=1, max_size=6),
    numbers,
    numbers,
    st.integers(1, 3),
)
def test_the_choice_is_the_one_an_exhaustive_search_finds(
    models: list[tuple[float, float, float]], threshold: float, margin: float, max_k: int
) -> None:
    mu, cost, latency = (list(column) for column in zip(*models, strict=True))
    choice = pick(mu, cost, latency, threshold, margin, max_k)

    def worth(members: tuple[int, ...]) -> float:
        # The same operations in the same order as the formula, so that equal means equal.
        if len(members) == 1:
            return float(mu[members[0]])
        padded = [1 - mu[i] for i in members] + [1.0] * (min(max_k, len(mu)) - len(members))
        return float(1 - math.prod(padded))

    def key(members: tuple[int, ...]) -> tuple[Any, ...]:
        slow = max(math.inf if math.isnan(latency[i]) else latency[i] for i in members)
        return (sum(cost[i] for i in members), slow, len(members), -worth(members), members)

    sets = [s for k in range(1, max_k + 1) for s in itertools.combinations(range(len(mu)), k)]
    clear = [s for s in sets if worth(s) >= threshold]
    best = max(worth(s) for s in sets)
    allowed = clear or [s for s in sets if worth(s) >= best - margin]
    expected = min(allowed, key=key)
    assert choice.reason == ("threshold" if clear else "fallback")
    assert key(tuple(sorted(choice.members)))[:4] == pytest.approx(key(expected)[:4])


def test_caution_asks_for_the_lower_bound_and_still_tells_what_is_expected() -> None:
    def cautious(caution: float) -> Choice:
        return choose(
            ["a", "b"],
            np.array([0.75, 0.9]),
            np.array([1.0, 2.0]),
            np.array([NAN, NAN]),
            completion_threshold=0.7,
            fallback_quality_margin=0.05,
            max_k=1,
            caution=caution,
            sigma=np.array([0.1, 0.1]),
        )

    assert cautious(0).members == cautious(0.5).members == (0,)
    assert (cautious(1).members, cautious(1).expected_quality) == ((1,), 0.9)
    assert cautious(1).asked_quality == pytest.approx(0.8)
    assert cautious(3).reason == "fallback"


def test_no_lower_bound_is_below_zero() -> None:
    choice = choose(
        ["a"],
        np.array([0.1]),
        np.array([1.0]),
        np.array([NAN]),
        completion_threshold=0.0,
        fallback_quality_margin=0.0,
        max_k=1,
        caution=3,
        sigma=np.array([0.2]),
    )
    assert (choice.asked_quality, choice.reason) == (0.0, "threshold")
