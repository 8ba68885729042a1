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


def worth(mu: list[float], cost: list[float], usd: float, latency: list[float] | None = None, **more: Any) -> Choice:
    """The choice where a completed request is worth this many dollars."""
    settings: dict[str, Any] = {"completion_threshold": 0.0, "fallback_quality_margin": 0.05, "max_k": 1, **more}
    seconds = np.array(latency or [NAN] * len(mu))
    return choose([f"m{i}" for i in range(len(mu))], np.array(mu), np.array(cost), seconds, worth_usd=usd, **settings)


def test_what_a_completed_request_is_worth_decides_how_much_is_paid() -> None:
    mu, cost = [0.5, 0.8, 0.9], [0.0001, 0.001, 0.1]
    assert [worth(mu, cost, usd).members for usd in (0.001, 0.1, 10)] == [(0,), (1,), (2,)]
    assert worth(mu, cost, 0.1).reason == "value"


def test_a_worth_and_a_threshold_together_ask_for_what_is_worth_most_of_what_clears_it() -> None:
    mu, cost = [0.5, 0.8, 0.9], [0.0001, 0.001, 0.1]
    assert worth(mu, cost, 0.001, completion_threshold=0.75).members == (1,)
    none_clears = worth(mu, cost, 0.001, completion_threshold=0.95, fallback_quality_margin=0.15)
    assert (none_clears.members, none_clears.reason) == ((1,), "fallback")


def test_a_second_of_waiting_has_its_price() -> None:
    mu, cost, seconds = [0.8, 0.8], [0.001, 0.002], [60.0, 1.0]
    assert worth(mu, cost, 0.1, seconds).members == (0,)
    assert worth(mu, cost, 0.1, seconds, worth_of_a_second=0.001).members == (1,)


def test_an_unknown_latency_is_taken_for_the_slowest_known_one() -> None:
    mu, cost = [0.8, 0.8, 0.8], [0.0010, 0.0015, 0.0030]
    # 10 s at a tenth of a cent are a cent: the unknown one is no better than the slow one, and dearer.
    assert worth(mu, cost, 0.1, [10.0, NAN, 20.0], worth_of_a_second=0.001).members == (0,)
    assert worth(mu, cost, 0.1, [20.0, NAN, 1.0], worth_of_a_second=0.001).members == (2,)
    assert worth(mu, cost, 0.1, [NAN, NAN, NAN], worth_of_a_second=0.001).members == (0,)


def test_a_choice_lies_no_further_below_the_best_than_asked() -> None:
    def within(share: float | None, threshold: float = 0.7) -> tuple[int, ...]:
        mu, cost = np.array([0.75, 0.88, 0.9]), np.array([1.0, 2.0, 3.0])
        nothing = np.full(3, NAN)
        bars: dict[str, Any] = {"completion_threshold": threshold, "fallback_quality_margin": 0.2, "max_k": 1}
        return choose(["a", "b", "c"], mu, cost, nothing, within=share, **bars).members

    assert [within(None), within(0.2), within(0.03), within(0.0)] == [(0,), (0,), (1,), (2,)]
    # Also where none clears the threshold: both bars hold.
    assert [within(None, 0.95), within(0.03, 0.95)] == [(0,), (1,)]


def test_caution_holds_for_what_is_worth_most() -> None:
    def cautious(caution: float) -> tuple[int, ...]:
        return worth([0.9, 0.85], [0.001, 0.001], 1.0, caution=caution, sigma=np.array([0.2, 0.01])).members

    assert (cautious(0), cautious(1)) == ((0,), (1,))


def test_a_set_of_several_stays_within_the_cost_that_is_allowed() -> None:
    def pair(most: float | None) -> tuple[int, ...]:
        mu, cost, nothing = np.array([0.6, 0.6, 0.7]), np.array([1.0, 1.5, 2.0]), np.full(3, NAN)
        bars: dict[str, Any] = {"completion_threshold": 0.8, "fallback_quality_margin": 0.1, "max_k": 2}
        return choose(["a", "b", "c"], mu, cost, nothing, max_cost_usd=most, **bars).members

    assert (pair(None), pair(2.4)) == ((0, 1), (0,))


@given(
    st.lists(st.tuples(numbers, numbers, st.sampled_from([NAN, 0.5, 1.0])), min_size=1, max_size=6),
    st.floats(0.01, 10),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.sampled_from([None, 0.0, 0.1]),
)
def test_the_choice_by_worth_is_the_one_an_exhaustive_search_finds(
    models: list[tuple[float, float, float]], usd: float, second: float, within: float | None
) -> None:
    mu, cost, latency = (list(column) for column in zip(*models, strict=True))
    choice = worth(mu, cost, usd, latency, worth_of_a_second=second, within=within)
    slowest = max((one for one in latency if not math.isnan(one)), default=0.0)

    def key(i: int) -> tuple[float, ...]:
        seconds = slowest if math.isnan(latency[i]) else latency[i]
        told = math.inf if math.isnan(latency[i]) else latency[i]
        return -(usd * mu[i] - cost[i] - second * seconds), cost[i], told, -mu[i], i

    allowed = [i for i in range(len(mu)) if within is None or mu[i] >= max(mu) - within]
    assert key(choice.members[0]) == min(map(key, allowed))


def sets(mu: list[float], cost: list[float], **more: Any) -> Choice:
    """The choice among sets of up to two, where nothing but the worth asks for anything."""
    settings: dict[str, Any] = {"completion_threshold": 0.0, "fallback_quality_margin": 0.05, "max_k": 2, **more}
    ids = settings.pop("ids", [f"m{i}" for i in range(len(mu))])
    seconds = np.array(settings.pop("latency", [NAN] * len(mu)))
    return choose(ids, np.array(mu), np.array(cost), seconds, **settings)


def test_waiting_for_the_slowest_member_of_a_set_has_its_price() -> None:
    mu, cost, seconds = [0.6, 0.6], [0.001, 0.001], [1.0, 50.0]
    assert sets(mu, cost, worth_usd=0.1, latency=seconds).members == (0, 1)
    # Half a second costs nothing to speak of; 50 s at a tenth of a cent are more than the second model's 0.24 is worth.
    assert sets(mu, cost, worth_usd=0.1, latency=seconds, worth_of_a_second=0.001).members == (0,)
    # An unknown latency in a set counts as the slowest known one.
    assert sets(
        [0.6, 0.6, 0.1], [*cost, 0.5], worth_usd=0.1, latency=[1.0, NAN, 50.0], worth_of_a_second=0.001
    ).members == (0,)
    # Waiting is priced for single models among the sets too, down to the last of them.
    assert sets([0.5, 0.5], cost, worth_usd=0.001, latency=[9.0, 0.0], worth_of_a_second=0.001).members == (1,)


def test_the_cost_that_is_allowed_bars_sets_of_several_and_not_single_models() -> None:
    """Single candidates over it were left out before, with a reason; what is here may be chosen."""
    mu, cost = [0.6, 0.6], [1.0, 1.5]
    assert sets(mu, cost, worth_usd=100.0, max_cost_usd=2.5).members == (0, 1)
    assert sets(mu, cost, worth_usd=100.0, max_cost_usd=2.49).members == (0,)
    seconds = {"latency": [30.0, 1.0], "worth_of_a_second": 1.0}
    assert sets(mu, cost, worth_usd=100.0, max_cost_usd=2.0, **seconds).members == (1,)


def test_members_of_a_set_are_told_cheapest_first_whatever_their_ids() -> None:
    choice = sets([0.6, 0.6], [2.0, 1.0], worth_usd=100.0, ids=["a", "b"])
    assert choice.members == (1, 0)


def test_the_last_tie_between_sets_goes_by_their_ids() -> None:
    # Three equal candidates: of the three pairs, the one of the two lowest ids, wherever they stand.
    choice = sets([0.6, 0.6, 0.6], [1.0, 1.0, 1.0], worth_usd=100.0, ids=["c", "a", "b"])
    assert sorted(choice.members) == [1, 2]


def test_within_narrows_what_clears_the_threshold_and_does_not_widen_it() -> None:
    mu, cost, nothing = np.array([0.65, 0.72, 0.75]), np.array([1.0, 2.0, 3.0]), np.full(3, NAN)
    bars: dict[str, Any] = {"completion_threshold": 0.7, "fallback_quality_margin": 0.05, "max_k": 1}
    assert choose(["a", "b", "c"], mu, cost, nothing, within=0.2, **bars).members == (1,)


def test_without_caution_the_standard_deviations_change_nothing() -> None:
    mu, cost, nothing = np.array([0.72, 0.9]), np.array([1.0, 2.0]), np.full(2, NAN)
    bars: dict[str, Any] = {"completion_threshold": 0.7, "fallback_quality_margin": 0.05, "max_k": 1}
    assert choose(["a", "b"], mu, cost, nothing, sigma=np.array([0.3, 0.0]), **bars).members == (0,)


def held(holding: int | None, mu: list[float], cost: list[float], **more: Any) -> Choice:
    """The choice in a conversation that one candidate holds."""
    settings: dict[str, Any] = {"completion_threshold": 0.7, "fallback_quality_margin": 0.05, "max_k": 1, **more}
    ids = [f"m{i}" for i in range(len(mu))]
    return choose(ids, np.array(mu), np.array(cost), np.full(len(mu), NAN), holding=holding, **settings)


def test_what_holds_a_conversation_clears_the_threshold_from_the_margin_below_it_on() -> None:
    mu, cost = [0.66, 0.9], [1.0, 2.0]
    assert held(None, mu, cost).members == (1,)
    assert held(0, mu, cost).members == (0,)
    assert held(0, [0.64, 0.9], cost).members == (1,)
    # It is judged more mildly, not told as better than it is; and nobody else is judged otherwise.
    assert held(0, mu, cost).asked_quality == pytest.approx(0.66)
    assert held(1, mu, cost).members == (1,)
    # With sets of several it is not looked at.
    assert held(0, mu, cost, max_k=2).members == (1,)


def test_a_choice_exactly_as_far_below_the_best_as_asked_is_still_near_enough() -> None:
    near: dict[str, Any] = {"within": 0.25, "completion_threshold": 0.5}
    assert held(None, [0.75, 1.0], [1.0, 2.0], **near).members == (0,)
    assert held(
        None, [0.25, 0.5], [1.0, 2.0], within=0.25, completion_threshold=0.9, fallback_quality_margin=0.3
    ).members == (0,)


def test_a_choice_tells_how_long_it_takes_where_that_is_known() -> None:
    assert pick([0.9, 0.8], [1.0, 2.0], [3.0, 4.0]).latency == 3.0
    assert pick([0.9, 0.8], [1.0, 2.0], [NAN, 4.0]).latency is None
    assert pick([0.5, 0.5], [1.0, 1.0], [NAN, 4.0], max_k=2).latency is None
    assert pick([0.9, 0.2], [1.0, 2.0], [0.5, 4.0], max_k=2).latency == 0.5
    assert pick([0.5, 0.5], [1.0, 1.0], max_k=2).asked_quality == pytest.approx(0.75)
