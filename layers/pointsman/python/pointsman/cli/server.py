"""`pointsman serve`: the page and the API on this machine."""

from pathlib import Path

import click

from pointsman.cli.options import FOLDER, artifact_option, check_one_store, db_option, registry_option, table_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@db_option
@table_option
@artifact_option
@registry_option
@click.option("--tokens", type=FOLDER, help="File of the tokens that /api asks for. [default: POINTSMAN_TOKENS]")
@click.option("--allow-host", "allowed_hosts", multiple=True, help="Another name of this server; may be repeated.")
@click.option("--insecure-no-auth", "no_auth", is_flag=True, help="Ask nobody for a token, whoever can reach it.")
def serve(
    host: str,
    port: int,
    db: Path | None,
    table: str | None,
    artifact: Path | None,
    registry: Path | None,
    tokens: Path | None,
    allowed_hosts: tuple[str, ...],
    no_auth: bool,
) -> None:
    """Serve the page and the API.

    On an address that other machines can reach, a file of tokens is needed: `pointsman token new` makes one.
    """
    from pointsman.api.server import run

    check_one_store(db, table)
    run(
        host,
        port,
        db=db,
        table=table,
        artifact=artifact,
        registry=registry,
        tokens=tokens,
        allowed_hosts=allowed_hosts,
        no_auth=no_auth,
    )
