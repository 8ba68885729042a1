"""`train`: outcomes to weights."""

from pathlib import Path

import click

from artifacts_build.commands import CACHE, DEFAULT_EMBEDDER, FOLDER, WEIGHTS
from artifacts_build.commands.data import anchors_option, data_options, read_outcomes


@click.command()
@data_options
@anchors_option()
@click.option(
    "--sources-left-out/--no-sources-left-out",
    "leave_out",
    default=True,
    show_default=True,
    help="Measure each source by a fit without it.",
)
@click.option(
    "--everything", is_flag=True, help="Write weights fitted to every prompt; the figures stay those of the split."
)
@click.option("--embedder", type=FOLDER, default=DEFAULT_EMBEDDER, show_default=True)
@click.option("--out", type=FOLDER, default=WEIGHTS, show_default=True, help="The weights folder to write.")
@click.option("--name", default="default", show_default=True, help="The artifact's name.")
@click.option("--view-tokens", type=click.IntRange(min=16), default=256, show_default=True)
@click.option("--head-tokens", type=click.IntRange(min=0), default=32, show_default=True)
@click.option("--tail-tokens", type=click.IntRange(min=0), default=64, show_default=True)
@click.option("--seed", type=int, default=20261122, show_default=True, help="Seed of the held-out split.")
@click.option("--cache", type=FOLDER, default=CACHE, show_default=True, help="Embeddings are kept here.")
def train(
    datasets: tuple[str, ...],
    data: Path | None,
    registry: Path,
    models: Path | None,
    benchmarks: tuple[Path, ...],
    anchors: Path | None,
    embedder: Path,
    out: Path,
    name: str,
    view_tokens: int,
    head_tokens: int,
    tail_tokens: int,
    seed: int,
    cache: Path,
    everything: bool,
    leave_out: bool,
) -> None:
    """Train the predictor on outcomes, measure it on held-out prompts, and write the weights.

    Embeddings are kept as they are made: a run that was cut off goes on where it was.
    """
    from pointsman.routing.view import ViewSettings

    from artifacts_build.training.train import train_weights

    view = ViewSettings(max_tokens=view_tokens, head_tokens=head_tokens, tail_tokens=tail_tokens)
    outcomes = read_outcomes(datasets, data, registry, models, benchmarks)
    report = train_weights(outcomes, anchors, embedder, out, name, view, seed, cache, everything, leave_out)
    click.echo(report)
