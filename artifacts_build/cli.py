"""The commands of the build step; `python -m artifacts_build --help` lists them."""

import sys
from pathlib import Path

import click
from pointsman.errors import PointsmanError

EMBEDDERS = Path("build/embedders")
WEIGHTS = Path("weights/default")
ARTIFACT = Path("layers/artifacts/default")
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Build what Pointsman serves with: an embedder, trained weights, and the artifact of both."""


@cli.command()
@click.option(
    "--embedder",
    type=click.Choice(["use-multilingual"]),
    default="use-multilingual",
    show_default=True,
    help="The model to export.",
)
@click.option("--out", type=FOLDER, help=f"The folder to write. [default: {EMBEDDERS}/EMBEDDER]")
def export(embedder: str, out: Path | None) -> None:
    """Export an embedder to one ONNX file, a tokenizer and its settings."""
    from artifacts_build.export import export_use_multilingual

    out = out or EMBEDDERS / embedder
    settings = export_use_multilingual(out)
    size = sum(path.stat().st_size for path in out.iterdir())
    click.echo(f"{out}: {settings.name}, {settings.dimensions} dimensions, {size / 1e6:.0f} MB")
    click.echo(f"fingerprint {settings.fingerprint}")


@cli.command()
@click.option("--data", type=FOLDER, required=True, help="Folder with prompts.parquet, responses.parquet, models.csv.")
@click.option("--embedder", type=FOLDER, default=EMBEDDERS / "use-multilingual", show_default=True)
@click.option("--out", type=FOLDER, default=WEIGHTS, show_default=True, help="The weights folder to write.")
@click.option("--name", default="default", show_default=True, help="The artifact's name.")
@click.option("--view-tokens", type=click.IntRange(min=16), default=256, show_default=True)
@click.option("--head-tokens", type=click.IntRange(min=0), default=32, show_default=True)
@click.option("--tail-tokens", type=click.IntRange(min=0), default=64, show_default=True)
@click.option("--seed", type=int, default=20261122, show_default=True, help="Seed of the held-out split.")
@click.option("--cache", type=FOLDER, default=Path("build/cache"), show_default=True, help="Embeddings are kept here.")
def train(
    data: Path,
    embedder: Path,
    out: Path,
    name: str,
    view_tokens: int,
    head_tokens: int,
    tail_tokens: int,
    seed: int,
    cache: Path,
) -> None:
    """Train the predictor on outcomes, measure it on held-out prompts, and write the weights."""
    from pointsman.view import ViewSettings

    from artifacts_build.train import train_weights

    view = ViewSettings(max_tokens=view_tokens, head_tokens=head_tokens, tail_tokens=tail_tokens)
    report = train_weights(data, embedder, out, name, view, seed, cache)
    click.echo(report)


@cli.command()
@click.option("--weights", type=FOLDER, default=WEIGHTS, show_default=True)
@click.option("--embedder", type=FOLDER, default=EMBEDDERS / "use-multilingual", show_default=True)
@click.option("--out", type=FOLDER, default=ARTIFACT, show_default=True)
def assemble(weights: Path, embedder: Path, out: Path) -> None:
    """Put weights and embedder together to the artifact that is served."""
    from artifacts_build.assemble import assemble as put_together

    put_together(weights, embedder, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{out}: {size / 1e6:.0f} MB")


@cli.command()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--registry", type=FOLDER, default=Path("registry"), show_default=True)
@click.option("--web", type=FOLDER, default=Path("web"), show_default=True)
@click.option("--out", type=FOLDER, default=Path("dist"), show_default=True)
def wheel(artifact: Path, registry: Path, web: Path, out: Path) -> None:
    """Build a wheel that holds library, artifact, registry and page."""
    from artifacts_build.wheel import build_wheel

    built = build_wheel(out, artifact, registry, web)
    click.echo(f"{built}: {built.stat().st_size / 1e6:.0f} MB")


def main() -> None:
    """Run a command; an error of ours is one line and a non-zero exit."""
    try:
        cli()
    except (PointsmanError, ModuleNotFoundError, OSError, ValueError, RuntimeError) as error:
        click.echo(f"artifacts_build: {error}", err=True)
        sys.exit(1)
