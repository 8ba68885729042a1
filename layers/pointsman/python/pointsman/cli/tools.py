"""`pointsman mcp`: the tools for agents, over standard input and output."""

from pathlib import Path

import click

from pointsman.cli.options import artifact_option, db_option, recording_history_of, registry_option, table_option
from pointsman.errors import SettingsError


@click.command()
@click.option("--no-record", is_flag=True, help="Keep no decision; outcomes cannot be reported then.")
@click.option("--server", metavar="URL", help="Ask a running service in place of this machine; it has no predict.")
@click.option("--token", envvar="POINTSMAN_TOKEN", help="The service's token. [default: POINTSMAN_TOKEN]")
@db_option
@table_option
@artifact_option
@registry_option
def mcp(
    no_record: bool,
    server: str | None,
    token: str | None,
    db: Path | None,
    table: str | None,
    artifact: Path | None,
    registry: Path | None,
) -> None:
    """Serve the tools route, predict, models and report_outcome to an agent (Model Context Protocol, stdio)."""
    here = {"--no-record": no_record, "--db": db, "--table": table, "--artifact": artifact, "--registry": registry}
    if server is not None and (given := [name for name, value in here.items() if value]):
        raise click.UsageError(f"{given[0]} is of this machine: leave it out, or leave out --server.")
    try:
        from pointsman.tools import Elsewhere, Here, server_of
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "mcp":
            raise SettingsError("`pointsman mcp` needs the package mcp: pip install 'pointsman[mcp]'.") from None
        raise
    if server is not None:
        server_of(Elsewhere(server, token)).run("stdio")
        return
    from pointsman.compose import open_router
    from pointsman.settings import load_settings

    settings = load_settings(artifact=artifact, registry=registry, db=db, table=table)
    router = open_router(settings, None if no_record else recording_history_of(db, table))
    server_of(Here(router)).run("stdio")
