"""Everyday prompts are judged by the order of their annotated levels, and targets say plainly what was met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from pointsman.routing.conversation import Turn

from artifacts_build.evaluation.everyday import agreement, everyday
from artifacts_build.evaluation.experiment import AGENT_WORK, OTHER_WORK, Experiment
from artifacts_build.evaluation.left_out import source_groups
from artifacts_build.evaluation.targets import targets
from artifacts_build.training.anchors import Anchors
from tests.build_step.small_world import world


def annotated(levels: Sequence[int], twin: Sequence[str] = (), same: Sequence[str] = ()) -> Anchors:
    n = len(levels)
    none = [""] * n
    return Anchors(
        turns=[[Turn("user", "x" * (i + 1))] for i in range(n)],
        level=np.array(levels),
        kind=np.array(["trivia"] * n),
        language=np.array(["en"] * n),
        author=np.array(["one"] * n),
        twin=np.array(twin or none),
        same=np.array(same or none),
        replies=[],
        how=np.array([], dtype=np.intp),
    )


LEVELS = [1, 2, 3, 4, 5] * 4
EVERY = np.ones(len(LEVELS), dtype=bool)


def test_a_reading_in_the_order_of_the_levels_agrees_wholly_and_its_reverse_not_at_all() -> None:
    right = np.array(LEVELS, dtype=np.float64)
    found = agreement(annotated(LEVELS), right, EVERY)
    assert (found["rank_correlation"], found["within_kinds"], found["auc"]) == (1.0, 1.0, 1.0)
    assert (found["anchors"], found["twins"], found["twins_in_order"]) == (20, 0, None)
    turned = agreement(annotated(LEVELS), -right, EVERY)
    assert (turned["rank_correlation"], turned["auc"]) == (-1.0, 0.0)


def test_twins_are_compared_with_each_other_alone_and_only_where_their_levels_differ() -> None:
    anchors = annotated([1, 5, 1, 5, 3, 3], twin=["a", "a", "b", "b", "c", "c"])
    found = agreement(anchors, np.array([0.0, 1.0, 1.0, 0.0, 0.0, 1.0]), np.ones(6, dtype=bool))
    assert (found["twins"], found["twins_in_order"]) == (2, 0.5)


def test_languages_of_one_task_are_spread_in_proportion_to_all_that_is_read() -> None:
    anchors = annotated([1, 1, 5, 5], same=["s", "s", "t", "t"])
    inside = np.ones(4, dtype=bool)
    assert agreement(anchors, np.array([0.0, 0.0, 1.0, 1.0]), inside)["spread_of_languages"] == 0.0
    assert agreement(anchors, np.array([0.0, 1.0, 0.0, 1.0]), inside)["spread_of_languages"] == 1.0


def test_what_is_not_inside_does_not_count() -> None:
    inside = np.arange(20) < 10
    reading = np.where(inside, LEVELS, -np.array(LEVELS)).astype(np.float64)
    assert agreement(annotated(LEVELS), reading, inside)["rank_correlation"] == 1.0


def test_where_all_levels_are_one_there_is_no_order_to_agree_with() -> None:
    found = agreement(annotated([3, 3, 3]), np.array([0.0, 1.0, 2.0]), np.ones(3, dtype=bool))
    assert (found["rank_correlation"], found["within_kinds"], found["auc"]) == (None, None, None)


def test_without_anchors_there_is_nothing_to_agree_with() -> None:
    data, embedded = world(prompts=60)
    assert everyday(Experiment.of(data, embedded, 3)) == {}


def test_sources_of_one_size_are_dealt_out_once_each() -> None:
    data, embedded = world(prompts=60)
    assert sorted(source_groups(Experiment.of(data, embedded, 3))) == [["one"], ["two"]]


def of_work(**measured: Any) -> dict[str, Any]:
    return {"auc": 0.8, "log_loss": 0.4, "expected_calibration_error": 0.01, **measured}


@dataclass
class Aim:
    work: str
    measured: dict[str, Any]
    name: str
    met: bool


@pytest.mark.parametrize(
    "aim",
    [
        Aim(AGENT_WORK, of_work(log_loss=0.565), "agent work, known kinds: log-loss at most 0.565", True),
        Aim(AGENT_WORK, of_work(log_loss=0.5651), "agent work, known kinds: log-loss at most 0.565", False),
        Aim(OTHER_WORK, of_work(log_loss=0.46), "other work, known kinds: log-loss at most 0.45", False),
        Aim(
            OTHER_WORK,
            of_work(expected_calibration_error=0.018),
            "other work, known kinds: calibration error at most 0.018",
            True,
        ),
    ],
)
def test_a_target_is_met_up_to_its_bound_and_not_beyond(aim: Aim) -> None:
    found: dict[str, dict[str, Any]] = {
        "bench": {"predictions": {"ours": {"by_work": {aim.work: aim.measured}}}},
        "holdout-models": {"by_work": {}},
        "holdout-sources": {"by_work": {}, "coverage_left_out": {}},
        "dollars": {},
        "everyday": {},
    }
    assert {name: met for name, _, met in targets(found)}[aim.name] is aim.met
