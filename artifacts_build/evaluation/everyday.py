"""Whether everyday prompts are read in the order of a rubric: anchors that the fit did not see.

Each anchor is judged by a fit that saw neither it, nor its twins, nor the same task in another language. Levels are
annotated, not measured: this is agreement with a rubric and no outcome.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from artifacts_build.datasets.outcomes import Floats
from artifacts_build.evaluation.experiment import Experiment, Mask
from artifacts_build.evaluation.measures import auc
from artifacts_build.training.anchors import Anchors

EASY, HARD = 2, 4
# A kind of task with fewer anchors has no order to speak of.
FEWEST = 10


def everyday(experiment: Experiment) -> dict[str, Any]:
    """Agreement of difficulty with the levels of anchors, over all and by the file they are in; {} without anchors."""
    embedded = experiment.embedded.anchors
    if embedded is None or not len(embedded.anchors):
        return {}
    anchors, difficulty = embedded.anchors, experiment.fit().anchors_out_of_fold
    characters = np.array([sum(len(turn.text) for turn in turns) for turns in anchors.turns], dtype=np.float64)
    every = np.ones(len(anchors), dtype=bool)
    parts = {"all": every, **{str(name): anchors.author == name for name in np.unique(anchors.author)}}
    return {
        name: {
            "difficulty": agreement(anchors, difficulty, inside),
            "length in characters": agreement(anchors, characters, inside),
        }
        for name, inside in parts.items()
    }


def agreement(anchors: Anchors, reading: Floats, inside: Mask) -> Mapping[str, float | int | None]:
    """How the order of `reading` [n] agrees with the levels of the anchors `inside` [n].

    Rank correlation over all and within kinds of task (mean over kinds, by size); AUC of a level of at least HARD
    against at most EASY; the share of near twins in the right order; the standard deviation across the languages of
    one task over that of all.
    """
    level = anchors.level
    within, size = [], []
    for kind in np.unique(anchors.kind[inside]):
        own = inside & (anchors.kind == kind)
        rho = _rank_correlation(reading[own], level[own])
        if own.sum() >= FEWEST and rho is not None:
            within.append(rho)
            size.append(int(own.sum()))
    plain = inside & ((level <= EASY) | (level >= HARD))
    twins = _twins(anchors, reading, inside)
    spread = [float(reading[inside & (anchors.same == name)].std()) for name in np.unique(anchors.same[inside]) if name]
    return {
        "anchors": int(inside.sum()),
        "rank_correlation": _rounded(_rank_correlation(reading[inside], level[inside])),
        "within_kinds": _rounded(np.average(within, weights=size)) if within else None,
        "auc": _rounded(auc(reading[plain], (level[plain] >= HARD).astype(np.float64))),
        "twins": len(twins),
        "twins_in_order": _rounded(np.mean(twins)) if twins else None,
        "spread_of_languages": _rounded(np.mean(spread) / reading[inside].std()) if spread else None,
    }


def _twins(anchors: Anchors, reading: Floats, inside: Mask) -> list[bool]:
    """Of every pair of twins of different levels: whether the higher level reads as harder."""
    found: list[bool] = []
    for name in np.unique(anchors.twin[inside & (anchors.twin != "")]):
        at = np.flatnonzero(inside & (anchors.twin == name))
        found += [
            bool((reading[a] > reading[b]) == (anchors.level[a] > anchors.level[b]))
            for i, a in enumerate(at)
            for b in at[:i]
            if anchors.level[a] != anchors.level[b]
        ]
    return found


def _rank_correlation(a: Floats, b: NDArray[np.intp]) -> float | None:
    """Spearman's; None where either is the same throughout."""
    return None if len(np.unique(a)) < 2 or len(np.unique(b)) < 2 else float(spearmanr(a, b).statistic)


def _rounded(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), 3)
