"""The options that name outcomes, for every command that reads them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from artifacts_build.commands import FILE, FOLDER, REGISTRY

if TYPE_CHECKING:
    from artifacts_build.datasets import Outcomes

ANCHORS = Path(__file__).parents[1] / "anchors"
Command = TypeVar("Command", bound=Callable[..., Any])


def benchmarks_option() -> Callable[[Command], Command]:
    """`--benchmarks`, which may be given several times."""
    return click.option(
        "--benchmarks",
        type=FILE,
        multiple=True,
        help="A CSV of model_id (or base:BASE_MODEL), benchmark, value and effort: published scores, in percent or as "
        "fractions. May be given several times.",
    )


def anchors_option() -> Callable[[Command], Command]:
    """`--anchors`; those of the build step unless another folder is named."""
    return click.option(
        "--anchors",
        type=FOLDER,
        default=ANCHORS,
        show_default="those of the build step",
        help="A folder of annotated prompts, JSONL: prompt or messages, kind, level from 1 to 5, lang.",
    )


def data_options(command: Command) -> Command:
    """`--dataset`, `--data`, `--registry`, `--models` and more, as `read_outcomes` takes them."""
    options = [
        click.option(
            "--dataset",
            "datasets",
            multiple=True,
            metavar="KIND:PATH",
            help="Outcomes to read; may be given several times. Kinds: rows, llmrouterbench, agentic, routerbench, "
            "history. Options go behind commas: weight=0.5, name=NAME, tasks=FILE.",
        ),
        click.option(
            "--data",
            type=FOLDER,
            help="Short for --dataset rows:FOLDER, a folder with prompts.parquet, responses.parquet and models.csv.",
        ),
        click.option(
            "--registry", type=FOLDER, default=REGISTRY, show_default=True, help="Scores of the models that are in it."
        ),
        click.option(
            "--models",
            type=FILE,
            help="A CSV of model_id, base_model, gpqa_diamond, livecodebench (percent); wins over the registry.",
        ),
        benchmarks_option(),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read_outcomes(
    datasets: Sequence[str],
    data: Path | None,
    registry: Path,
    models: Path | None,
    benchmarks: Sequence[Path] = (),
) -> "Outcomes":
    """The outcomes that the options name; what was passed over is said on standard error.

    Raises:
        DatasetError: a dataset cannot be read, or none is named.
        RegistryError: the registry has faults.
    """
    from artifacts_build.datasets import load_datasets, parse_dataset, read_profiles
    from artifacts_build.datasets.benchmarks import read_benchmarks

    specs = [parse_dataset(text) for text in (*datasets, *([f"rows:{data}"] if data else []))]
    outcomes = replace(
        load_datasets(specs, read_profiles(registry, models)),
        benchmarks=read_benchmarks(benchmarks),
    )
    for note in outcomes.notes:
        click.echo(note, err=True)
    click.echo(
        f"{len(outcomes.prompts):,} prompts, {len(outcomes.score):,} responses of {len(outcomes.model_ids):,} models; "
        f"{int(outcomes.scored().sum()):,} of them by models with published scores",
        err=True,
    )
    return outcomes
