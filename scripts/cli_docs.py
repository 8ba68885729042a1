"""`make docs`: docs/cli.md from the commands' own help, so that the two never disagree."""

from collections.abc import Iterator
from pathlib import Path

import click
from pointsman.cli.main import cli

TARGET = Path(__file__).resolve().parent.parent / "docs/cli.md"
HEADER = """# The command line

Written by `make docs` from the commands' own `--help`; a test fails where the two differ.

Settings that are not options are environment variables; `docs/settings.md` lists them.
"""


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every command below this one, with its help."""
    # With the settings of a real run: click keeps the help option it made first.
    context = click.Context(command, info_name=" ".join(path), terminal_width=100, **cli.context_settings)
    yield " ".join(path), command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from commands(command.commands[name], (*path, name))


def document() -> str:
    """The text of docs/cli.md."""
    sections = (f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in commands(cli, ("pointsman",)))
    return HEADER + "\n" + "\n".join(sections)


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
