"""`pointsman history backup`, `restore`, `check`, `replay`, `purge`, `delete`, `export` and `audit`."""

import getpass
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from pointsman.cli.options import check_one_store, history_of, instant_given, named_store, print_json
from pointsman.errors import HistoryUnavailable
from pointsman.text_in import lines_of

if TYPE_CHECKING:
    from pointsman.history.sqlite_backup import Checked

Named = tuple[Path | None, str | None]
GZIP = b"\x1f\x8b"


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@named_store
def backup(named: Named, target: Path) -> None:
    """Copy the history to a new FILE, also while it is served; the copy is checked."""
    from pointsman.history.sqlite_backup import backup as copied

    path = _file_of(named)
    click.echo(f"{target}: {_told(copied(path, target))}, copied from {path}.")


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@named_store
def restore(named: Named, source: Path) -> None:
    """Put a backup FILE in place of the history, which nobody may have open; what was there is kept beside it."""
    from pointsman.history.sqlite_backup import restore as restored

    path = _file_of(named)
    found, kept = restored(path, source)
    click.echo(f"{path}: {_told(found)}, restored from {source}.")
    if kept is not None:
        click.echo(f"What was there before is {kept}.", err=True)


@click.command()
@named_store
def check(named: Named) -> None:
    """Read the whole file for damage; the exit code is 1 where there is any. Of a table: whether it can be written."""
    from pointsman.history.sqlite_backup import check as checked

    if _table_of(named):
        store = history_of(*named)
        store.probe()
        store.close()
        click.echo("The table can be reached and written.")
        return
    path = _file_of(named)
    found = checked(path)
    for problem in found.problems:
        click.echo(f"{path}: {problem}", err=True)
    if found.problems:
        click.echo("It is damaged. Restore it from a backup: pointsman history restore FILE.", err=True)
        sys.exit(1)
    click.echo(f"{path}: {_told(found)}, no damage.")


@click.command()
@click.argument("log", type=click.File("rb"))
@named_store
def replay(named: Named, log: BinaryIO) -> None:
    """Append the decisions that a LOG kept when the store was gone; none is stored twice.

    The log may be plain, compressed with gzip, or an export of CloudWatch (JSON or CSV). A line that holds a decision
    that cannot be read is reported with its number, and the exit code is 1 then.
    """
    from pointsman.history import replay as append_all

    store = history_of(*named)
    count, failed = 0, 0
    torn: str | None = None
    try:
        for found in append_all(store, _lines(log)):
            if found.problem is None:
                count += 1
            else:
                failed += 1
                click.echo(f"line {found.line}: {found.problem}", err=True)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        torn = str(error).rstrip(".")
    finally:
        store.close()
        click.echo(f"{count} decision{'' if count == 1 else 's'} of the log are in the history now.")
    if failed:
        click.echo(f"{failed} could not be read and {'is' if failed == 1 else 'are'} not.", err=True)
    if torn is not None:
        click.echo(f"{log.name}: the file is damaged or cut off: {torn}. What stands before that was read.", err=True)
    if failed or torn is not None:
        sys.exit(1)


@click.command()
@named_store
def purge(named: Named) -> None:
    """Delete what is older than POINTSMAN_RETENTION_DAYS now, instead of in the course of time."""
    store = history_of(*named)
    gone = store.purge()
    store.close()
    click.echo(f"{gone} decision{'' if gone == 1 else 's'} deleted.")


@click.command()
@click.option("--id", "decision_id", help="The decision with this id.")
@click.option("--caller", help="Decisions of this caller.")
@click.option("--sha256", help="Decisions for the prompt with this sha256.")
@click.option("--since", help="From this time on: a date or a time (UTC where no zone is given).")
@click.option("--until", help="Before this time.")
@click.option("--yes", is_flag=True, help="Delete without being asked.")
@named_store
def delete(
    named: Named,
    decision_id: str | None,
    caller: str | None,
    sha256: str | None,
    since: str | None,
    until: str | None,
    yes: bool,
) -> None:
    """Delete the decisions for which all that is given holds, with their outcomes; a note of it is kept."""
    from pointsman.history.asking import decision_id_of
    from pointsman.history.erasure import Selection, delete_all

    known = decision_id_of(decision_id) if decision_id is not None else None
    hashed = sha256.strip().lower() if sha256 is not None else None
    selection = Selection(known, caller, hashed, instant_given("--since", since), instant_given("--until", until))
    if not selection:
        raise click.UsageError("Say which: --id, --caller, --sha256, --since or --until.")
    store = history_of(*named)
    if not yes:
        count = sum(1 for _ in selection.of(store))
        click.confirm(f"Delete {count} decision{'' if count == 1 else 's'}? It cannot be undone", abort=True, err=True)
    gone = delete_all(store, selection, getpass.getuser())
    store.close()
    click.echo(f"{gone} decision{'' if gone == 1 else 's'} deleted.")


@click.command()
@click.option("--caller", required=True, help="The caller whose decisions are written.")
@named_store
def export(named: Named, caller: str) -> None:
    """Write every decision of a caller with its outcomes to standard output, as JSONL; a note of it is kept."""
    from pointsman.history.erasure import export as exported

    store = history_of(*named)
    for decision in exported(store, caller, getpass.getuser()):
        print_json(decision, indent=None)
    store.close()


@click.command()
@named_store
def audit(named: Named) -> None:
    """Print the notes of deletions and exports as JSONL, newest first."""
    store = history_of(*named)
    for note in store.notes():
        print_json(note, indent=None)
    store.close()


COMMANDS = (backup, restore, check, replay, purge, delete, export, audit)


def _table_of(named: Named) -> str | None:
    from pointsman.settings import load_settings

    check_one_store(*named)
    return load_settings(db=named[0], table=named[1]).table


def _file_of(named: Named) -> Path:
    from pointsman.settings import load_settings

    if _table_of(named):
        raise HistoryUnavailable("A table is backed up and restored by AWS: point-in-time recovery. Name a file: --db.")
    return load_settings(db=named[0]).db


def _told(found: "Checked") -> str:
    return f"{found.decisions:,} decision{'' if found.decisions == 1 else 's'}, {found.outcomes:,} outcomes"


def _lines(log: BinaryIO) -> Iterator[str]:
    """The lines of a log with their blanks, so that numbers count as editors do; unpacked where it is packed."""
    packed = log.peek(2)[:2] == GZIP if hasattr(log, "peek") else False
    stream: Any = gzip.GzipFile(fileobj=log) if packed else log
    last = 0
    for number, line in lines_of(stream):
        yield from [""] * (number - last - 1)
        last = number
        yield line.decode(errors="replace")
