"""The test bench for routing: every source's routing task, every router, every measure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pointsman.routing.predictor import Predictor
from tqdm import tqdm

from artifacts_build.datasets.outcomes import Floats
from artifacts_build.evaluation.compare import RESAMPLES, bootstrap_weights, compare
from artifacts_build.evaluation.curves import hull
from artifacts_build.evaluation.experiment import Experiment, predict_matrix
from artifacts_build.evaluation.measures import BINS, measure
from artifacts_build.evaluation.prices import Prices
from artifacts_build.evaluation.published_formula import fit_published
from artifacts_build.evaluation.routers import (
    BEST,
    FORMULA,
    ORACLE,
    OURS,
    PUBLISHED,
    THRESHOLDS,
    Settings,
    settings_of,
    swept,
)
from artifacts_build.evaluation.routing_task import RoutingTask, routing_tasks
from artifacts_build.training.fit import predict_rows

# With fewer held-out prompts a routing task's intervals say more than its figures.
FEW_PROMPTS = 100


def rivals(experiment: Experiment) -> dict[str, Predictor]:
    """The predictors that are compared: ours, its formula alone, and the published formula as it stands."""
    return {
        OURS: experiment.predictor,
        FORMULA: experiment.predictor.formula(),
        PUBLISHED: fit_published(experiment.data, experiment.embedded, ~experiment.test, experiment.seed),
    }


def bench(experiment: Experiment, tokens: Floats, prices: Prices, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Cost against completion in each source, and how good the predictions are; `tokens` [n] of each prompt."""
    predictors = rivals(experiment)
    found = {}
    for routing in tqdm(routing_tasks(experiment.data, experiment.test, tokens, prices), desc="bench", disable=None):
        settings, mu = settings_of(routing, predictors, experiment.data, experiment.embedded.prompts)
        found[routing.source] = _one(experiment, routing, settings, mu, resamples)
    return {
        "prices": prices.source_line,
        "resamples": resamples,
        "sources": found,
        "predictions": predictions(experiment, predictors),
    }


def _one(
    experiment: Experiment,
    routing: RoutingTask,
    settings: Mapping[str, Settings],
    mu: Mapping[str, Floats],
    resamples: int,
) -> dict[str, Any]:
    weights = bootstrap_weights(len(routing.prompts), resamples, experiment.seed)
    single_cost, single_score = routing.cost.mean(axis=0), routing.score.mean(axis=0)
    names = [experiment.data.model_ids[m] for m in routing.models]
    best = int(settings[BEST].choice[0, 0])  # type: ignore[index]
    return {
        "prompts": len(routing.prompts),
        "few_prompts": len(routing.prompts) < FEW_PROMPTS,
        "only_models_with_published_scores": routing.scored_only,
        "best_model": names[best],
        "oracle_completion": round(float(settings[ORACLE].score.mean()), 4),
        "models": [
            {"model_id": name, "cost": float(c), "completion": round(float(s), 4)}
            for name, c, s in zip(names, single_cost, single_score, strict=True)
        ],
        "routers": compare(settings, float(single_cost.max()), weights),
        "curves": {
            name: {"cost": one.cost.mean(axis=0).tolist(), "completion": one.score.mean(axis=0).tolist()}
            for name, one in settings.items()
        },
        "predictions": {name: measure(p.ravel(), routing.score.ravel()) for name, p in mu.items()},
    }


def predictions(experiment: Experiment, predictors: Mapping[str, Predictor]) -> dict[str, Any]:
    """AUC, log-loss, Brier, calibration of the predictors on all held-out rows with a published score."""
    rows = experiment.held_out_rows()
    score, source = experiment.data.score[rows], experiment.data.prompt_source[experiment.data.response_prompt[rows]]
    found = {}
    for name, predictor in predictors.items():
        mu, _ = predict_rows(predictor, experiment.data, experiment.embedded.prompts, rows)
        found[name] = {
            "pooled": measure(mu, score),
            "by_work": experiment.measured_by_work(rows, mu),
            "by_source": {str(s): measure(mu[source == s], score[source == s]) for s in np.unique(source)},
            "reliability": reliability(mu, score),
            "reliability_by_source": {
                str(s): reliability(mu[source == s], score[source == s]) for s in np.unique(source)
            },
        }
    return found


def reliability(mu: Floats, score: Floats) -> list[dict[str, float]]:
    """Of each bin of predictions that has any: the mean prediction, the mean score, and how many rows."""
    bin_of = np.minimum((mu * BINS).astype(int), BINS - 1)
    return [
        {
            "predicted": round(float(mu[bin_of == b].mean()), 4),
            "observed": round(float(score[bin_of == b].mean()), 4),
            "rows": int((bin_of == b).sum()),
        }
        for b in np.unique(bin_of)
    ]


def sweep(experiment: Experiment, tokens: Floats, prices: Prices) -> dict[str, Any]:
    """What each threshold does in each source: completion, cost, the share of each model, and calibration."""
    found = {}
    for routing in routing_tasks(experiment.data, experiment.test, tokens, prices):
        mu, _ = predict_matrix(
            experiment.predictor, experiment.data, experiment.embedded.prompts, routing.prompts, routing.models
        )
        ours = swept(routing, mu, routing.cost)
        names = [experiment.data.model_ids[m] for m in routing.models]
        found[routing.source] = {
            "prompts": len(routing.prompts),
            "thresholds": [_at(t, i, ours, mu, names) for i, t in enumerate(THRESHOLDS)],
        }
    return {"prices": prices.source_line, "sources": found}


def _at(threshold: float, i: int, ours: Settings, mu: Floats, names: Sequence[str]) -> dict[str, Any]:
    assert ours.choice is not None
    choice = ours.choice[:, i]
    expected = np.take_along_axis(mu, choice[:, None], axis=1)[:, 0]
    share = np.bincount(choice, minlength=len(names)) / len(choice)
    order = np.argsort(-share, kind="stable")
    return {
        "threshold": float(threshold),
        "completion": round(float(ours.score[:, i].mean()), 4),
        "expected_completion": round(float(expected.mean()), 4),
        "expected_calibration_error": measure(expected, ours.score[:, i])["expected_calibration_error"],
        "cleared": round(float((expected >= threshold).mean()), 4),
        "cost": float(ours.cost[:, i].mean()),
        "share": {names[m]: round(float(share[m]), 4) for m in order if share[m] > 0},
    }


def frontier(curve: Mapping[str, Sequence[float]]) -> tuple[list[float], list[float]]:
    """Costs and completions of the hull of a curve of `bench`, for plots."""
    corners = hull(np.array(curve["cost"]), np.array(curve["completion"]))
    return corners.cost.tolist(), corners.completion.tolist()
