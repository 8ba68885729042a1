"""The tables of the SQLite history, and how a file of an earlier version gets them.

Migrations are numbered from 1; `user_version` says how many a file has. Only ever append to the list.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from pointsman.errors import HistoryUnavailable


def _m001_decisions(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE summaries (id TEXT PRIMARY KEY, config TEXT NOT NULL, expires_at INTEGER,"
        " summary TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX summaries_by_config ON summaries (config, id)")
    db.execute("CREATE INDEX summaries_by_expiry ON summaries (expires_at) WHERE expires_at IS NOT NULL")
    db.execute("CREATE TABLE bodies (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
    db.execute(
        "CREATE TABLE selected (model_id TEXT NOT NULL, decision_id TEXT NOT NULL,"
        " PRIMARY KEY (model_id, decision_id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX selected_by_decision ON selected (decision_id)")
    db.execute(
        "CREATE TABLE outcomes (decision_id TEXT NOT NULL, model_id TEXT NOT NULL, outcome TEXT NOT NULL,"
        " PRIMARY KEY (decision_id, model_id)) WITHOUT ROWID"
    )


def _m002_kept_facts_and_audit(db: sqlite3.Connection) -> None:
    # `floor`: the id below which retention has hidden everything, for good. `probe`: when writing last worked.
    db.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
    db.execute("CREATE TABLE audit (id TEXT PRIMARY KEY, note TEXT NOT NULL) WITHOUT ROWID")


def _m003_expiring(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE expiring (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX expiring_by_expiry ON expiring (expires_at)")


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _m001_decisions,
    _m002_kept_facts_and_audit,
    _m003_expiring,
]


def version_of(db: sqlite3.Connection, path: Path, known: int) -> int:
    """How many migrations a file has.

    Raises:
        HistoryUnavailable: a newer Pointsman made it, or another program.
    """
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > known:
        raise HistoryUnavailable(
            f"{path}: a newer Pointsman made this history (version {version}, this one knows "
            f"{known}). Upgrade, or name another file with --db.",
            final=True,
        )
    if not version and db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise HistoryUnavailable(f"{path}: an SQLite file of another program. Name another file with --db.", final=True)
    return version


def meaning(error: sqlite3.Error) -> str:
    """What an SQLite error means and what to do about it, in one sentence each."""
    # The low byte is the primary code; errors of the module itself have none.
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    known = {
        sqlite3.SQLITE_READONLY: "it is read-only. Make it and its folder writable, or name another with --db.",
        sqlite3.SQLITE_BUSY: "another process holds it locked. End that process, or name another with --db.",
        sqlite3.SQLITE_LOCKED: "another process holds it locked. End that process, or name another with --db.",
        sqlite3.SQLITE_FULL: "the disk is full. Free some space; what was not stored is in the log.",
        sqlite3.SQLITE_NOTADB: "not an SQLite database. Name another file with --db.",
        sqlite3.SQLITE_CORRUPT: "the database is damaged. Restore it from a backup, or name another with --db.",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Check that it is a file and that its folder is writable.",
        sqlite3.SQLITE_PERM: "access is denied. Check its permissions.",
    }
    return known.get(primary, f"SQLite says: {error}.")
