"""What the commands share: their common options, and how they open stores and print JSON."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.errors import Fault, RequestError

if TYPE_CHECKING:
    from pointsman.history import History
    from pointsman.registry import Registry

FOLDER = click.Path(path_type=Path)

artifact_option = click.option("--artifact", type=FOLDER, help="Artifact folder. [default: the bundled one]")
registry_option = click.option("--registry", type=FOLDER, help="Registry folder. [default: the bundled one]")
db_option = click.option("--db", type=FOLDER, help="SQLite file of the history. [default: in your data folder]")
table_option = click.option("--table", help="DynamoDB table, in place of a file. [default: POINTSMAN_TABLE]")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def named_store(command: Callable[..., None]) -> Callable[..., None]:
    """A command of a group that takes --db and --table, which may stand before or after its own name.

    It is given them as its first argument.
    """

    @wraps(command)
    def given(above: tuple[Path | None, str | None], /, *_: Any, **options: Any) -> None:
        own = options.pop("db"), options.pop("table")
        command(above if own == (None, None) else own, **options)

    return db_option(table_option(click.pass_obj(given)))


def check_one_store(db: Path | None, table: str | None) -> None:
    if db is not None and table is not None:
        raise click.UsageError("Give --db or --table, not both.")


def history_of(db: Path | None, table: str | None) -> "History":
    """The store that the options name, else the one of the settings."""
    from pointsman.compose import open_history
    from pointsman.settings import load_settings

    check_one_store(db, table)
    return open_history(load_settings(db=db, table=table))


def recording_history_of(db: Path | None, table: str | None) -> "History":
    """The same for a command that answers in any case: a store that cannot be opened gives its decisions to the log."""
    from pointsman.errors import HistoryUnavailable

    try:
        return history_of(db, table)
    except HistoryUnavailable as error:
        from pointsman.history.durable import Unopened

        return Unopened(error)


def instant_given(option: str, text: str | None) -> datetime | None:
    """The time that an option says; None where it says none. Raises RequestError."""
    from pointsman.instants import HOW, instant_of

    if text is None:
        return None
    try:
        return instant_of(text)
    except ValueError:
        raise RequestError(f"{option} {text!r}: neither a date nor a time. {HOW}") from None


def place_of(db: Path | None, table: str | None) -> str:
    """Where `history_of` looks, in words."""
    from pointsman.settings import load_settings

    settings = load_settings(db=db, table=table)
    return f"the table {settings.table}" if settings.table else str(settings.db)


def registry_of(folder: Path | None) -> "Registry":
    from pointsman.registry import load_registry
    from pointsman.settings import load_settings

    return load_registry(load_settings(registry=folder).registry)


def print_json(document: Any, indent: int | None = 2) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=indent))


def fault_line(fault: Fault) -> str:
    """A fault as one line: where, what, and what to do."""
    value = "" if fault.value is None else f" (found {fault.value!r})"
    return f"{fault.field}: {fault.message}{value}. {fault.remedy}"
