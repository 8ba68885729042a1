"""The Markdown pages of an evaluation, written from its figures so that the two cannot disagree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artifacts_build import markdown
from artifacts_build.evaluation.routers import BEST, OURS

Found = Mapping[str, Any]
MEASURES = {
    "responses": "rows",
    "completion_rate": "completed",
    "predicted_rate": "predicted",
    "auc": "AUC",
    "log_loss": "log-loss",
    "brier": "Brier",
    "expected_calibration_error": "ECE",
}
NONE = "No source has five models with a price that answered the same held-out prompts."
HOW_MEASURED = (
    "AUC: how often a completed row is predicted likelier than a failed one. Log-loss and Brier: how far off the "
    "probabilities are (less is better). ECE: the mean distance of predicted and observed rates over 15 bins. "
    "All on held-out prompts, of models with published scores."
)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    return markdown.table(header, ([_cell(value) for value in row] for row in rows))


def measures(rows: Iterable[tuple[str, Found]], of: str = "") -> str:
    """The measures of several predictions as one table."""
    return table([of, *MEASURES.values()], [[name, *(one[key] for key in MEASURES)] for name, one in rows])


def dollars_page(found: Found) -> str:
    """Routing with real dollars, source by source."""
    parts = [
        "# Real dollars",
        "Sources whose outcomes come with what each model spent on each prompt. A router believes that a model costs "
        "what it cost on average in training, and pays what it really cost. Lead: completion over the random mix of "
        "single models at equal cost, from the mix's cheapest to its dearest corner; the mix is drawn in hindsight.",
    ]
    for source, one in found.items():
        rows = [
            [name, *(_signed(of[key]) for key in ("mean_lead_over_mix", "least_lead_over_mix"))]
            for name, of in one["routers"].items()
        ]
        parts += [
            f"## {source}",
            f"{one['prompts']} held-out prompts, {one['models']} models. Best single model in training: "
            f"{one['best_model']}, {one['best_model_completion']:.3f} completed at ${one['best_model_cost']:.3f}. "
            "The cheapest that completes, known beforehand: "
            f"{one['oracle_completion']:.3f} at ${one['oracle_cost']:.3f}; part of that is the luck of single runs.",
            table(["router", "mean lead", "least lead"], rows),
        ]
    return "\n\n".join(parts if found else [*parts, "No source has them."]) + "\n"


def everyday_page(found: Found) -> str:
    """Anchors in the order of a rubric."""
    header = ["anchors of", "read by", "anchors", "rho", "within kinds", "AUC", "twins", "in order", "languages"]
    rows = [[name, how, *one.values()] for name, both in found.items() for how, one in both.items()]
    return _page(
        [
            "# Everyday prompts",
            "Agreement with the levels of annotated prompts (`artifacts_build/anchors`): **a rubric's judgement, no "
            "outcomes**. Each is read by a fit that saw neither it, nor its twins, nor the same task in another "
            "language. rho: rank correlation with the level; within kinds: the same inside kinds of task; AUC: levels "
            "4 and 5 against 1 and 2; in order: the share of near twins; languages: the spread across the languages "
            "of one task over the whole spread (less is better).",
            table(header, rows) if found else "There are no anchors.",
        ]
    )


def _signed(of: Found) -> str:
    low, high = of["low"], of["high"]
    return f"{of['value']:+.3f}" + ("" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]")


def sweep_page(found: Found) -> str:
    """Thresholds to completion, cost, shares and calibration."""
    parts = [
        "# Thresholds",
        found["prices"],
        "What each `completion_threshold` does on held-out prompts, source by "
        "source. Expected: what the predictor said of the chosen models; cleared: share of prompts for which a "
        "model cleared the threshold (the rest fell back).",
    ]
    for source, one in found["sources"].items():
        rows = [
            [
                f"{at['threshold']:.2f}",
                at["completion"],
                at["expected_completion"],
                at["expected_calibration_error"],
                at["cleared"],
                f"{at['cost'] * 1000:.3g}",
                _shares(at["share"]),
            ]
            for at in one["thresholds"]
            if round(at["threshold"] * 100) % 10 == 0 or at["threshold"] == 0.98
        ]
        header = ["threshold", "completed", "expected", "ECE", "cleared", "USD per 1,000", "models"]
        parts += [f"## {source}: {one['prompts']:,} prompts", table(header, rows)]
    return _page(parts)


def models_page(found: Found) -> str:
    """Models left out."""
    rivals = [
        [
            name,
            one["refined"]["responses"],
            one["refined"]["completion_rate"],
            one["refined"]["predicted_rate"],
            *(one[rival][key] for key in ("auc", "log_loss") for rival in ("refined", "formula")),
            one["refined"]["expected_calibration_error"],
        ]
        for name, one in found["by_model"].items()
    ]
    header = ["model", "rows", "completed", "predicted", "AUC", "AUC formula", "log-loss", "log-loss formula", "ECE"]
    parts = [
        "# Models left out",
        f"{found['models']} base models, {found['group_size']} at a time, with all their ids and the systems built on "
        "them, left out of everything that is fitted; then predicted from their published scores alone.",
        HOW_MEASURED,
        measures([*found["pooled"].items(), *((f"refined, {work}", one) for work, one in found["by_work"].items())]),
        f"The mean `sigma` is {found['mean_sigma']:.3f} for models without outcomes, "
        f"{found['mean_sigma_with_outcomes']:.3f} for the same models with theirs.",
    ]
    if found["one_score_missing"]:
        parts += ["## Only models with one of the two scores missing", measures(found["one_score_missing"].items())]
    return _page([*parts, "## Each model", table(header, rivals)])


def sources_page(found: Found) -> str:
    """Sources left out, and what sigma is worth."""
    rows = [
        [
            source,
            one["left_out"]["responses"],
            one["left_out"]["completion_rate"],
            one["left_out"]["predicted_rate"],
            *(
                one[which][key]
                for key in ("auc", "log_loss", "expected_calibration_error")
                for which in ("left_out", "formula_left_out")
            ),
            one["mean_sigma_left_out"],
            one["mean_sigma"],
        ]
        for source, one in found["by_source"].items()
    ]
    header = [
        "source left out",
        "rows",
        "completed",
        "predicted",
        "AUC",
        "AUC formula",
        "log-loss",
        "log-loss formula",
        "ECE",
        "ECE formula",
        "sigma",
        "sigma if trained on",
    ]
    pooled = [(f"{name}, source left out", one) for name, one in found["pooled"].items()]
    pooled += [(f"refined, source left out, {work}", one) for work, one in found["by_work"].items()]
    parts = [
        "# Sources left out",
        "Each source predicted by a fit that saw no prompt of it, nor of the others of its group: what to expect of a "
        f"new kind of prompt. Groups: {'; '.join(', '.join(group) for group in found['groups'])}. `train "
        "--sources-left-out` leaves out each source alone.",
        HOW_MEASURED,
        measures([*pooled, ("refined, every source trained on", found["pooled_with_every_source"])]),
        f"The mean `sigma` is {found['mean_sigma_left_out']:.3f} with the source left out and "
        f"{found['mean_sigma']:.3f} with it.",
        table(header, rows),
    ]
    if "coverage" in found:
        covered = [[f"{name}, held-out prompts", *one.values()] for name, one in found["coverage"].items()]
        covered += [[f"{name}, sources left out", *one.values()] for name, one in found["coverage_left_out"].items()]
        covered += [
            [f"… {name}", *one["coverage_left_out"].values()]
            for name, one in found["by_source"].items()
            if one["coverage_left_out"]["groups"]
        ]
        parts += [
            "## What sigma is worth",
            "Share of the groups (a model on a task of a source, 30 held-out rows or more) whose completion rate is "
            "within 1.645 standard deviations of the predicted one, which should be 90 %; and what chance alone, "
            "without `sigma`, would cover.",
            table(["", "groups", "covered", "by chance alone"], covered),
        ]
    return _page(parts)


def ablation_page(found: Found) -> str:
    """What each part brought."""
    return _page(
        [
            "# What each part brings",
            "Everything, and everything but one part, fitted anew; on held-out prompts, and with every source left "
            "out, some at a time. The number of domains is the one chosen with everything on.",
            HOW_MEASURED,
            "## Held-out prompts",
            *_by_work(found["held_out"]),
            "## Sources left out",
            *_by_work(found["source_left_out"]),
        ]
    )


def _by_work(found: Found) -> list[str]:
    """A table for each kind of work that there is."""
    works = dict.fromkeys(work for one in found.values() for work in one)
    return [measures(((name, one[work]) for name, one in found.items()), work) for work in works]


def bench_page(found: Found) -> str:
    """Cost against completion."""
    parts = [
        "# Test bench for routing",
        found["prices"],
        "Every model of a source answered every prompt of it, so what any choice would have brought is known. A "
        "router is asked at many settings (thresholds, and margins of 0.05, 0.02 and 0); between two settings one may "
        "toss a coin. Which setting reaches a point is read off the same prompts, for every router alike: choosing it "
        "beforehand would cost each a little. In brackets: 95 % intervals by paired bootstrap over prompts "
        f"({found['resamples']:,} resamples).",
        *(
            ["![cost against completion](cost.png)", "![the oracle's gap](oracle_gap.png)"]
            if found["sources"]
            else [NONE]
        ),
        "- **at its cost**: completion for what the best single model (best on training prompts) costs\n"
        "- **CostSave**: share of the best single model's cost that is saved at its completion; – where it is never "
        "reached\n"
        "- **over the mix**: the same beside the cheapest random mix of models of that completion\n"
        "- **PerfGain**: how much more is completed than by the best single model, whatever the cost\n"
        "- **gap closed**: share of the way from the best single model to the oracle, at no higher cost\n"
        "- **AIQ**: mean completion over all costs up to the dearest model's\n"
        "- **least lead**: the worst distance to the random mix at any cost; negative where tossing coins is better\n"
        "- **over published**: AIQ beyond the published formula's",
    ]
    columns = {
        "completion_at_best_models_cost": "at its cost",
        "cost_save": "CostSave",
        "cost_save_over_mix": "over the mix",
        "perf_gain": "PerfGain",
        "oracle_gap_closed": "gap closed",
        "aiq": "AIQ",
        "least_lead_over_random_mix": "least lead",
        "aiq_over_published": "over published",
    }
    for source, one in found["sources"].items():
        best = one["curves"][BEST]
        playing = (
            "with published scores" if one["only_models_with_published_scores"] else "with or without published scores"
        )
        parts += [
            f"## {source}",
            f"{one['prompts']:,} held-out prompts, {len(one['models'])} models {playing}. Best single model: "
            f"{one['best_model']}, {best['completion'][0]:.1%} for {best['cost'][0] * 1000:.3g} USD per 1,000 "
            f"prompts; oracle: {one['oracle_completion']:.1%}."
            + (" Too few prompts to conclude from." if one["few_prompts"] else ""),
            table(
                ["", *columns.values()],
                [[name, *(_interval(r[key]) for key in columns)] for name, r in one["routers"].items()],
            ),
            "Predictions on the same prompts and models:",
            measures(one["predictions"].items()),
            table(
                ["model", "completed", "USD per 1,000"],
                [[m["model_id"], m["completion"], f"{m['cost'] * 1000:.3g}"] for m in one["models"]],
            ),
        ]
    return _page([*parts, *_predictions(found["predictions"])])


def _predictions(found: Found) -> list[str]:
    parts = [
        "# How good the predictions are",
        HOW_MEASURED,
        measures((name, one["pooled"]) for name, one in found.items()),
        *_by_work({name: one["by_work"] for name, one in found.items()}),
        "![AUC by source](auc.png)",
        "![reliability](reliability.png)",
    ]
    for source in found[OURS]["by_source"]:
        parts += [f"## {source}", measures((name, one["by_source"][source]) for name, one in found.items())]
    return parts


def robustness_page(found: Found) -> str:
    """Decisions under changes."""
    rows = [[name, *one.values()] for name, one in found["changes"].items()]
    languages = [[name, *one.values()] for name, one in found["languages"].items()]
    return _page(
        [
            "# Changes that should not matter",
            f"{found['prompts']} prompts, config `{found['config']}` ({found['candidates']} candidates), artifact "
            f"`{found['artifact'][:12]}`. Flipped: another model is chosen. At the config's threshold, "
            f"{found['completion_threshold']}, the prompts as they are go to {found['models_chosen']} different "
            "model(s), which may leave nothing to flip; so the decisions are replayed for thresholds from 0.50 to "
            "0.99: the mean over them, and the worst of them. The change of P is the mean over all candidates.",
            table(
                [
                    "change",
                    "pairs",
                    "flipped",
                    "over thresholds",
                    "worst threshold",
                    "mean change of P",
                    "mean absolute",
                    "largest absolute",
                ],
                rows,
            ),
            "## Easy before hard",
            "The same easy and hard prompts in six languages; AUC is how often a hard one is predicted harder than an "
            "easy one. Difficulty in logits.",
            table(["language", "prompts", "AUC", "mean difficulty, easy", "mean difficulty, hard"], languages),
        ]
    )


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _interval(one: Mapping[str, float | None]) -> str:
    value, low, high = (None if one[k] is None else one[k] for k in ("value", "low", "high"))
    return f"{_cell(value)} [{_cell(low)}, {_cell(high)}]"


def _shares(share: Mapping[str, float]) -> str:
    shown = [f"{name} {value:.0%}" for name, value in list(share.items())[:3]]
    return ", ".join(shown) + (f", {len(share) - 3} more" if len(share) > 3 else "")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value + 0.0:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "¦")
