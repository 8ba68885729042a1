"""`evaluate`: how good predictions and routing are, on prompts, models and sources that were not trained on."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from artifacts_build.commands import ARTIFACT, CACHE, DEFAULT_EMBEDDER, FILE, FOLDER, REGISTRY
from artifacts_build.commands.data import anchors_option, data_options, read_outcomes
from artifacts_build.commands.profiles import profiles
from artifacts_build.commands.workload import workload

if TYPE_CHECKING:
    from artifacts_build.datasets.outcomes import Floats
    from artifacts_build.evaluation.experiment import Experiment
    from artifacts_build.evaluation.prices import Prices

Command = TypeVar("Command", bound=Callable[..., Any])
OUT = Path("build/evaluation")


@click.group()
def evaluate() -> None:
    """Measure predictions and routing on prompts, models and sources that were not trained on.

    Every command reads outcomes, trains on the training split (or judges --weights that were trained on it), and
    writes JSON, a Markdown page and plots into --out.
    """


evaluate.add_command(profiles)
evaluate.add_command(workload)


def lab_options(command: Command) -> Command:
    """The options that make a laboratory."""
    options = [
        anchors_option(),
        click.option("--embedder", type=FOLDER, default=DEFAULT_EMBEDDER, show_default=True),
        click.option(
            "--weights",
            type=FOLDER,
            help="Weights that `train` wrote from the same data: judged as they are, where nothing is left out. "
            "Trained anew without it.",
        ),
        click.option(
            "--seed",
            type=int,
            default=20261122,
            show_default=True,
            help="Seed of the held-out split; it must be the one that the weights were trained with.",
        ),
        click.option("--cache", type=FOLDER, default=CACHE, show_default=True, help="Embeddings are kept here."),
        click.option("--out", type=FOLDER, default=OUT, show_default=True, help="The folder to write into."),
    ]
    for option in reversed(options):
        command = option(command)
    return data_options(command)


def price_option(command: Command) -> Command:
    """`--prices`."""
    return click.option(
        "--prices",
        type=FILE,
        help="A CSV of model_id, input_cost_per_1k, output_cost_per_1k, output_tokens, instead of list prices.",
    )(command)


group_option = click.option(
    "--group-size", type=click.IntRange(min=1), default=20, show_default=True, help="Base models left out at a time."
)
source_groups_option = click.option(
    "--source-groups",
    type=click.IntRange(min=2),
    default=6,
    show_default=True,
    help="Into how many groups sources are dealt; each group is left out at once.",
)
resamples_option = click.option(
    "--resamples", type=click.IntRange(min=10), default=1000, show_default=True, help="Of the paired bootstrap."
)


@evaluate.command(name="bench")
@lab_options
@price_option
@resamples_option
def bench_command(out: Path, prices: Path | None, resamples: int, **options: Any) -> None:
    """Cost against completion: our router beside eleven others on the same held-out prompts."""
    from artifacts_build.evaluation.bench import bench
    from artifacts_build.evaluation.write import write_bench

    experiment, tokens, listed = _lab_with_prices(prices, options)
    found = bench(experiment, tokens, listed, resamples)
    _write(out, lambda scratch: write_bench(scratch, found))


@evaluate.command(name="dollars")
@lab_options
@resamples_option
def dollars_command(out: Path, resamples: int, **options: Any) -> None:
    """Routing judged with the dollars that models really spent, where the data has them."""
    from artifacts_build.evaluation.dollars import dollars
    from artifacts_build.evaluation.pages import dollars_page

    _write_page(out, "dollars", dollars(_lab(options)[0], resamples), dollars_page)


@evaluate.command(name="sweep")
@lab_options
@price_option
def sweep_command(out: Path, prices: Path | None, **options: Any) -> None:
    """What each threshold does: completion, cost, the share of each model, calibration."""
    from artifacts_build.evaluation.bench import sweep
    from artifacts_build.evaluation.pages import sweep_page

    experiment, tokens, listed = _lab_with_prices(prices, options)
    _write_page(out, "sweep", sweep(experiment, tokens, listed), sweep_page)


@evaluate.command(name="holdout-models")
@lab_options
@group_option
def holdout_models_command(out: Path, group_size: int, **options: Any) -> None:
    """Each model left out and predicted from its published scores alone."""
    from artifacts_build.evaluation.left_out import holdout_models
    from artifacts_build.evaluation.pages import models_page

    _write_page(out, "holdout-models", holdout_models(_lab(options)[0], group_size), models_page)


@evaluate.command(name="holdout-sources")
@lab_options
@source_groups_option
def holdout_sources_command(out: Path, source_groups: int, **options: Any) -> None:
    """Each source left out, and how often intervals of sigma hold what was observed."""
    from artifacts_build.evaluation.pages import sources_page
    from artifacts_build.evaluation.write import holdout_sources_and_coverage

    _write_page(out, "holdout-sources", holdout_sources_and_coverage(_lab(options)[0], source_groups), sources_page)


@evaluate.command(name="everyday")
@lab_options
def everyday_command(out: Path, **options: Any) -> None:
    """Everyday prompts in the order of a rubric: anchors that the fit did not see."""
    from artifacts_build.evaluation.everyday import everyday
    from artifacts_build.evaluation.pages import everyday_page

    _write_page(out, "everyday", everyday(_lab(options)[0]), everyday_page)


@evaluate.command(name="ablation")
@lab_options
@source_groups_option
def ablation_command(out: Path, source_groups: int, **options: Any) -> None:
    """What each part beyond the formula brings."""
    from artifacts_build.evaluation.left_out import ablation
    from artifacts_build.evaluation.pages import ablation_page

    _write_page(out, "ablation", ablation(_lab(options)[0], source_groups), ablation_page)


@evaluate.command(name="robustness")
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--registry", type=FOLDER, default=REGISTRY, show_default=True)
@click.option("--config", default="auto", show_default=True, help="The router config that decides.")
@click.option("--out", type=FOLDER, default=OUT, show_default=True, help="The folder to write into.")
def robustness_command(artifact: Path, registry: Path, config: str, out: Path) -> None:
    """Decisions under changes that should not matter, in six languages; needs no data."""
    from pointsman.router import Router

    from artifacts_build.evaluation.pages import robustness_page
    from artifacts_build.evaluation.robustness import robustness

    _write_page(out, "robustness", robustness(Router.load(artifact, registry), config), robustness_page)


@evaluate.command(name="all")
@lab_options
@price_option
@resamples_option
@group_option
@source_groups_option
@click.option(
    "--artifact", type=FOLDER, default=ARTIFACT, show_default=True, help="The artifact whose robustness is measured."
)
@click.option("--docs", type=FOLDER, help="Also copy the pages and plots into this folder, beside what is there.")
def all_command(
    out: Path,
    prices: Path | None,
    resamples: int,
    group_size: int,
    source_groups: int,
    artifact: Path,
    docs: Path | None,
    **options: Any,
) -> None:
    """Everything above (but profiles) and a summary of the targets, into one folder."""
    from pointsman.router import Router

    from artifacts_build.evaluation.write import copy_pages, everything

    # First what can be refused at once.
    router = Router.load(artifact, options["registry"])
    experiment, tokens, listed = _lab_with_prices(prices, options)
    weights = options["weights"]
    judged = f"the weights {weights.name}" if weights else "weights trained on the training split"
    click.echo(everything(out, experiment, tokens, listed, router, judged, group_size, source_groups, resamples))
    click.echo(f"wrote {out}", err=True)
    if docs:
        copy_pages(out, docs)
        click.echo(f"wrote {docs}", err=True)


def _lab_with_prices(prices: Path | None, options: dict[str, Any]) -> "tuple[Experiment, Floats, Prices]":
    """The laboratory, the input tokens of its prompts, and the prices."""
    from artifacts_build.evaluation.prices import read_prices
    from artifacts_build.evaluation.write import count_tokens

    listed = read_prices(prices)
    experiment, embedder = _lab(options)
    return experiment, count_tokens(experiment.data.prompts, embedder), listed


def _lab(options: dict[str, Any]) -> "tuple[Experiment, Any]":
    """The laboratory that the options ask for, and its embedder."""
    from pointsman.artifact.load import load_artifact
    from pointsman.embedders import OnnxEmbedder
    from pointsman.routing.view import ViewSettings

    from artifacts_build.evaluation.experiment import Experiment, check_weights
    from artifacts_build.training.train import check_enough, embed_all

    embedder = OnnxEmbedder.load(options["embedder"])
    view, given = ViewSettings(max_tokens=256, head_tokens=32, tail_tokens=64), None
    if options["weights"]:
        weights = load_artifact(options["weights"])
        check_weights(weights, embedder, options["seed"])
        view, given = weights.manifest.view, weights.predictor
    names = ("datasets", "data", "registry", "models", "benchmarks")
    data = read_outcomes(*(options[name] for name in names))
    check_enough(data)
    embedded = embed_all(data.prompts, embedder, view, options["cache"], options["anchors"])
    return Experiment.of(data, embedded, options["seed"], given), embedder


def _write_page(out: Path, name: str, found: Any, page: Callable[[Any], str]) -> None:
    from artifacts_build.evaluation.write import write

    text = page(found)
    _write(out, lambda scratch: write(scratch, name, found, text))
    click.echo(text)


def _write(out: Path, make: Callable[[Path], None]) -> None:
    """Make files in a scratch folder, then move them into `out`, beside what is there."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as scratch:
        make(Path(scratch))
        for path in sorted(Path(scratch).iterdir()):
            path.replace(out / path.name)
    click.echo(f"wrote {out}", err=True)
