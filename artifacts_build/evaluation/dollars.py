"""Routing judged with the dollars that were really spent: sources whose outcomes come with `cost_usd`.

A router believes that a model costs what it cost on average on the source's training prompts; it pays what the model
really cost on the held-out prompt. It is compared with the random mix of single models on the same prompts: the upper
hull of their mean costs and completions, which is a strong rival, since it is drawn in hindsight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pointsman.routing.predictor import Predictor

from artifacts_build.datasets.outcomes import Floats, Indices, Outcomes
from artifacts_build.evaluation.compare import bootstrap_weights, interval
from artifacts_build.evaluation.curves import Hull, hull, route
from artifacts_build.evaluation.experiment import Experiment, Mask, predict_matrix
from artifacts_build.evaluation.routers import FORMULA, KNN, MARGINS, NEIGHBOURS, OURS, THRESHOLDS, nearest_rates

FEWEST_MODELS = 5
# A handful of held-out prompts tells nothing of money.
FEWEST_PROMPTS = 20
# USD that a completion is worth.
WORTHS = np.geomspace(1e-3, 1e3, 121)
# Costs at which a router is compared with the mix, evenly in their logarithm.
STEPS = 50
VALUE, THRESHOLD = "by worth", "by threshold"


@dataclass(frozen=True)
class Spent:
    """k models that each answered n held-out prompts of a source, with dollars, and t training prompts of it."""

    source: str
    models: Indices  # [k]
    prompts: Indices  # [n]
    score: Floats  # [n, k]
    cost: Floats  # [n, k] USD, real
    training_prompts: Indices  # [t]
    training_score: Floats  # [t, k], NaN where a model did not answer
    believed: Floats  # [k] USD, its mean on the training prompts


def spent(data: Outcomes, test: Mask) -> list[Spent]:
    """The sources in which at least FEWEST_MODELS models answered all of the held-out prompts at a known cost."""
    found = []
    for source in np.unique(data.prompt_source[data.response_prompt[data.cost_usd > 0]]):
        inside = data.prompt_source == source
        score, cost = _tables(data, inside & test)
        known = np.isfinite(score) & (cost > 0)
        models = np.flatnonzero(known.mean(axis=0) > 0.97)  # a run that broke off here and there loses its prompt
        if len(models) < FEWEST_MODELS:
            continue
        whole = known[:, models].all(axis=1)
        if whole.sum() < FEWEST_PROMPTS:
            continue
        training_score, training_cost = _tables(data, inside & ~test)
        found.append(
            Spent(
                str(source),
                models,
                np.flatnonzero(inside & test)[whole],
                score[whole][:, models],
                cost[whole][:, models],
                np.flatnonzero(inside & ~test),
                training_score[:, models],
                np.nanmean(training_cost[:, models], axis=0),
            )
        )
    return found


def dollars(experiment: Experiment, resamples: int) -> dict[str, Any]:
    """Completion over the random mix of single models at equal cost, by source and router."""
    predictors = {OURS: experiment.predictor, FORMULA: experiment.predictor.formula()}
    return {one.source: _one(experiment, one, predictors, resamples) for one in spent(experiment.data, experiment.test)}


def _one(experiment: Experiment, task: Spent, predictors: Mapping[str, Predictor], resamples: int) -> dict[str, Any]:
    inputs = experiment.embedded.prompts
    mu = {
        name: predict_matrix(predictor, experiment.data, inputs, task.prompts, task.models)[0]
        for name, predictor in predictors.items()
    }
    here = inputs.whole[task.training_prompts]
    mu[KNN] = nearest_rates(here, task.training_score, inputs.whole[task.prompts], NEIGHBOURS[-1])
    weights = bootstrap_weights(len(task.prompts), resamples, experiment.seed)
    rows = np.arange(len(task.prompts))[:, None]
    mixes = [hull(weight @ task.cost, weight @ task.score) for weight in weights]
    best = int(np.nanargmax(np.nanmean(task.training_score, axis=0)))
    routers = {}
    for name, predicted in mu.items():
        for policy, choice in _choices(predicted, task.believed).items():
            cost, score = task.cost[rows, choice], task.score[rows, choice]
            leads = [
                _lead(hull(weight @ cost, weight @ score), mix) for weight, mix in zip(weights, mixes, strict=True)
            ]
            routers[f"{name}, {policy}"] = {
                "mean_lead_over_mix": interval(np.array([lead.mean() for lead in leads])),
                "least_lead_over_mix": interval(np.array([lead.min() for lead in leads])),
            }
    right = task.score == task.score.max(axis=1, keepdims=True)
    oracle = np.where(right, task.cost, np.inf).argmin(axis=1)
    return {
        "prompts": len(task.prompts),
        "models": len(task.models),
        "best_model": experiment.data.model_ids[task.models[best]],
        "best_model_completion": round(float(task.score[:, best].mean()), 4),
        "best_model_cost": round(float(task.cost[:, best].mean()), 4),
        "oracle_completion": round(float(task.score.max(axis=1).mean()), 4),
        "oracle_cost": round(float(task.cost[rows[:, 0], oracle].mean()), 4),
        "routers": routers,
    }


def _choices(mu: Floats, believed: Floats) -> dict[str, Indices]:
    """[n, settings] models that a policy takes at each of its settings."""
    cost = np.broadcast_to(believed, mu.shape)
    return {
        VALUE: np.stack([(mu - cost / worth).argmax(axis=1) for worth in WORTHS], axis=1),
        THRESHOLD: np.stack([route(mu, cost, t, margin) for margin in MARGINS for t in THRESHOLDS], axis=1),
    }


def _lead(curve: Hull, mix: Hull) -> Floats:
    """Completion over the mix at equal costs, from the mix's cheapest to its dearest corner."""
    low, high = mix.cost[0], mix.cost[-1]
    at = np.geomspace(low, high, STEPS) if high > low > 0 else np.array([high])
    # Below its own cheapest point a router may take the mix's cheapest model, as anyone may.
    joined = hull(np.append(curve.cost, mix.cost[0]), np.append(curve.completion, mix.completion[0]))
    lead: Floats = np.interp(at, joined.cost, joined.completion) - np.interp(at, mix.cost, mix.completion)
    return lead


def _tables(data: Outcomes, prompts: Mask) -> tuple[Floats, Floats]:
    """Scores and USD [prompts, m], the mean of several; NaN where there is none."""
    row = np.cumsum(prompts) - 1
    inside = prompts[data.response_prompt]
    shape = int(prompts.sum()), len(data.model_ids)
    at = np.ravel_multi_index((row[data.response_prompt[inside]], data.response_model[inside]), shape)
    tables = []
    for values in (data.score[inside], data.cost_usd[inside]):
        known = np.isfinite(values)
        weight = np.bincount(at[known], data.weight[inside][known], shape[0] * shape[1])
        total = np.bincount(at[known], (data.weight[inside] * values)[known], shape[0] * shape[1])
        tables.append(np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan).reshape(shape))
    return tables[0], tables[1]
