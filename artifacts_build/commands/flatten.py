"""`flatten`: another program's trained router to weights of ours."""

from pathlib import Path

import click

from artifacts_build.commands import FILE, FOLDER


@click.command()
@click.option("--joblib", type=FILE, required=True, help="The trained router, such as irt_router.joblib.")
@click.option("--embedder", type=FOLDER, required=True, help="The exported embedder that it was trained with.")
@click.option("--out", type=FOLDER, required=True, help="The weights folder to write.")
@click.option("--name", default="flattened", show_default=True, help="The artifact's name.")
def flatten(joblib: Path, embedder: Path, out: Path, name: str) -> None:
    """Turn a router that xrouter-llm trained into weights, without running anything of it.

    The file is read as inert data; whatever is not an array, a number or a known class is refused by name. The
    numbers stay under the licence of the router they come from.
    """
    from artifacts_build.xrouter.flatten import flatten_router

    manifest = flatten_router(joblib, embedder, out, name)
    source = manifest["training"]["flattened_from"]
    click.echo(f"{out}: {manifest['embedder']['dimensions']} dimensions, capability means {source['capability_means']}")
    click.echo(
        f"trained with {source['embedding_model']}; served with {manifest['embedder']['name']}: check that they match"
    )
