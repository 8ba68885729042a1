"""Evaluations to files: JSON, a page, plots; each folder whole or not at all."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pointsman.embedders import Embedder
from pointsman.router import Router
from tqdm import tqdm

from artifacts_build.datasets.outcomes import Floats
from artifacts_build.evaluation import pages, plots, targets
from artifacts_build.evaluation.bench import bench, sweep
from artifacts_build.evaluation.compare import RESAMPLES
from artifacts_build.evaluation.dollars import dollars
from artifacts_build.evaluation.everyday import everyday
from artifacts_build.evaluation.experiment import Experiment
from artifacts_build.evaluation.left_out import (
    SOURCE_GROUPS,
    ablation,
    check_sources,
    coverage,
    holdout_models,
    holdout_sources,
)
from artifacts_build.evaluation.prices import Prices
from artifacts_build.evaluation.robustness import robustness
from artifacts_build.packaging.folders import whole_folder

# Pages beside the bench's, which has plots.
PAGE_OF: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "holdout-models": pages.models_page,
    "holdout-sources": pages.sources_page,
    "dollars": pages.dollars_page,
    "everyday": pages.everyday_page,
    "ablation": pages.ablation_page,
    "sweep": pages.sweep_page,
    "robustness": pages.robustness_page,
}


def write(out: Path, name: str, found: Mapping[str, Any], page: str) -> None:
    """`name`.json and `name`.md in the folder `out`."""
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (out / f"{name}.json").write_text(text, encoding="utf-8")
    (out / f"{name}.md").write_text(page, encoding="utf-8")


def write_bench(out: Path, found: Mapping[str, Any]) -> None:
    """The bench with its plots."""
    write(out, "bench", found, pages.bench_page(found))
    plots.plot_costs(found, out / "cost.png")
    plots.plot_reliability(found, out / "reliability.png")
    plots.plot_auc(found, out / "auc.png")
    plots.plot_oracle_gap(found, out / "oracle_gap.png")


def holdout_sources_and_coverage(experiment: Experiment, source_groups: int = SOURCE_GROUPS) -> dict[str, Any]:
    """Sources left out, and how often intervals of `sigma` hold what was observed."""
    return {**holdout_sources(experiment, source_groups), "coverage": coverage(experiment)}


def everything(
    out: Path,
    experiment: Experiment,
    tokens: Floats,
    prices: Prices,
    router: Router,
    judged: str,
    group_size: int,
    source_groups: int = SOURCE_GROUPS,
    resamples: int = RESAMPLES,
) -> str:
    """Every evaluation into one folder, with a summary; returns the summary."""
    check_sources(experiment)
    found = {
        "bench": bench(experiment, tokens, prices, resamples),
        "holdout-models": holdout_models(experiment, group_size),
        # It fits each source's absence with and without a part at once, which the next but one finds made.
        "ablation": ablation(experiment, source_groups),
        "dollars": dollars(experiment, resamples),
        "holdout-sources": holdout_sources_and_coverage(experiment, source_groups),
        "sweep": sweep(experiment, tokens, prices),
        "robustness": robustness(router, "auto"),
        "everyday": everyday(experiment),
    }
    summary = {
        "judged": judged,
        "prompts": len(experiment.data.prompts),
        "responses": len(experiment.data.score),
        "held_out_prompts": int(experiment.test.sum()),
        "seed": experiment.seed,
        "prices": prices.source_line,
        "plotted": bool(found["bench"]["sources"]),
        "targets": targets.targets(found),
    }
    page = targets.summary_page(summary, judged)
    with whole_folder(out) as scratch:
        write_bench(scratch, found["bench"])
        for name, page_of in PAGE_OF.items():
            write(scratch, name, found[name], page_of(found[name]))
        write(scratch, "README", summary, page)
        (scratch / "README.json").rename(scratch / "summary.json")
    return page


def copy_pages(out: Path, docs: Path) -> None:
    """The pages and plots of an evaluation, without its JSON, into a folder of the documentation.

    Pages there that an evaluation does not write stay, such as that of the workload.
    """
    docs.mkdir(parents=True, exist_ok=True)
    for path in sorted(out.iterdir()):
        if path.suffix in (".md", ".png"):
            shutil.copyfile(path, docs / path.name)


def count_tokens(prompts: list[str], embedder: Embedder) -> Floats:
    """[n]: input tokens of each prompt, as serving counts them."""
    bar = tqdm(prompts, desc="counting tokens", disable=None)
    return np.array([len(embedder.tokenize(prompt)) - embedder.special_tokens for prompt in bar], dtype=np.float64)
