"""`assemble` and `wheel`: what was built, put together to be served."""

from pathlib import Path

import click

from artifacts_build.commands import ARTIFACT, DEFAULT_EMBEDDER, FOLDER, WEIGHTS


@click.command()
@click.option("--weights", type=FOLDER, default=WEIGHTS, show_default=True)
@click.option("--embedder", type=FOLDER, default=DEFAULT_EMBEDDER, show_default=True)
@click.option("--out", type=FOLDER, default=ARTIFACT, show_default=True)
def assemble(weights: Path, embedder: Path, out: Path) -> None:
    """Put weights and embedder together to the artifact that is served."""
    from artifacts_build.assemble import assemble as put_together

    put_together(weights, embedder, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{out}: {size / 1e6:.0f} MB")


@click.command()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--registry", type=FOLDER, default=Path("registry"), show_default=True)
@click.option("--web", type=FOLDER, default=Path("web"), show_default=True)
@click.option("--out", type=FOLDER, default=Path("dist"), show_default=True)
def wheel(artifact: Path, registry: Path, web: Path, out: Path) -> None:
    """Build a wheel that holds library, artifact, registry and page."""
    from artifacts_build.wheel import build_wheel

    built = build_wheel(out, artifact, registry, web)
    click.echo(f"{built}: {built.stat().st_size / 1e6:.0f} MB")
