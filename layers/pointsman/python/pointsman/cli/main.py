"""The command line: the group of all commands, and errors as one line on standard error."""

import logging
import sys

import click

from pointsman.cli.history import history
from pointsman.cli.options import fault_line
from pointsman.cli.registry import configs, models, registry
from pointsman.cli.report import report
from pointsman.cli.route import route
from pointsman.cli.server import serve
from pointsman.cli.token import token
from pointsman.cli.tools import mcp
from pointsman.errors import PointsmanError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pointsman")
def cli() -> None:
    """Which model should serve this prompt? The cheapest one that can complete it."""


for command in (serve, route, history, report, models, configs, registry, token, mcp):
    cli.add_command(command)


def main() -> None:
    """Run a command; an error of ours is a line on standard error and exit code 1, never a stack trace."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        cli()
    except PointsmanError as error:
        click.echo(f"pointsman: {error.detail}", err=True)
        from pointsman.errors import RegistryError

        if isinstance(error, RegistryError):
            for fault in error.faults:
                click.echo(f"  {fault_line(fault)}", err=True)
        sys.exit(1)
