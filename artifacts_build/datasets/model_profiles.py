"""Profiles of the models in a dataset: how often they complete, what is published, and what tokens cost them.

Token prices are fitted, not looked up: the non-negative x, y that come nearest to

    cost_usd = x * input_tokens + y * output_tokens

over a model's rows that have all three (Lawson and Hanson's non-negative least squares). Each row is divided by its
cost, so that a cheap prompt counts as much as a dear one.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from artifacts_build import markdown
from artifacts_build.datasets.outcomes import Floats, Outcomes
from artifacts_build.packaging.folders import whole_folder

# Two prices from fewer rows would be read off noise.
FEWEST_ROWS = 10
# Where input and output tokens rise together, no fit can tell their prices apart.
LARGEST_CONDITION = 1e4

JSON_FILE, REPORT_FILE = "profiles.json", "profiles.md"

HEADER = (
    "model",
    "responses",
    "completed",
    "GPQA Diamond",
    "LiveCodeBench",
    "input price",
    "output price",
    "error",
    "rows",
)


def profile_models(data: Outcomes) -> list[dict[str, Any]]:
    """A profile for each model, by id: counts, the weighted completion rate, scores (fractions) and token prices."""
    profiles = []
    order = np.argsort(data.response_model, kind="stable")
    ends = np.cumsum(np.bincount(data.response_model, minlength=len(data.model_ids)))
    for m, rows in enumerate(np.split(order, ends[:-1])):
        profiles.append(
            {
                "model_id": data.model_ids[m],
                "base_model": data.base_models[m],
                "responses": len(rows),
                "prompts_by_source": _counts(data.prompt_source[data.response_prompt[rows]]),
                "completion_rate": _number(np.average(data.score[rows], weights=data.weight[rows]), 4),
                "gpqa_diamond": _number(data.gpqa_diamond[m], 4),
                "livecodebench": _number(data.livecodebench[m], 4),
                "mean_input_tokens": _mean(data.input_tokens[rows]),
                "mean_output_tokens": _mean(data.output_tokens[rows]),
                "mean_cost_usd": _mean(data.cost_usd[rows], 8),
                "token_prices": fit_prices(data.cost_usd[rows], data.input_tokens[rows], data.output_tokens[rows]),
            }
        )
    return profiles


def fit_prices(cost_usd: Floats, input_tokens: Floats, output_tokens: Floats) -> dict[str, Any] | None:
    """USD per 1,000 tokens from r rows; None where too few rows have a cost and both counts, or cannot tell.

    `median_error` is the median of |fitted - cost| / cost.
    """
    known = np.isfinite(cost_usd) & np.isfinite(input_tokens) & np.isfinite(output_tokens) & (cost_usd > 0)
    if known.sum() < FEWEST_ROWS:
        return None
    cost = cost_usd[known]
    tokens = np.stack([input_tokens[known], output_tokens[known]], axis=1) / 1000
    scaled = tokens / cost[:, None]
    if np.linalg.cond(scaled / np.maximum(np.linalg.norm(scaled, axis=0), 1e-300)) > LARGEST_CONDITION:
        return None
    prices, _ = nnls(scaled, np.ones(len(cost)))
    error = np.abs(tokens @ prices - cost) / cost
    return {
        "input_cost_per_1k": _number(prices[0], 9),
        "output_cost_per_1k": _number(prices[1], 9),
        "rows": int(known.sum()),
        "median_error": _number(np.median(error), 4),
    }


def write_profiles(data: Outcomes, out: Path) -> str:
    """Write profiles.json and profiles.md into the folder `out`; returns the report."""
    profiles = profile_models(data)
    report = _report(profiles, data.notes)
    with whole_folder(out) as scratch:
        text = json.dumps({"notes": list(data.notes), "models": profiles}, indent=1, ensure_ascii=False) + "\n"
        (scratch / JSON_FILE).write_text(text, encoding="utf-8")
        (scratch / REPORT_FILE).write_text(report, encoding="utf-8")
    return report


def _report(profiles: Sequence[dict[str, Any]], notes: Sequence[str]) -> str:
    lines = [
        "# Models of the dataset",
        "",
        "Published scores are fractions. Token prices are USD per 1,000 tokens, fitted to the rows that have a cost",
        "and both token counts; the error is the median over them. No price: too few such rows, or they cannot tell.",
        "",
        markdown.head(HEADER),
    ]
    for one in profiles:
        prices = one["token_prices"] or {}
        cells = [
            f"{one['responses']:,}",
            *(_cell(one[name]) for name in ("completion_rate", "gpqa_diamond", "livecodebench")),
            *(_cell(prices.get(name)) for name in ("input_cost_per_1k", "output_cost_per_1k", "median_error", "rows")),
        ]
        lines.append(markdown.row([one["model_id"], *cells]))
    lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines).rstrip() + "\n"


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"


def _counts(names: Any) -> dict[str, int]:
    found, counts = np.unique(names, return_counts=True)
    return {str(name): int(count) for name, count in zip(found, counts, strict=True)}


def _mean(values: Floats, digits: int = 1) -> float | None:
    known = values[np.isfinite(values)]
    return _number(known.mean(), digits) if len(known) else None


def _number(value: Any, digits: int) -> float | None:
    number = float(value)
    return None if math.isnan(number) else round(number, digits)
