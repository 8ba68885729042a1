"""What is learned is written to files and read from them: nothing changes on the way, and what is amiss is named."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from pointsman.routing.difficulty import DifficultyHead
from pointsman.routing.hierarchy import Hierarchy
from pointsman.routing.predictor import Predictor
from pointsman.routing.refinement import Refinement
from pointsman.routing.work import WorkMix

from tests.unit.test_hierarchy_formula import DIMENSIONS, random_hierarchy
from tests.unit.test_predictor_formula import BARE, M, random_learned, random_refinement


def test_a_predictor_that_is_written_and_read_is_the_same() -> None:
    refinement, learned = random_refinement(), random_learned()
    read = Predictor.from_arrays(BARE.to_arrays(), DIMENSIONS, refinement, learned)
    for field in fields(Predictor):
        was = getattr(replace(BARE, refinement=refinement, learned=learned), field.name)
        np.testing.assert_equal(getattr(read, field.name), was)
    assert read.difficulty_weights.dtype == np.float32
    assert read.formula().to_arrays().keys() == BARE.to_arrays().keys()
    assert (read.formula().refinement, read.formula().learned) == (None, None)
    assert Predictor.from_arrays(BARE.to_arrays(), DIMENSIONS).learned is None


@pytest.mark.parametrize("models", [0, M])
def test_parts_that_are_written_and_read_are_the_same_to_the_last_bit(models: int) -> None:
    head, work, refinement = random_learned().difficulty, random_learned().work, random_refinement(models=models)
    read_head = DifficultyHead.from_arrays(head.to_arrays(), DIMENSIONS)
    pairs: list[tuple[object, object]] = [
        (read_head, head),
        (read_head.gate, head.gate),
        (WorkMix.from_arrays(work.to_arrays(), DIMENSIONS), work),
        (Refinement.from_arrays(refinement.to_arrays(), DIMENSIONS), refinement),
    ]
    for read, written in pairs:
        for field in fields(written):  # type: ignore[arg-type]
            again, was = getattr(read, field.name), getattr(written, field.name)
            assert type(again) is type(was), field.name
            if field.name != "gate":
                np.testing.assert_array_equal(again, was)
                assert getattr(again, "dtype", None) == getattr(was, "dtype", None), field.name


PARTS = [
    (DifficultyHead, random_learned().difficulty.to_arrays()),
    (Hierarchy, random_hierarchy(0).to_arrays()),
    (WorkMix, random_learned().work.to_arrays()),
    (Refinement, random_refinement().to_arrays()),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[0].__name__)
def test_an_array_that_is_missing_or_a_bare_number_is_refused_by_its_name(part: tuple[Any, dict[str, Any]]) -> None:
    of, arrays = part
    for name, array in arrays.items():
        if array.ndim:
            with pytest.raises(ValueError, match=r"^the array \w+ is"):
                of.from_arrays({**arrays, name: np.array(0.5)}, DIMENSIONS)
        with pytest.raises(ValueError, match=r"^the array \w+ is"):
            of.from_arrays({key: one for key, one in arrays.items() if key != name}, DIMENSIONS)
    if "model_ids" in arrays:
        with pytest.raises(ValueError, match=r"^the array model_ids is missing or holds no text$"):
            of.from_arrays({**arrays, "model_ids": np.array([1.0])}, DIMENSIONS)
