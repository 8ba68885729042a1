"""`pointsman mcp`: the tools for agents, over standard input and output."""

from pathlib import Path

import click

from pointsman.cli.options import artifact_option, db_option, recording_history_of, registry_option, table_option
from pointsman.errors import SettingsError


@click.command()
@click.option("--no-record", is_flag=True, help="Keep no decision; outcomes cannot be reported then.")
@db_option
@table_option
@artifact_option
@registry_option
def mcp(no_record: bool, db: Path | None, table: str | None, artifact: Path | None, registry: Path | None) -> None:
    """Serve the tools route, predict, models and report_outcome to an agent (Model Context Protocol, stdio)."""
    try:
        from pointsman.tools import server_of
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "mcp":
            raise SettingsError("`pointsman mcp` needs the package mcp: pip install 'pointsman[mcp]'.") from None
        raise
    from pointsman.compose import open_router
    from pointsman.settings import load_settings

    settings = load_settings(artifact=artifact, registry=registry, db=db, table=table)
    server_of(open_router(settings, None if no_record else recording_history_of(db, table))).run("stdio")
