"""Pictures of an evaluation, for readers who are no statisticians. PNG, the same bytes for the same figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter
from PIL import Image

from artifacts_build.evaluation.bench import frontier
from artifacts_build.evaluation.routers import (
    BEST,
    CHEAPEST,
    FORMULA,
    KNN,
    MIX,
    ORACLE,
    OURS,
    PUBLISHED,
    TABLE,
    UTILITY,
)

DPI, COLOURS_KEPT = 110, 128
# Of a reliability diagram: a point of fewer rows is noise.
FEWEST_ROWS = 30
# Below this ratio of right to left end powers of ten are too few ticks.
NARROW = 50
INK, GRID = "#2b2f36", "#e3e6ea"
COLOURS = {
    OURS: "#0b6bcb",
    UTILITY: "#7fb5ea",
    FORMULA: "#8a6fc0",
    PUBLISHED: "#d1495b",
    TABLE: "#c98a1b",
    KNN: "#3a8f5c",
    MIX: "#9aa1ab",
}
DASHED = {MIX: (4, 3), UTILITY: (1, 1)}
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


def plot_costs(found: Mapping[str, Any], path: Path) -> None:
    """Cost against completion, a panel a source: every router's hull, the single models, the oracle."""
    sources = found["sources"]
    if not sources:
        return
    with plt.rc_context(STYLE):
        columns = min(3, len(sources))
        rows = -(-len(sources) // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(4.4 * columns, 3.7 * rows + 0.7), squeeze=False)
        for place, (source, one) in zip(axes.flat, sources.items(), strict=False):
            _cost_panel(place, source, one)
        for place in axes.flat[len(sources) :]:
            place.set_axis_off()
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=5, fontsize=8.5)
        figure.suptitle("Up and to the left is better: more completed, for less (simulated costs)", fontsize=11)
        figure.tight_layout(rect=(0, 0.09 if rows == 1 else 0.06, 1, 0.98))
        _save(figure, path)


def _cost_panel(place: Axes, source: str, one: Mapping[str, Any]) -> None:
    place.set_xscale("log")
    cheapest = one["curves"][CHEAPEST]
    dearest = max(model["cost"] for model in one["models"])
    for name, colour in COLOURS.items():
        curve = one["curves"][name]
        cost, completion = frontier(
            {"cost": curve["cost"] + cheapest["cost"], "completion": curve["completion"] + cheapest["completion"]}
        )
        # A mix of two settings is a straight line in the cost, hence bent where the axis is logarithmic.
        x, y = _straight(cost, completion)
        place.plot(
            [*x, dearest],
            [*y, y[-1]],
            color=colour,
            lw=2.2 if name == OURS else 1.3,
            label=name,
            dashes=DASHED.get(name, (1, 0)),
            zorder=5 if name == OURS else 3,
        )
    place.scatter(
        [model["cost"] for model in one["models"]],
        [model["completion"] for model in one["models"]],
        s=14,
        color=INK,
        alpha=0.45,
        lw=0,
        label="one model for all",
        zorder=2,
    )
    best, oracle = one["curves"][BEST], one["curves"][ORACLE]
    place.scatter(best["cost"], best["completion"], marker="D", s=34, color=INK, label=BEST, zorder=6)
    place.scatter(
        oracle["cost"], oracle["completion"], marker="*", s=90, color="#e0a100", label="oracle (knows it all)", zorder=6
    )
    note = ", too few to tell" if one["few_prompts"] else ""
    place.set_title(f"{source}: {one['prompts']:,} prompts{note}, {len(one['models'])} models", fontsize=9.5)
    place.set_xlabel("US dollars per 1,000 prompts")
    place.set_ylabel("completed")
    place.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x * 1000:g}"))
    place.xaxis.set_minor_formatter(NullFormatter())
    left, right = place.get_xlim()
    if right < left * NARROW:
        place.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    place.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _straight(cost: Sequence[float], completion: Sequence[float]) -> tuple[list[float], list[float]]:
    """Points enough on each straight piece that it looks as it is on a logarithmic axis."""
    x, y = [cost[0]], [completion[0]]
    for i in range(1, len(cost)):
        for step in range(1, 21):
            x.append(cost[i - 1] + (cost[i] - cost[i - 1]) * step / 20)
            y.append(completion[i - 1] + (completion[i] - completion[i - 1]) * step / 20)
    return x, y


def plot_reliability(found: Mapping[str, Any], path: Path) -> None:
    """Predicted against observed, pooled for the rivals, and ours for each source."""
    rivals = found["predictions"]
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.5))
        for name, one in rivals.items():
            error = one["pooled"]["expected_calibration_error"]
            _bins(left, one["reliability"], f"{name} (off by {error:.1%} on average)", COLOURS[name])
        left.set_title("All held-out prompts together", fontsize=10)
        colours = ("#0b6bcb", "#d1495b", "#3a8f5c", "#c98a1b", "#8a6fc0", "#607080", "#17a2a2", "#b05fa3")
        for i, (source, bins) in enumerate(rivals[OURS]["reliability_by_source"].items()):
            _bins(right, bins, source, colours[i % len(colours)])
        right.set_title("Ours, source by source", fontsize=10)
        figure.suptitle("On the grey line, a model said to complete 70 % completes 70 %", fontsize=11)
        figure.tight_layout()
        _save(figure, path)


def _bins(place: Axes, bins: Sequence[Mapping[str, float]], label: str, colour: str) -> None:
    place.plot([0, 1], [0, 1], color="#b5bbc4", lw=1, zorder=1)
    bins = [b for b in bins if b["rows"] >= FEWEST_ROWS]
    if not bins:
        return
    place.plot([b["predicted"] for b in bins], [b["observed"] for b in bins], color=colour, lw=1.3, label=label)
    largest = max(b["rows"] for b in bins)
    sizes = [6 + 50 * b["rows"] / largest for b in bins]
    place.scatter([b["predicted"] for b in bins], [b["observed"] for b in bins], s=sizes, color=colour, lw=0, zorder=3)
    place.set_xlabel("predicted to complete")
    place.set_ylabel("really completed")
    for axis in (place.xaxis, place.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    place.legend(fontsize=8, loc="upper left")


def plot_auc(found: Mapping[str, Any], path: Path) -> None:
    """AUC per source: how well the predictors tell completed from failed."""
    rivals = found["predictions"]
    sources = ["pooled", *next(iter(rivals.values()))["by_source"]]
    with plt.rc_context(STYLE):
        figure, place = plt.subplots(figsize=(9.0, 3.9))
        width = 0.8 / len(rivals)
        for i, (name, one) in enumerate(rivals.items()):
            values = [one["pooled"]["auc"], *(one["by_source"][source]["auc"] for source in sources[1:])]
            at = [j + (i - (len(rivals) - 1) / 2) * width for j in range(len(sources))]
            height = [0.5 if value is None else value for value in values]
            place.bar(at, [h - 0.5 for h in height], width * 0.92, bottom=0.5, color=COLOURS[name], label=name)
            for x, value in zip(at, values, strict=True):
                if value is not None:
                    place.text(x, max(value, 0.5) + 0.006, f"{value:.2f}", ha="center", fontsize=7.5)
        place.set_xticks(range(len(sources)), ["all together", *sources[1:]])
        place.set_ylim(
            min(0.45, *(one["by_source"][s]["auc"] or 0.5 for one in rivals.values() for s in sources[1:])), 1
        )
        place.axhline(0.5, color=INK, lw=0.8)
        place.set_ylabel("AUC: 0.5 is a coin, 1 is certainty")
        place.grid(axis="x", visible=False)
        place.legend(fontsize=8.5, loc="upper left", ncols=3)
        place.set_title("Which of two answers will be the completed one?", fontsize=11)
        figure.tight_layout()
        _save(figure, path)


def plot_oracle_gap(found: Mapping[str, Any], path: Path) -> None:
    """At the best single model's cost: its completion, ours, and what an oracle would reach."""
    sources = found["sources"]
    if not sources:
        return
    with plt.rc_context(STYLE):
        figure, place = plt.subplots(figsize=(9.0, 0.75 * len(sources) + 1.7))
        for row, (_, one) in enumerate(reversed(sources.items())):
            best = one["curves"][BEST]["completion"][0]
            oracle = one["oracle_completion"]
            place.plot([best, oracle], [row, row], color=GRID, lw=7, solid_capstyle="round", zorder=1)
            for name, marker, size in ((PUBLISHED, "o", 48), (KNN, "o", 48), (OURS, "o", 90)):
                value = one["routers"][name]["completion_at_best_models_cost"]
                place.scatter(value["value"], row, marker=marker, s=size, color=COLOURS[name], zorder=4, label=name)
                if name == OURS and value["low"] is not None:
                    place.plot([value["low"], value["high"]], [row, row], color=COLOURS[OURS], lw=1.5, zorder=3)
            place.scatter(best, row, marker="D", s=45, color=INK, zorder=5, label=BEST)
            place.scatter(oracle, row, marker="*", s=120, color="#e0a100", zorder=5, label="oracle (knows it all)")
        labels = [f"{name}\n({one['prompts']:,} prompts)" for name, one in sources.items()]
        place.set_yticks(range(len(sources)), labels[::-1])
        place.set_ylim(-0.6, len(sources) - 0.4)
        place.grid(axis="y", visible=False)
        place.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        place.set_xlabel("completed, for what the best single model costs (line: 95 % interval of ours)")
        place.set_title("How far towards the oracle, at no higher cost", fontsize=11)
        handles, names = place.get_legend_handles_labels()
        once = dict(zip(names, handles, strict=True))
        figure.legend(once.values(), once.keys(), loc="lower center", ncols=5, fontsize=8.5)
        figure.tight_layout(rect=(0, 0.1, 1, 1))
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """As a PNG of few colours, which takes a third of the bytes."""
    figure.set_dpi(DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
    plt.close(figure)
    Image.fromarray(pixels).quantize(COLOURS_KEPT).save(path, optimize=True)
