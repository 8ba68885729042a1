"""What is compared in an arena: routers, each with all its settings, on the same prompts.

A router that predicts is asked at every threshold with the policy that serves; ours also with another policy, which
shows what is the policy's doing and what the prediction's. What it pays is the simulated cost;
the published formula chooses by what it believes the cost to be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pointsman.predictor import Predictor

from artifacts_build.datasets import folds
from artifacts_build.datasets.outcomes import Floats, Indices, Outcomes
from artifacts_build.evaluation.arena import Arena
from artifacts_build.evaluation.curves import hull, route
from artifacts_build.evaluation.lab import predict_matrix
from artifacts_build.measures import log_loss

THRESHOLDS = np.round(np.arange(0, 1.0001, 0.02), 2)
# `fallback_quality_margin`: what it is where a config does not say, and what else a config may well set.
MARGIN = 0.05
MARGINS = (MARGIN, 0.02, 0.0)
# USD that a completion is worth, for the router by utility.
WORTHS = np.geomspace(1e-6, 1e2, 81)
# Outcomes of a model over its whole source that a task's or a neighbourhood's rate is mixed with.
PRIOR = 2.0
NEIGHBOURS = (10, 30, 100)
TUNING_FOLDS = 5

Floats32 = NDArray[np.float32]

OURS, PUBLISHED, FORMULA = "ours", "published formula", "formula, joint difficulty"
UTILITY = "ours, by utility"
TABLE, KNN, MIX = "per-task table", "nearest neighbours", "random mix of models"
BEST, CHEAPEST, STRONGEST, ORACLE = "best single model", "always cheapest", "always the likeliest", "oracle"


@dataclass(frozen=True)
class Settings:
    """A router at s settings on n prompts."""

    score: Floats  # [n, s]
    cost: Floats  # [n, s]
    choice: Indices | None = None  # [n, s]


def settings_of(
    arena: Arena, predictors: Mapping[str, Predictor], data: Outcomes, vectors: Floats32
) -> tuple[dict[str, Settings], dict[str, Floats]]:
    """Every router of an arena at its settings, and the `mu` [n, k] of those that predict.

    `predictors`: by name, of OURS, PUBLISHED and FORMULA.
    """
    mu = {
        name: predict_matrix(predictor, data, vectors, arena.prompts, arena.models)[0]
        for name, predictor in predictors.items()
    }
    mu[TABLE] = table_rates(arena)
    mu[KNN] = neighbour_rates(arena, vectors, data.prompt_group)
    settings = {
        name: swept(arena, p, arena.cost_at_one_length if name == PUBLISHED else arena.cost) for name, p in mu.items()
    }
    settings[UTILITY] = by_utility(arena, mu[OURS])
    n = len(arena.prompts)
    best = int(np.argmax(training_rate(arena)))
    settings[BEST] = _chosen(arena, np.full((n, 1), best))
    settings[CHEAPEST] = _chosen(arena, arena.cost.argmin(axis=1)[:, None])
    settings[STRONGEST] = _chosen(arena, mu[OURS].argmax(axis=1)[:, None])
    settings[ORACLE] = _chosen(arena, oracle(arena)[:, None])
    settings[MIX] = _chosen(arena, np.tile(mixed_models(arena), (n, 1)))
    return settings, mu


def swept(arena: Arena, mu: Floats, believed_cost: Floats) -> Settings:
    """The policy at every threshold and margin; the first settings have the usual margin."""
    settings = [(t, margin) for margin in MARGINS for t in THRESHOLDS]
    return _chosen(arena, np.stack([route(mu, believed_cost, t, margin) for t, margin in settings], axis=1))


def by_utility(arena: Arena, mu: Floats) -> Settings:
    """Not the policy that serves: the model of the highest `mu - cost / worth`, for every worth of a completion."""
    return _chosen(arena, np.stack([(mu - arena.cost / worth).argmax(axis=1) for worth in WORTHS], axis=1))


def oracle(arena: Arena) -> Indices:
    """[n]: the cheapest of the models that scored best; where none completes, the cheapest of all."""
    right = arena.score == arena.score.max(axis=1, keepdims=True)
    cheapest: Indices = np.where(right, arena.cost, np.inf).argmin(axis=1)
    return cheapest


def training_rate(arena: Arena) -> Floats:
    """[k]: each model's mean score on the source's training prompts."""
    asked = ~np.isnan(arena.training_score)
    rate: Floats = np.nansum(arena.training_score, axis=0) / np.maximum(asked.sum(axis=0), 1)
    return rate


def mixed_models(arena: Arena) -> Indices:
    """The models whose mixes are worth it: the corners of the hull of single models on training prompts."""
    cost, rate = arena.training_cost.mean(axis=0), training_rate(arena)
    corners = hull(cost, rate)
    return np.array(
        [
            int(np.flatnonzero((cost == x) & (rate == y))[0])
            for x, y in zip(corners.cost, corners.completion, strict=True)
        ]
    )


def table_rates(arena: Arena) -> Floats:
    """[n, k]: each model's rate on training prompts of the same task, shrunken to its rate on the source."""
    rate = training_rate(arena)
    mu = np.tile(rate, (len(arena.prompts), 1))
    for task in np.unique(arena.task):
        own = arena.training_score[arena.training_task == task]
        count = (~np.isnan(own)).sum(axis=0)
        mu[arena.task == task] = (np.nansum(own, axis=0) + PRIOR * rate) / (count + PRIOR)
    return mu


def neighbour_rates(arena: Arena, vectors: Floats32, groups: NDArray[np.str_]) -> Floats:
    """[n, k]: each model's rate on the nearest training prompts of the source, shrunken to its rate on the source.

    How many is chosen by the log-loss on a fifth of the training prompts, predicted from the rest.
    """
    here = vectors[arena.training_prompts]
    tuning = folds(groups[arena.training_prompts], TUNING_FOLDS, 0) == 0
    if tuning.all() or not tuning.any():
        best = NEIGHBOURS[0]
    else:
        score, known = arena.training_score[tuning], arena.training_score[~tuning]
        seen = ~np.isnan(score)
        losses = {
            count: log_loss(_nearest(here[~tuning], known, here[tuning], count)[seen], score[seen])
            for count in NEIGHBOURS
        }
        best = min(losses, key=losses.__getitem__)
    return _nearest(here, arena.training_score, vectors[arena.prompts], best)


def _nearest(known: Floats32, score: Floats, asked: Floats32, count: int) -> Floats:
    count = min(count, len(known))
    rate = np.nansum(score, axis=0) / np.maximum((~np.isnan(score)).sum(axis=0), 1)
    mu = np.empty((len(asked), score.shape[1]))
    for start in range(0, len(asked), 512):
        cosine = asked[start : start + 512] @ known.T
        near = score[np.argpartition(-cosine, count - 1, axis=1)[:, :count]]
        seen = (~np.isnan(near)).sum(axis=1)
        mu[start : start + 512] = (np.nansum(near, axis=1) + PRIOR * rate) / (seen + PRIOR)
    return mu


def _chosen(arena: Arena, choice: Indices) -> Settings:
    return Settings(
        np.take_along_axis(arena.score, choice, axis=1), np.take_along_axis(arena.cost, choice, axis=1), choice
    )
