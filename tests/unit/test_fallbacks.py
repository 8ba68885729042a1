"""Fallbacks: what the same policy takes where the chosen is unavailable."""

import numpy as np
from pointsman.routing.fallbacks import Mask, fallbacks
from pointsman.routing.policy import Choice, choose


def found(mu: list[float], models: list[int], providers: list[int], members: tuple[int, ...] = (0,)) -> list[int]:
    """The places of the fallbacks among candidates that cost 1, 2, 3, ...; 70 % is asked for."""

    def among(mask: Mask) -> Choice:
        n = len(mu)
        return choose(
            [f"m{i}" for i in range(n)],
            np.array(mu),
            np.arange(1.0, n + 1),
            np.full(n, np.nan),
            completion_threshold=0.7,
            fallback_quality_margin=0.05,
            max_k=1,
            among=mask,
        )

    return [place for place, _ in fallbacks(among, members, np.array(models), np.array(providers))]


def test_fallbacks_are_the_next_choices_of_the_policy() -> None:
    assert found([0.8, 0.6, 0.8, 0.9, 0.75], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]) == [2, 3, 4]


def test_no_fallback_is_of_the_chosen_provider_while_there_is_another() -> None:
    assert found([0.8, 0.8, 0.8, 0.8], [0, 1, 2, 3], [0, 0, 1, 0]) == [2, 1, 3]


def test_the_chosen_model_at_another_effort_is_no_fallback() -> None:
    assert found([0.8, 0.8, 0.8], [0, 0, 1], [0, 0, 0]) == [2]


def test_a_fallback_is_told_once_whatever_its_efforts() -> None:
    assert found([0.8, 0.8, 0.8, 0.8], [0, 1, 1, 2], [0, 1, 1, 1]) == [1, 3]


def test_every_member_of_a_set_is_taken_to_be_gone() -> None:
    assert found([0.8, 0.8, 0.8, 0.8], [0, 1, 2, 3], [0, 1, 1, 2], members=(0, 1)) == [3, 2]


def test_a_single_candidate_has_no_fallback() -> None:
    assert found([0.8], [0], [0]) == []


def test_where_no_other_clears_the_threshold_the_policys_own_fallback_is_taken() -> None:
    assert found([0.8, 0.3, 0.6], [0, 1, 2], [0, 1, 2]) == [2, 1]
