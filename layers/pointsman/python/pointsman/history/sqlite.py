"""The history on a laptop: one SQLite file in WAL mode.

One connection writes, under a lock; one reads. A commit is synced to disk before `append` returns, so a
decision that was acknowledged survives `kill -9` and a power cut. Summaries lie apart from bodies, sorted
by id, so a page costs the same however long the history is.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from pointsman.errors import HistoryUnavailable
from pointsman.history.base import (
    Filter,
    Page,
    Record,
    body_of,
    decode_cursor,
    encode_cursor,
    expiry,
    first_id,
    listed_under,
    no_such_decision,
    served,
    summary_of,
)
from pointsman.history.ids import timestamp

BUSY_S = 1.0
PURGE_EVERY = 1000


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


# Numbered from 1; `user_version` says how many a file has. Only ever append to this list.
MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_m001_decisions]


class SqliteHistory:
    """The history in one file. Safe to share between threads; several processes may open the same file."""

    def __init__(self, path: Path, retention_days: int = 0) -> None:
        """Open or create the file and bring it up to date.

        Raises:
            HistoryUnavailable: it cannot be created, read or written, or is not ours.
        """
        self._path = path
        self._retention_days = retention_days
        self._appends = 0
        self._write_lock, self._read_lock = Lock(), Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryUnavailable(f"{path}: cannot create its folder: {error.strerror}.") from None
        self._connections = ExitStack()
        try:
            with self._translated():
                self._writer = self._open()
                self._migrate()
                self._reader = self._open()
                self._reader.execute("PRAGMA query_only = ON")
            self.purge()
        except BaseException:
            self.close()
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._connections.callback(connection.close)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _migrate(self) -> None:
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise HistoryUnavailable(
                    f"{self._path}: a newer Pointsman made this history (version {version}, this one knows "
                    f"{len(MIGRATIONS)}). Upgrade, or name another file with --db."
                )
            if not version and db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
                raise HistoryUnavailable(
                    f"{self._path}: an SQLite file of another program. Name another file with --db."
                )
            for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
                migration(db)
                db.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryUnavailable(f"{self._path}: {_meaning(error)}") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def append(self, decision: Record) -> None:
        summary = orjson.dumps(summary_of(decision)).decode()
        body = body_of(decision).decode()
        expires_at = expiry(decision["id"], self._retention_days)
        key = decision["id"]
        with self._transaction() as db:
            inserted = db.execute(
                "INSERT OR IGNORE INTO summaries VALUES (?, ?, ?, ?)",
                (key, decision["config"], expires_at, summary),
            )
            if inserted.rowcount:
                db.execute("INSERT INTO bodies VALUES (?, ?)", (key, body))
                db.executemany(
                    "INSERT INTO selected VALUES (?, ?)",
                    [(name, key) for name in listed_under(decision)],
                )
        self._appends += 1
        if self._retention_days and self._appends % PURGE_EVERY == 0:
            self.purge()

    def page(self, limit: int, cursor: str | None = None, where: Filter | None = None) -> Page:
        where = where or Filter()
        clauses = ["(s.expires_at IS NULL OR s.expires_at > ?)"]
        values: list[Any] = [int(time.time())]
        source, key = "summaries s", "s.id"
        if where.model is not None:
            # Walking the model's own index keeps a page of a rare model as cheap as any other.
            source, key = "selected m CROSS JOIN summaries s ON s.id = m.decision_id", "m.decision_id"
            clauses.append("m.model_id = ?")
            values.append(where.model)
        if where.config is not None:
            clauses.append("s.config = ?")
            values.append(where.config)
        if where.since is not None:
            clauses.append(f"{key} >= ?")
            values.append(first_id(where.since))
        if where.until is not None:
            clauses.append(f"{key} < ?")
            values.append(first_id(where.until))
        if cursor is not None:
            clauses.append(f"{key} < ?")
            values.append(decode_cursor(cursor))
        sql = f"SELECT s.summary FROM {source} WHERE {' AND '.join(clauses)} ORDER BY {key} DESC LIMIT ?"
        rows = self._read(sql, (*values, limit + 1))
        calls = [orjson.loads(summary) for (summary,) in rows[:limit]]
        return Page(calls, encode_cursor(calls[-1]["id"]) if len(rows) > limit else None)

    def get(self, decision_id: str) -> dict[str, Any]:
        rows = self._read(
            "SELECT b.body FROM bodies b JOIN summaries s ON s.id = b.id"
            " WHERE b.id = ? AND (s.expires_at IS NULL OR s.expires_at > ?)",
            (decision_id, int(time.time())),
        )
        if not rows:
            raise no_such_decision(decision_id)
        outcomes = self._read("SELECT outcome FROM outcomes WHERE decision_id = ? ORDER BY model_id", (decision_id,))
        return {**orjson.loads(rows[0][0]), "outcomes": [orjson.loads(outcome) for (outcome,) in outcomes]}

    def set_outcome(self, decision_id: str, model_id: str, outcome: Record) -> dict[str, Any]:
        model_id = served(self.get(decision_id), model_id)
        kept = {**outcome, "model_id": model_id, "ts": timestamp(datetime.now(UTC))}
        with self._transaction() as db:
            db.execute(
                "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome",
                (decision_id, model_id, orjson.dumps(kept).decode()),
            )
        return self.get(decision_id)

    def purge(self) -> None:
        """Delete what has expired."""
        gone = "(SELECT id FROM summaries WHERE expires_at <= ?)"
        now = int(time.time())
        with self._transaction() as db:
            db.execute(f"DELETE FROM bodies WHERE id IN {gone}", (now,))
            db.execute(f"DELETE FROM selected WHERE decision_id IN {gone}", (now,))
            db.execute(f"DELETE FROM outcomes WHERE decision_id IN {gone}", (now,))
            db.execute("DELETE FROM summaries WHERE expires_at <= ?", (now,))

    def close(self) -> None:
        self._connections.close()

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with self._read_lock, self._translated():
            return self._reader.execute(sql, values).fetchall()


def _meaning(error: sqlite3.Error) -> str:
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
