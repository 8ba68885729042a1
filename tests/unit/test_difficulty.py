"""The difficulty head: a linear reading, a neighbourhood, and how new a request is."""

from dataclasses import replace

import numpy as np
import pytest
from pointsman.routing.difficulty import SHAPES, DifficultyHead
from pointsman.routing.inputs import Gate, Inputs
from pointsman.routing.surface import NAMES

D, S = 4, len(NAMES)


def head() -> DifficultyHead:
    """One landmark at the first axis of the whole, worth 2; the second axis is worth -1 by itself."""
    projection = np.zeros((3 * D + S, 2), dtype=np.float32)
    projection[0, 0] = projection[1, 1] = 1
    return DifficultyHead(
        surface_mean=np.zeros(S, np.float32),
        surface_scale=np.ones(S, np.float32),
        projection=projection,
        landmarks=np.array([[1, 0]], dtype=np.float32),
        gamma=1.0,
        weights=np.array([0, -1], dtype=np.float32),
        near_weights=np.array([2], dtype=np.float32),
        bias=0.5,
        difficulty_range=np.array([-4.0, 4.0]),
        variance=np.array([0.25, 1.0]),
        gate=Gate(np.zeros((D + 1, 3), np.float32), np.zeros(3, np.float32)),
    )


def inputs(*rows: list[float]) -> Inputs:
    return Inputs.of_vectors(np.array(rows, dtype=np.float32))


def test_the_difficulty_is_the_linear_reading_and_the_neighbourhood() -> None:
    difficulty, sd, novelty = head().read(inputs([1, 0, 0, 0], [0, 1, 0, 0]))
    far = np.exp(-2.0)
    np.testing.assert_allclose(difficulty, [2.5, -0.5 + 2 * far], rtol=1e-6)
    np.testing.assert_allclose(novelty, [0, 1 - far], atol=1e-6)
    np.testing.assert_allclose(sd, [0.5, np.sqrt(0.25 + 1 - far)], rtol=1e-6)


def test_what_is_like_nothing_of_training_is_wide() -> None:
    _, sd, _ = head().read(inputs([1, 0, 0, 0], [0, -1, 0, 0]))
    assert sd[1] > sd[0]


def test_the_difficulty_stays_in_the_range_of_training() -> None:
    narrow = replace(head(), difficulty_range=np.array([-1.0, 1.0]))
    assert narrow.read(inputs([1, 0, 0, 0]))[0].tolist() == [1.0]


def test_a_surface_like_no_other_counts_no_more_than_a_strange_one() -> None:
    projection = np.zeros((3 * D + S, 2), dtype=np.float32)
    projection[3 * D, 1] = 1
    told = replace(head(), projection=projection)
    row = inputs([1, 0, 0, 0])
    strange, stranger = (replace(row, surface=np.full((1, S), size, np.float32)) for size in (3, 300))
    assert told.read(strange)[0] == told.read(stranger)[0]


def test_the_arrays_are_the_head() -> None:
    again = DifficultyHead.from_arrays(head().to_arrays(), D)
    rows = inputs([1, 0, 0, 0], [0.3, 0.4, 0, 0])
    np.testing.assert_allclose(again.read(rows), head().read(rows))


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_array_is_named(name: str) -> None:
    arrays = head().to_arrays()
    del arrays[name]
    with pytest.raises(ValueError, match=name if name != "landmarks" else "landmarks|projection"):
        DifficultyHead.from_arrays(arrays, D)


def test_a_head_for_another_embedder_is_refused() -> None:
    with pytest.raises(ValueError, match="projection"):
        DifficultyHead.from_arrays(head().to_arrays(), 512)
