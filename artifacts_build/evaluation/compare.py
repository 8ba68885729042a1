"""Paired bootstrap: the same resampled prompts for every router, so that luck with prompts cancels in differences."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from artifacts_build.datasets.outcomes import Floats
from artifacts_build.evaluation.curves import Hull, hull
from artifacts_build.evaluation.routers import (
    BEST,
    CHEAPEST,
    MIX,
    ORACLE,
    PUBLISHED,
    Settings,
)

RESAMPLES = 1000
LEVEL = 0.95
# Completions at which a router is compared with the random mix, over the range that both reach.
STEPS = 50


def bootstrap_weights(n: int, resamples: int, seed: int) -> Floats:
    """[resamples + 1, n] weights that sum to 1 in each row: the prompts as they are, then resampled with return."""
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples) / n
    return np.concatenate([np.full((1, n), 1 / n), drawn])


def compare(settings: Mapping[str, Settings], highest_cost: float, weights: Floats) -> dict[str, dict[str, Any]]:
    """Every measure of every router, as `value` on the prompts themselves and `low`, `high` over the resamples.

    Args:
        settings: of one routing, with BEST, CHEAPEST, ORACLE and MIX among them.
        highest_cost: up to which AIQ goes, from the cost of always taking the cheapest.
        weights: [b, n] of `bootstrap_weights`.
    """
    means = {name: (weights @ one.cost, weights @ one.score) for name, one in settings.items()}
    curves: dict[str, list[Hull]] = {name: [] for name in means}
    cheapest_cost, cheapest_score = (values[:, 0] for values in means[CHEAPEST])
    for b in range(len(weights)):
        for name, (cost, score) in means.items():
            x, y = np.append(cost[b], cheapest_cost[b]), np.append(score[b], cheapest_score[b])
            curves[name].append(hull(x, y))
    best_cost, best_score = (values[:, 0] for values in means[BEST])
    oracle = means[ORACLE][1][:, 0]
    found: dict[str, dict[str, Any]] = {}
    for name in means:

        def each(measure: Callable[[Hull, int], float], name: str = name) -> dict[str, float | None]:
            return interval(np.array([measure(curve, b) for b, curve in enumerate(curves[name])]))

        found[name] = {
            "aiq": each(lambda curve, b: curve.area(float(cheapest_cost[b]), highest_cost)),
            "completion_at_best_models_cost": each(lambda curve, b: curve.completion_at(float(best_cost[b]))),
            "cost_at_best_models_completion": each(lambda curve, b: curve.cost_at(float(best_score[b]))),
            "cost_save": each(lambda curve, b: 1 - curve.cost_at(float(best_score[b])) / float(best_cost[b])),
            "perf_gain": each(lambda curve, b: float(curve.completion[-1] / best_score[b] - 1)),
            "oracle_gap_closed": each(
                lambda curve, b: ratio(
                    curve.completion_at(float(best_cost[b])) - best_score[b], oracle[b] - best_score[b]
                )
            ),
            "cost_save_over_mix": each(
                lambda curve, b: (
                    1 - ratio(curve.cost_at(float(best_score[b])), curves[MIX][b].cost_at(float(best_score[b])))
                )
            ),
            "gain_over_random_mix": each(lambda curve, b: _mean_lead(curve, curves[MIX][b])),
            "least_lead_over_random_mix": each(lambda curve, b: _least_lead(curve, curves[MIX][b])),
        }
        if PUBLISHED in curves:
            found[name]["aiq_over_published"] = each(
                lambda curve, b: (
                    curve.area(float(cheapest_cost[b]), highest_cost)
                    - curves[PUBLISHED][b].area(float(cheapest_cost[b]), highest_cost)
                )
            )
            found[name]["gain_over_published"] = each(lambda curve, b: _mean_lead(curve, curves[PUBLISHED][b]))
            found[name]["cost_saved_over_published"] = each(lambda curve, b: _cost_saved(curve, curves[PUBLISHED][b]))
    return found


def interval(values: Floats) -> dict[str, float | None]:
    """The first value, and the quantiles of the rest; None where it is infinite or not a number."""
    rest = np.sort(np.where(np.isnan(values[1:]), -np.inf, values[1:]))
    tail = (1 - LEVEL) / 2
    at = [round(q * (len(rest) - 1)) for q in (tail, 1 - tail)] if len(rest) else []
    low, high = (float(rest[i]) for i in at) if len(at) else (float("nan"), float("nan"))
    return {"value": _finite(values[0]), "low": _finite(low), "high": _finite(high)}


def ratio(part: float, whole: float) -> float:
    """part / whole, not a number where the whole is nothing."""
    return float(part / whole) if whole > 0 else float("nan")


def _costs(a: Hull, b: Hull) -> Floats:
    """Costs from the cheapest corner to the cost at which neither rises any more, evenly in their logarithm.

    Costs span orders of magnitude; evenly in the cost itself, cheap models would hardly count.
    """
    low, high = max(a.cost[0], b.cost[0]), max(a.cost[-1], b.cost[-1])
    return np.geomspace(low, high, STEPS) if high > low > 0 else np.array([high])


def _lead(curve: Hull, other: Hull) -> Floats:
    at = _costs(curve, other)
    lead: Floats = np.interp(at, curve.cost, curve.completion) - np.interp(at, other.cost, other.completion)
    return lead


def _mean_lead(curve: Hull, other: Hull) -> float:
    return float(_lead(curve, other).mean())


def _least_lead(curve: Hull, other: Hull) -> float:
    return float(_lead(curve, other).min())


def _cost_saved(curve: Hull, other: Hull) -> float:
    """The mean share of the other's cost that is saved, over the completions that both reach."""
    low = max(curve.completion[0], other.completion[0])
    high = min(curve.completion[-1], other.completion[-1])
    if high <= low:
        return float("nan")
    at = np.linspace(low, high, STEPS)
    own, theirs = np.interp(at, curve.completion, curve.cost), np.interp(at, other.completion, other.cost)
    return float(np.mean(1 - own / theirs))


def _finite(value: float) -> float | None:
    return round(float(value), 8) if np.isfinite(value) else None
