"""`pointsman serve`: the page and the API on this machine."""

from pathlib import Path

import click

from pointsman.cli.options import artifact_option, check_one_store, db_option, registry_option, table_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@db_option
@table_option
@artifact_option
@registry_option
def serve(
    host: str, port: int, db: Path | None, table: str | None, artifact: Path | None, registry: Path | None
) -> None:
    """Serve the page and the API."""
    from pointsman.api.server import run

    check_one_store(db, table)
    run(host, port, db=db, table=table, artifact=artifact, registry=registry)
