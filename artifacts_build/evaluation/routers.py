"""What is compared in a routing task: routers, each with all its settings, on the same prompts.

A router that predicts is asked at every threshold with the policy that serves; ours also with another policy, which
shows what is the policy's doing and what the prediction's. What it pays is the simulated cost;
the published formula chooses by what it believes the cost to be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.inputs import Inputs
from pointsman.routing.predictor import Predictor

from artifacts_build.datasets import folds
from artifacts_build.datasets.outcomes import Floats, Indices, Outcomes
from artifacts_build.evaluation.curves import hull, route
from artifacts_build.evaluation.experiment import predict_matrix
from artifacts_build.evaluation.measures import log_loss
from artifacts_build.evaluation.routing_task import RoutingTask

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
    routing: RoutingTask, predictors: Mapping[str, Predictor], data: Outcomes, inputs: Inputs
) -> tuple[dict[str, Settings], dict[str, Floats]]:
    """Every router of a routing task at its settings, and the `mu` [n, k] of those that predict.

    `predictors`: by name, of OURS, PUBLISHED and FORMULA.
    """
    mu = {
        name: predict_matrix(predictor, data, inputs, routing.prompts, routing.models)[0]
        for name, predictor in predictors.items()
    }
    mu[TABLE] = table_rates(routing)
    mu[KNN] = neighbour_rates(routing, inputs.whole, data.prompt_group)
    settings = {
        name: swept(routing, p, routing.cost_at_one_length if name == PUBLISHED else routing.cost)
        for name, p in mu.items()
    }
    settings[UTILITY] = by_utility(routing, mu[OURS])
    n = len(routing.prompts)
    best = int(np.argmax(training_rate(routing)))
    settings[BEST] = _chosen(routing, np.full((n, 1), best))
    settings[CHEAPEST] = _chosen(routing, routing.cost.argmin(axis=1)[:, None])
    settings[STRONGEST] = _chosen(routing, mu[OURS].argmax(axis=1)[:, None])
    settings[ORACLE] = _chosen(routing, oracle(routing)[:, None])
    settings[MIX] = _chosen(routing, np.tile(mixed_models(routing), (n, 1)))
    return settings, mu


def swept(routing: RoutingTask, mu: Floats, believed_cost: Floats) -> Settings:
    """The policy at every threshold and margin; the first settings have the usual margin."""
    settings = [(t, margin) for margin in MARGINS for t in THRESHOLDS]
    return _chosen(routing, np.stack([route(mu, believed_cost, t, margin) for t, margin in settings], axis=1))


def by_utility(routing: RoutingTask, mu: Floats) -> Settings:
    """Not the policy that serves: the model of the highest `mu - cost / worth`, for every worth of a completion."""
    return _chosen(routing, np.stack([(mu - routing.cost / worth).argmax(axis=1) for worth in WORTHS], axis=1))


def oracle(routing: RoutingTask) -> Indices:
    """[n]: the cheapest of the models that scored best; where none completes, the cheapest of all."""
    right = routing.score == routing.score.max(axis=1, keepdims=True)
    cheapest: Indices = np.where(right, routing.cost, np.inf).argmin(axis=1)
    return cheapest


def training_rate(routing: RoutingTask) -> Floats:
    """[k]: each model's mean score on the source's training prompts."""
    asked = ~np.isnan(routing.training_score)
    rate: Floats = np.nansum(routing.training_score, axis=0) / np.maximum(asked.sum(axis=0), 1)
    return rate


def mixed_models(routing: RoutingTask) -> Indices:
    """The models whose mixes are worth it: the corners of the hull of single models on training prompts."""
    cost, rate = routing.training_cost.mean(axis=0), training_rate(routing)
    corners = hull(cost, rate)
    return np.array(
        [
            int(np.flatnonzero((cost == x) & (rate == y))[0])
            for x, y in zip(corners.cost, corners.completion, strict=True)
        ]
    )


def table_rates(routing: RoutingTask) -> Floats:
    """[n, k]: each model's rate on training prompts of the same task, shrunken to its rate on the source."""
    rate = training_rate(routing)
    mu = np.tile(rate, (len(routing.prompts), 1))
    for task in np.unique(routing.task):
        own = routing.training_score[routing.training_task == task]
        count = (~np.isnan(own)).sum(axis=0)
        mu[routing.task == task] = (np.nansum(own, axis=0) + PRIOR * rate) / (count + PRIOR)
    return mu


def neighbour_rates(routing: RoutingTask, vectors: Floats32, groups: NDArray[np.str_]) -> Floats:
    """[n, k]: each model's rate on the nearest training prompts of the source, shrunken to its rate on the source.

    How many is chosen by the log-loss on a fifth of the training prompts, predicted from the rest.
    """
    here = vectors[routing.training_prompts]
    tuning = folds(groups[routing.training_prompts], TUNING_FOLDS, 0) == 0
    if tuning.all() or not tuning.any():
        best = NEIGHBOURS[0]
    else:
        score, known = routing.training_score[tuning], routing.training_score[~tuning]
        seen = ~np.isnan(score)
        losses = {
            count: log_loss(nearest_rates(here[~tuning], known, here[tuning], count)[seen], score[seen])
            for count in NEIGHBOURS
        }
        best = min(losses, key=losses.__getitem__)
    return nearest_rates(here, routing.training_score, vectors[routing.prompts], best)


def nearest_rates(known: Floats32, score: Floats, asked: Floats32, count: int) -> Floats:
    """[n, k]: rates of k models on the `count` nearest of the known prompts, shrunken to their rates on all of them."""
    count = min(count, len(known))
    rate = np.nansum(score, axis=0) / np.maximum((~np.isnan(score)).sum(axis=0), 1)
    mu = np.empty((len(asked), score.shape[1]))
    for start in range(0, len(asked), 512):
        cosine = asked[start : start + 512] @ known.T
        near = score[np.argpartition(-cosine, count - 1, axis=1)[:, :count]]
        seen = (~np.isnan(near)).sum(axis=1)
        mu[start : start + 512] = (np.nansum(near, axis=1) + PRIOR * rate) / (seen + PRIOR)
    return mu


def _chosen(routing: RoutingTask, choice: Indices) -> Settings:
    return Settings(
        np.take_along_axis(routing.score, choice, axis=1), np.take_along_axis(routing.cost, choice, axis=1), choice
    )
