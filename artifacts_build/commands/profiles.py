"""`profiles`: what a dataset tells of its models."""

from pathlib import Path

import click

from artifacts_build.commands import FOLDER
from artifacts_build.commands.data import data_options, read_outcomes


@click.command()
@data_options
@click.option("--out", type=FOLDER, required=True, help="The folder for profiles.json and profiles.md.")
def profiles(
    datasets: tuple[str, ...],
    data: Path | None,
    registry: Path,
    models: Path | None,
    benchmarks: tuple[Path, ...],
    out: Path,
) -> None:
    """Write how often each model completes, its published scores, and token prices fitted to its costs."""
    from artifacts_build.datasets.model_profiles import write_profiles

    click.echo(write_profiles(read_outcomes(datasets, data, registry, models, benchmarks), out))
