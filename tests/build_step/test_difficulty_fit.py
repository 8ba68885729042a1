"""Fitting the difficulty head: outcomes and anchors are both followed, and what is left out is left out."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.routing.inputs import ALONE, BEFORE, Floats32, Inputs
from pointsman.routing.surface import NAMES

from artifacts_build.errors import DatasetError
from artifacts_build.training.anchors import RATES, read_anchors, reference_ability
from artifacts_build.training.difficulty import DifficultyFit, Levels, Prompts, fit_difficulty
from artifacts_build.training.gate import fit_gate

D, N = 8, 400


def unit(rows: NDArray[np.floating]) -> Floats32:
    found: Floats32 = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def world(seed: int = 0, anchored: bool = True) -> tuple[Prompts, Levels | None]:
    """Prompts whose difficulty is their first axis, but for a source of its own kind, which is harder by 4.

    Anchors lie in a corner of their own and are harder than they look.
    """
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(N, D)))
    vectors[:, -1] = -np.abs(vectors[:, -1])
    source = np.arange(N) % 3
    vectors[source == 2, 1] += 3
    inputs = Inputs.of_vectors(unit(vectors))
    prompts = Prompts(
        inputs,
        inputs,
        np.zeros(N, bool),
        3 * inputs.whole[:, 0].astype(np.float64) + 4 * (source == 2),
        np.ones(N),
        np.arange(N) % 5,
        source,
    )
    corner = unit(rng.normal(size=(60, D)) * 0.1 + np.eye(D)[-1])
    levels = Levels(Inputs.of_vectors(corner), np.full(60, 5.0), np.arange(60) % 5)
    return prompts, levels if anchored else None


def fitted(anchored: bool = True) -> DifficultyFit:
    prompts, levels = world(anchored=anchored)
    gate = fit_gate(read_anchors(), *turns())
    return fit_difficulty(prompts, levels, gate, 1)


def turns() -> tuple[Floats32, Floats32]:
    """Embeddings in which the way a turn is to be read is its axis; a first request is like one that stands alone."""
    anchors = read_anchors()
    return np.eye(D, dtype=np.float32)[anchors.how], np.tile(np.eye(D, dtype=np.float32)[ALONE], (len(anchors), 1))


def test_prompts_left_out_are_predicted_and_anchors_are_followed() -> None:
    prompts, levels = world()
    fit = fitted()
    assert np.corrcoef(fit.out_of_fold, prompts.difficulty)[0, 1] > 0.9
    assert levels is not None
    assert fit.head.read(levels.inputs)[0].mean() > 3.5
    assert fit.anchors_out_of_fold.mean() > 3.5


def test_without_anchors_their_corner_is_not_hard() -> None:
    _, levels = world()
    assert levels is not None
    fit = fitted(anchored=False)
    assert fit.head.read(levels.inputs)[0].mean() < 2
    assert len(fit.anchors_out_of_fold) == 0


def test_what_is_like_nothing_of_training_is_wider() -> None:
    head = fitted().head
    known = head.read(world()[0].inputs)
    nowhere = head.read(Inputs(*(np.full((1, width), 5, np.float32) for width in (D, D, D, len(NAMES)))))
    assert nowhere[2][0] > known[2].mean()
    assert nowhere[1][0] > 1.2 * known[1].mean()


def test_the_same_input_gives_the_same_head() -> None:
    one, two = fitted().head.to_arrays(), fitted().head.to_arrays()
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_the_gate_learns_how_turns_are_read() -> None:
    gate = fit_gate(read_anchors(), *turns())
    axes = np.eye(D, dtype=np.float32)
    assert gate.reading(["go on", "thanks"], axes[[BEFORE, ALONE]]).tolist() == [BEFORE, ALONE]


def test_the_anchors_cover_levels_languages_twins_and_conversations() -> None:
    anchors = read_anchors()
    assert set(anchors.level) == {1, 2, 3, 4, 5}
    assert min(np.bincount(anchors.level)[1:]) > 300
    assert len(set(anchors.language)) >= 16
    assert sum(len(turns) > 1 for turns in anchors.turns) > 100
    assert len(set(anchors.twin)) > 200
    assert len(anchors.group) == len(anchors)


def test_an_anchor_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "turns.jsonl").write_text('{"text": "go on", "read": "before"}\n')
    (tmp_path / "a.jsonl").write_text('{"prompt": "hi", "kind": "smalltalk", "level": 7, "lang": "en"}\n')
    with pytest.raises(DatasetError, match="line 1"):
        read_anchors(tmp_path)


def test_levels_are_on_the_scale_of_the_outcomes() -> None:
    anchors = read_anchors()
    difficulty = anchors.difficulty(1.0)
    by_level = [difficulty[anchors.level == level][0] for level in range(1, 6)]
    assert by_level == sorted(by_level)
    rate = 1 / (1 + np.exp(-(1.0 - np.array(by_level))))
    np.testing.assert_allclose(rate, RATES)


def test_the_reference_is_the_models_that_were_seen() -> None:
    ids = ["gpt-4o-mini-2024-07-18", "gemma-2-27b-it", "other"]
    ability = np.array([1.0, 0.0, 9.0])
    assert reference_ability(ids, ability, np.array([True, True, True])) == 0.5
    assert reference_ability(ids, ability, np.array([True, False, True])) == 1.0
    assert reference_ability(["x", "y"], np.array([2.0, 4.0]), np.array([True, True])) == 3.0
