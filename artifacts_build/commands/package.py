"""`artifact` and `wheel`: what was built, put together to be served."""

from pathlib import Path

import click

from artifacts_build.commands import ARTIFACT, ARTIFACTS, DEFAULT_EMBEDDER, FOLDER, REGISTRY, WEIGHTS

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--weights", type=FOLDER, default=WEIGHTS, show_default=True)
@click.option("--embedder", type=FOLDER, default=DEFAULT_EMBEDDER, show_default=True)
@click.option("--registry", type=FOLDER, default=REGISTRY, show_default=True)
@click.option("--name", default="default", show_default=True, help=f"Write {ARTIFACTS}/NAME.")
@click.option("--out", type=FOLDER, help="Write another folder instead.")
def artifact(weights: Path, embedder: Path, registry: Path, name: str, out: Path | None) -> None:
    """Put weights and embedder together to the artifact that is served, and try it.

    The result is loaded as the server loads it and decides one prompt with the registry before it takes its place.
    The table says what of it a zip function's limit leaves.
    """
    from artifacts_build.packaging.artifact import build_artifact

    out = out or ARTIFACTS / name
    report = build_artifact(weights, embedder, registry, out)
    click.echo(report)


@click.command()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--registry", type=FOLDER, default=REGISTRY, show_default=True)
@click.option("--web", type=FOLDER, default=Path("web"), show_default=True)
@click.option("--out", type=FOLDER, default=Path("dist"), show_default=True)
def wheel(artifact: Path, registry: Path, web: Path, out: Path) -> None:
    """Build a wheel that holds library, build step, artifact, registry and page, and the client's; in a checkout."""
    from artifacts_build.packaging.wheel import build_client_wheel, build_wheel

    built = build_wheel(out, artifact, registry, web)
    click.echo(f"{built}: {built.stat().st_size / 1e6:.0f} MB")
    client = build_client_wheel(out)
    click.echo(f"{client}: {client.stat().st_size / 1e3:.0f} kB")


@click.command()
@click.option("--out", type=FILE, required=True, help="File of the new private key; it is never overwritten.")
def keypair(out: Path) -> None:
    """Make a key that artifacts are signed with, and print its public half, for POINTSMAN_ARTIFACT_KEYS."""
    from artifacts_build.packaging.signing import make_keypair

    click.echo(make_keypair(out))


@click.command()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--key", type=FILE, required=True, help="The private key, in PEM.")
def sign(artifact: Path, key: Path) -> None:
    """Sign an artifact's manifest, and with it every file; prints the public key that checks it."""
    from artifacts_build.packaging.signing import sign_artifact

    click.echo(sign_artifact(artifact, key))
