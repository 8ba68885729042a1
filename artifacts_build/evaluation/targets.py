"""What was aimed at and what was measured, met or missed: the summary of an evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from artifacts_build.evaluation.dollars import VALUE
from artifacts_build.evaluation.experiment import AGENT_WORK, OTHER_WORK
from artifacts_build.evaluation.pages import table
from artifacts_build.evaluation.routers import OURS

Found = Mapping[str, Any]
Target = tuple[str, str, bool]
PAGES = {
    "bench.md": "cost against completion in every source, and how good the predictions are",
    "sweep.md": "what each threshold does",
    "holdout-models.md": "models left out",
    "holdout-sources.md": "sources left out, and what sigma is worth",
    "dollars.md": "routing judged with real dollars",
    "everyday.md": "everyday prompts in the order of a rubric",
    "ablation.md": "what each part brings",
    "robustness.md": "changes that should not matter",
}
LOG_LOSS, ECE = "log_loss", "expected_calibration_error"
# Of work: log-loss and calibration error at most.
KNOWN = {AGENT_WORK: (0.565, 0.020), OTHER_WORK: (0.450, 0.018)}
UNSEEN = {AGENT_WORK: (0.69, 0.20), OTHER_WORK: (0.405, None)}
COVERED = 0.80


def targets(found: Mapping[str, Found]) -> list[Target]:
    """Each aim, what was measured, and whether it is met; aims of work that the data has none of are left out.

    The aims were set for prompts, models and sources that nobody here has seen; what is measured is their like in
    the data that is at hand.
    """
    rows: list[Target] = []
    for work, one in found["bench"]["predictions"][OURS]["by_work"].items():
        rows += _at_most(f"{work}, known kinds", one, *KNOWN[work])
    if new := found["holdout-models"]["by_work"].get(AGENT_WORK):
        rows += [
            _above(f"models left out, {AGENT_WORK}: AUC at least 0.625", new["auc"], 0.625),
            *_at_most(f"models left out, {AGENT_WORK}", new, 0.555, None),
        ]
    for work, one in found["holdout-sources"]["by_work"].items():
        rows += _at_most(f"{work}, sources left out", one, *UNSEEN[work])
    for work, one in found["holdout-sources"]["coverage_left_out"].items():
        if one["coverage"] is not None:
            name = f"{work}, sources left out: 90 % intervals of rates hold 80 % or more"
            rows.append((name, f"{one['coverage']:.1%}", one["coverage"] >= COVERED))
    for source, one in found["dollars"].items():
        lead = one["routers"][f"{OURS}, {VALUE}"]
        mean, least = lead["mean_lead_over_mix"]["value"], lead["least_lead_over_mix"]["value"]
        rows += [
            (f"{source}, real dollars: mean lead over the mix at least +0.005", f"{mean:+.3f}", mean >= 0.005),
            (f"{source}, real dollars: least lead at least −0.020", f"{least:+.3f}", least >= -0.020),
        ]
    return [*rows, *_everyday(found["everyday"])]


def _everyday(found: Found) -> Iterator[Target]:
    if not found:
        return
    read = found["all"]["difficulty"]
    for name, key, least in (
        ("rank correlation with the level", "rank_correlation", 0.70),
        ("the same within kinds of task", "within_kinds", 0.45),
        ("AUC of level 4 and 5 against 1 and 2", "auc", 0.93),
        ("near twins in the right order", "twins_in_order", 0.80),
    ):
        if read[key] is not None:
            yield _above(f"everyday prompts: {name} at least {least}", read[key], least)
    if (spread := read["spread_of_languages"]) is not None:
        yield "everyday prompts: spread across languages at most 0.35", f"{spread:.3f}", spread <= 0.35


def _at_most(name: str, one: Found, loss: float, error: float | None) -> Iterator[Target]:
    yield f"{name}: log-loss at most {loss}", f"{one[LOG_LOSS]:.4f}", one[LOG_LOSS] <= loss
    if error is not None:
        yield f"{name}: calibration error at most {error}", f"{one[ECE]:.4f}", one[ECE] <= error


def _above(name: str, value: float | None, least: float) -> Target:
    return name, "–" if value is None else f"{value:.4f}", value is not None and value >= least


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
                "Set for prompts, models and sources that are kept elsewhere; measured here on what was held out of "
                "the data at hand, of models with published scores.",
                table(["aim", "measured", ""], rows),
                "## Pages",
                links,
                *(["![cost against completion](cost.png)"] if found["plotted"] else []),
                "![reliability](reliability.png)",
            ]
        )
        + "\n"
    )
