"""What was aimed at and what was measured, met or missed: the summary of an evaluation."""

from collections.abc import Mapping
from typing import Any

from artifacts_build.evaluation.pages import table
from artifacts_build.evaluation.routers import BEST, OURS, PUBLISHED

Found = Mapping[str, Any]
LEAST_SAVING = 0.3
PAGES = {
    "bench.md": "cost against completion in every source, and how good the predictions are",
    "sweep.md": "what each threshold does",
    "holdout-models.md": "models left out",
    "holdout-sources.md": "sources left out, and what sigma is worth",
    "dollars.md": "routing judged with real dollars",
    "ablation.md": "what each part brings",
    "robustness.md": "changes that should not matter",
}


def targets(bench: Found, models: Found, sources: Found, coverage: Found) -> list[tuple[str, str, bool]]:
    """Each aim, what was measured, and whether it is met."""
    ours = bench["predictions"][OURS]["pooled"]
    new, formula = models["pooled"]["refined"], models["pooled"]["formula"]
    out = sources["pooled"]["refined"]["expected_calibration_error"]
    rows = [
        ("AUC of models with outcomes at least 0.825", f"{ours['auc']:.4f}", ours["auc"] >= 0.825),
        ("log-loss at most 0.490", f"{ours['log_loss']:.4f}", ours["log_loss"] <= 0.490),
        (
            "calibration error at most 0.012",
            f"{ours['expected_calibration_error']:.4f}",
            ours["expected_calibration_error"] <= 0.012,
        ),
        (
            "models left out: at least the formula's AUC",
            f"{new['auc']:.4f}, formula {formula['auc']:.4f}",
            new["auc"] >= formula["auc"],
        ),
        (
            "models left out: at most the formula's log-loss",
            f"{new['log_loss']:.4f}, formula {formula['log_loss']:.4f}",
            new["log_loss"] <= formula["log_loss"],
        ),
        (
            "models left out: calibration error at most 0.05",
            f"{new['expected_calibration_error']:.4f}",
            new["expected_calibration_error"] <= 0.05,
        ),
        ("a source left out: calibration error at most 0.12, pooled", f"{out:.4f}", out <= 0.12),
        (
            "a source left out: sigma wider than when it is trained on",
            f"{sources['mean_sigma_left_out']:.3f} against {sources['mean_sigma']:.3f}",
            sources["mean_sigma_left_out"] > sources["mean_sigma"],
        ),
    ]
    for name, one in coverage.items():
        if one["coverage"] is not None:
            held = 0.85 <= one["coverage"] <= 0.95
            rows.append((f"90 % intervals hold 85 to 95 % ({name})", f"{one['coverage']:.1%}", held))
    for source, one in bench["sources"].items():
        rows += _routing(source, one, bench["predictions"])
    return rows


def _routing(source: str, one: Found, predictions: Found) -> list[tuple[str, str, bool]]:
    routers = one["routers"]
    ours = routers[OURS]
    note = f" ({one['prompts']} prompts)" if one["few_prompts"] else ""
    save, least = ours["cost_save"], ours["least_lead_over_random_mix"]["value"]
    over_mix, gain = ours["cost_save_over_mix"]["value"], ours["aiq_over_published"]
    saved = "never reached" if save["value"] is None else f"{save['value']:.0%} {_range(save, '.0%')}"
    if one["curves"][BEST]["cost"][0] <= min(model["cost"] for model in one["models"]) * 1.001:
        saved += ", the best single model is the cheapest"
    auc = {name: predictions[name]["by_source"][source]["auc"] for name in (OURS, PUBLISHED)}
    better = None not in auc.values() and auc[OURS] > auc[PUBLISHED]
    return [
        (
            f"{source}{note}: the best single model's completion for 30 % less",
            saved,
            save["value"] is not None and save["value"] >= LEAST_SAVING,
        ),
        (
            f"{source}{note}: there, not dearer than the random mix",
            "never reached" if over_mix is None else f"{over_mix + 0.0:.0%} saved",
            over_mix is not None and over_mix >= -1e-9,
        ),
        (f"{source}{note}: not below the random mix at any cost", f"at worst {least:+.3f}", least >= -1e-9),
        (f"{source}{note}: AUC above the published formula's", f"{auc[OURS]}, published {auc[PUBLISHED]}", better),
        (
            f"{source}{note}: AIQ above the published formula's",
            f"{gain['value']:+.3f} {_range(gain, '+.3f')}",
            gain["value"] > 0,
        ),
    ]


def summary_page(found: Found, judged: str) -> str:
    """README.md of an evaluation: targets and links."""
    rows = [[aim, measured, "met" if met else "**missed**"] for aim, measured, met in found["targets"]]
    links = "\n".join(f"- [{name}]({name}): {what}" for name, what in PAGES.items())
    return (
        "\n\n".join(
            [
                "# Evaluation",
                "Written by `python -m artifacts_build evaluate all`; every figure is of prompts that were not trained "
                f"on. Judged: {judged}.",
                f"{found['prompts']:,} prompts, {found['responses']:,} responses; "
                f"{found['held_out_prompts']:,} prompts held out by seed {found['seed']}. {found['prices']}",
                "## Targets",
                table(["aim", "measured", ""], rows),
                "## Pages",
                links,
                *(["![cost against completion](cost.png)"] if found["plotted"] else []),
                "![reliability](reliability.png)",
            ]
        )
        + "\n"
    )


def _range(one: Mapping[str, float | None], form: str) -> str:
    low, high = (format(one[k], form) if one[k] is not None else "–" for k in ("low", "high"))
    return f"[{low}, {high}]"
