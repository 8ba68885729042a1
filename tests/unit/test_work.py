"""Kinds of work, and how much longer than usual an answer is."""

import numpy as np
import pytest
from pointsman.routing.work import KINDS, MOST_FACTOR, WorkMix

W = len(KINDS)
FACT, MATH = KINDS.index("short_fact"), KINDS.index("math")


@pytest.fixture
def work() -> WorkMix:
    """Facts lie in the first direction and maths in the second."""
    weights = np.zeros((2, W), dtype=np.float32)
    weights[0, FACT] = weights[1, MATH] = 30
    return WorkMix(weights=weights, bias=np.zeros(W), length=np.array([0.3, 1.0]))


def test_a_prompt_is_a_mix_of_kinds(work: WorkMix) -> None:
    shares = work.shares(np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32))
    assert shares.sum(axis=1) == pytest.approx(np.ones(3))
    assert shares[0].argmax() == FACT
    assert shares[1].argmax() == MATH
    assert shares[2] == pytest.approx(np.full(W, 1 / W))


def test_a_hard_prompt_has_longer_answers_within_reason(work: WorkMix) -> None:
    assert work.length_factor(1.0) == pytest.approx(1)
    assert work.length_factor(2.0) == pytest.approx(np.exp(0.3))
    assert work.length_factor(99.0) == MOST_FACTOR
    assert work.length_factor(-99.0) == 1 / MOST_FACTOR


def test_arrays_come_back_as_they_were_and_what_is_missing_is_named(work: WorkMix) -> None:
    arrays = work.to_arrays()
    again = WorkMix.from_arrays(arrays, 2).to_arrays()
    for name, array in arrays.items():
        assert np.array_equal(again[name], array), name
        with pytest.raises(ValueError, match=name):
            WorkMix.from_arrays({key: one for key, one in arrays.items() if key != name}, 2)
