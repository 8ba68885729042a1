"""`compile-registry`: the registry and the artifact's manifest, for the layer that every function reads."""

from pathlib import Path

import click

from artifacts_build.commands import ARTIFACT, FOLDER, REGISTRY

LAYER = Path("layers/registry")


@click.command()
@click.option("--registry", "source", type=FOLDER, default=REGISTRY, show_default=True)
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--out", type=FOLDER, default=LAYER, show_default=True)
def compile_registry(source: Path, artifact: Path, out: Path) -> None:
    """Compile the registry to JSON, which loads without YAML."""
    from artifacts_build.packaging.compiled_registry import REGISTRY_FILE, write_compiled_registry

    known = write_compiled_registry(source, artifact, out)
    click.echo(f"{out / REGISTRY_FILE}: {len(known.models)} models, {len(known.configs)} configs")
