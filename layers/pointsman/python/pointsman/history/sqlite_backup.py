"""Copies of an SQLite history: made while it is served, checked before they are trusted, put in place of the file.

A copy is written beside its place and moved there whole, so an interrupted command leaves what was there before.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pointsman.errors import HistoryUnavailable
from pointsman.history.sqlite_schema import MIGRATIONS, meaning, version_of

# Where SQLite locks a file, from https://sqlite.org/fileformat2.html and os_unix.c: pending, reserved, shared.
_LOCK_BYTES = 0x40000000, 512
BUSY_S = 1.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a whole look at a history file found: how much is in it, and what is wrong with it."""

    decisions: int
    outcomes: int
    problems: tuple[str, ...]


def check(path: Path) -> Checked:
    """Read a history file whole: its pages, and whether its tables agree.

    Raises:
        HistoryUnavailable: there is no such file, or it is no history.
    """
    if not path.is_file():
        raise HistoryUnavailable(f"{path}: there is no such file.", final=True)
    with _opened(path) as db:
        if not version_of(db, path, len(MIGRATIONS)):
            raise HistoryUnavailable(f"{path}: an empty file, and no history.", final=True)
        problems = [str(found) for (found,) in db.execute("PRAGMA integrity_check(20)") if found != "ok"]
        decisions, outcomes = 0, 0
        if not problems:
            decisions = _one(db, "SELECT count(*) FROM summaries")
            outcomes = _one(db, "SELECT count(*) FROM outcomes")
            lost = _one(db, "SELECT count(*) FROM summaries WHERE id NOT IN (SELECT id FROM bodies)")
            unlisted = _one(db, "SELECT count(*) FROM bodies WHERE id NOT IN (SELECT id FROM summaries)")
            problems += [f"{lost} listed without their decision"] * bool(lost)
            problems += [f"{unlisted} decisions that no list shows"] * bool(unlisted)
        return Checked(decisions, outcomes, tuple(problems))


def backup(path: Path, target: Path) -> Checked:
    """Copy a history, also one that is served, to a new file; returns what is in the copy.

    Raises:
        HistoryUnavailable: it cannot be read or written, the target is there already, or the copy is damaged.
    """
    if target.exists():
        raise HistoryUnavailable(f"{target}: is there already. Name a new file.", final=True)
    if not path.is_file():
        raise HistoryUnavailable(f"{path}: there is no such file.", final=True)
    scratch = target.with_name(f"{target.name}.part")
    try:
        _copy(path, scratch)
        found = check(scratch)
        if found.problems:
            raise HistoryUnavailable(f"{path}: the database is damaged: {found.problems[0]}.", final=True)
        scratch.replace(target)
        _sync(target.parent)
    finally:
        _remove(scratch)
    return found


def restore(path: Path, source: Path) -> tuple[Checked, Path | None]:
    """Put a backup in place of a history that nobody has open; what was there is kept beside it.

    Raises:
        HistoryUnavailable: the backup is damaged or no history, or a server or a command has the file open.
    """
    found = check(source)
    if found.problems:
        raise HistoryUnavailable(f"{source}: the database is damaged: {found.problems[0]}. Nothing was changed.")
    scratch = path.with_name(f"{path.name}.part")
    kept = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, scratch)
        with _alone(path):
            if path.exists():
                kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
                os.link(path, kept)
            scratch.replace(path)
            for rest in ("-wal", "-shm"):
                Path(f"{path}{rest}").unlink(missing_ok=True)
            _sync(path.parent)
    except OSError as error:
        raise HistoryUnavailable(f"{path}: cannot be restored: {error.strerror}. Nothing was changed.") from None
    finally:
        _remove(scratch)
    return found, kept


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as db:
            yield db
    except sqlite3.Error as error:
        raise HistoryUnavailable(f"{path}: {meaning(error)}", final=True) from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a history file that nobody else has open, with its log moved into it.

    Every connection in WAL mode keeps a shared lock on the file, and leaving that mode needs it to be the only one.
    """
    if not path.exists():
        yield
        return
    served = HistoryUnavailable(f"{path}: a server or a command has it open. Stop it first; nothing was changed.")
    with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as db:
        try:
            db.execute("PRAGMA journal_mode = DELETE")
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "delete":
                raise served
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise served from None
            if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise HistoryUnavailable(f"{path}: {meaning(error)}", final=True) from None
            # SQLite makes nothing of it, which is why it is to be replaced; its locks can be asked for all the same.
            if _is_locked(path):
                raise served from None
        yield


def _is_locked(path: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: replacing an open file fails there anyway
        return False
    start, length = _LOCK_BYTES
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except OSError:
            return True
    return False


def _copy(source: Path, target: Path) -> None:
    _remove(target)
    with _opened(source) as db, _opened(target) as copy:
        db.backup(copy, pages=1000, sleep=0.01)
        # The copy stands alone, without a log of its own; a history that opens it turns the log on again.
        copy.execute("PRAGMA journal_mode = DELETE")
    _sync(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # folders of some systems cannot be synced
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for rest in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{rest}").unlink(missing_ok=True)


def _one(db: sqlite3.Connection, sql: str) -> int:
    count: int = db.execute(sql).fetchone()[0]
    return count
