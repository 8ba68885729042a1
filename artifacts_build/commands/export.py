"""`export`: an embedder to ONNX."""

from pathlib import Path

import click

from artifacts_build.commands import EMBEDDERS, FOLDER


@click.command()
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
