"""The history on a laptop: one SQLite file in WAL mode.

One connection writes, under a lock; one reads. A commit is synced to disk before `append` returns, so a
decision that was acknowledged survives `kill -9` and a power cut. Summaries lie apart from bodies, sorted
by id, so a page costs the same however long the history is. Nothing waits longer than the deadline, and nothing is
written to a file that is no longer the one that was opened.
"""

import ctypes
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from pointsman.errors import HistoryUnavailable
from pointsman.history.base import (
    DEADLINE_S,
    FIRST_ID,
    LAST_ID,
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
    summary_of,
)
from pointsman.history.ids import timestamp
from pointsman.history.outcomes import merged, served
from pointsman.history.retention import Retention
from pointsman.history.sqlite_expiring import SqliteExpiring
from pointsman.history.sqlite_schema import MIGRATIONS, meaning, version_of
from pointsman.history.sqlite_watch import FileWatch

# What has expired is deleted in steps of so many decisions, one with an append when so many seconds have passed.
PURGE_STEP = 200
PURGE_EVERY_S = 60.0
READ_AT_ONCE = 200
_TABLES = {"bodies": "id", "selected": "decision_id", "outcomes": "decision_id", "summaries": "id"}


class SqliteHistory:
    """The history in one file. Safe to share between threads; several processes may open the same file."""

    def __init__(self, path: Path, retention_days: int = 0, *, deadline_s: float = DEADLINE_S) -> None:
        """Open or create the file and bring it up to date.

        Args:
            deadline_s: the longest that one operation waits for a connection and for other processes' locks.

        Raises:
            HistoryUnavailable: it cannot be created, read or written, or is not ours.
        """
        self.path = path
        self._deadline_s = deadline_s
        self._retention = Retention(retention_days)
        self._write_lock, self._read_lock = Lock(), Lock()
        self._lost: str | None = None
        self._purged = time.monotonic()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryUnavailable(f"{path}: cannot create its folder: {error.strerror}.", final=True) from None
        self._connections = ExitStack()
        self._watch: FileWatch | None = None
        try:
            with self._translated():
                self._writer = self._open()
                # Overwrite what is deleted with zeros, where the library was not built to do so.
                self._writer.execute("PRAGMA secure_delete = ON")
                # A file that is up to date is only read, so that a lock that passes stops no start.
                if version_of(self._writer, path, len(MIGRATIONS)) < len(MIGRATIONS):
                    self._migrate()
                self._reader = self._open()
                self._reader.execute("PRAGMA query_only = ON")
                rows = self._reader.execute("SELECT value FROM facts WHERE name = 'floor'").fetchall()
                self._kept_floor = rows[0][0] if rows else FIRST_ID
            self._watch = FileWatch(path)
        except BaseException:
            self.close()
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._deadline_s, isolation_level=None, check_same_thread=False)
        self._connections.callback(connection.close)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _migrate(self) -> None:
        with self._transaction() as db:
            version = version_of(db, self.path, len(MIGRATIONS))
            for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
                migration(db)
                db.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryUnavailable(f"{self.path}: {meaning(error)}") from None

    @contextmanager
    def _held(self, lock: Lock, until: float | None) -> Iterator[float]:
        """A lock, and the seconds that are left then; the file is still ours."""
        until = time.monotonic() + self._deadline_s if until is None else until
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise HistoryUnavailable(f"{self.path}: it is busy with other requests, or locked. Try again.", final=True)
        try:
            self._check_file()
            yield until - time.monotonic()
        finally:
            lock.release()

    def _check_file(self) -> None:
        """Raise HistoryUnavailable, now and ever after, once the file is not the one that was opened."""
        if self._lost is None and self._watch is not None:
            change = self._watch.change()
            if change is not None:
                self.give_up(
                    f"{change} while it was open. Nothing more is written to it. Restart to open what is there."
                )
        if self._lost is not None:
            raise HistoryUnavailable(f"{self.path}: {self._lost}", final=True, restart=True)

    def give_up(self, why: str) -> None:
        """Never touch the file again: it is damaged, or another than it was."""
        self._lost = why
        # Closing the last connection would write the log into whatever file is there now, and delete its log. So
        # these two are never closed, not even by the interpreter's end; the process's own end frees them.
        for connection in (self._writer, self._reader):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self._connections.pop_all()
        self._watch = None

    @contextmanager
    def _transaction(self, until: float | None = None, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """What is written in it is kept together, and on the disk when it ends, unless it need not be `durable`."""
        with self._held(self._write_lock, until) as left, self._translated():
            self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._writer.execute(f"PRAGMA busy_timeout = {max(1, int(left * 1000))}")
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
                if self._watch is not None:
                    self._watch.settle()
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def append(self, decision: Record, *, until: float | None = None) -> None:
        summary = orjson.dumps(summary_of(decision)).decode()
        body = body_of(decision).decode()
        expires_at = expiry(decision["id"], self._retention.days)
        key = decision["id"]
        with self._transaction(until) as db:
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
            if time.monotonic() - self._purged > PURGE_EVERY_S:
                self._purge_step(db)

    def page(self, limit: int, cursor: str | None = None, where: Filter | None = None) -> Page:
        where = where or Filter()
        source, key = "summaries s", "s.id"
        clauses: list[str] = []
        values: list[Any] = []
        if where.model is not None:
            # Walking the model's own index keeps a page of a rare model as cheap as any other.
            source, key = "selected m CROSS JOIN summaries s ON s.id = m.decision_id", "m.decision_id"
            clauses.append("m.model_id = ?")
            values.append(where.model)
        if where.config is not None:
            clauses.append("s.config = ?")
            values.append(where.config)
        low = self._floor()
        if where.since is not None:
            low = max(low, first_id(where.since))
        clauses += [f"{key} >= ?", "(s.expires_at IS NULL OR s.expires_at > ?)"]
        values += [low, int(time.time())]
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
        found = list(self._whole("s.id = ?", (decision_id,), 1)) if decision_id >= self._floor() else []
        if not found:
            raise no_such_decision(decision_id)
        return found[0]

    def decisions(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[dict[str, Any]]:
        last = max(self._floor(), first_id(since) if since else FIRST_ID)
        end = first_id(until) if until else LAST_ID
        operator = ">="
        while True:
            rows = list(self._whole(f"s.id {operator} ? AND s.id < ?", (last, end), READ_AT_ONCE))
            yield from rows
            if len(rows) < READ_AT_ONCE:
                return
            last, operator = rows[-1]["id"], ">"

    def _whole(self, where: str, values: tuple[Any, ...], limit: int) -> Iterator[dict[str, Any]]:
        """Bodies with their outcomes, oldest first, but for those that have expired."""
        rows = self._read(
            "SELECT b.body, (SELECT json_group_array(outcome) FROM (SELECT outcome FROM outcomes"
            " WHERE decision_id = s.id ORDER BY model_id))"
            " FROM summaries s JOIN bodies b ON b.id = s.id"
            f" WHERE {where} AND (s.expires_at IS NULL OR s.expires_at > ?) ORDER BY s.id LIMIT ?",
            (*values, int(time.time()), limit),
        )
        for body, outcomes in rows:
            yield {**orjson.loads(body), "outcomes": [orjson.loads(one) for one in orjson.loads(outcomes)]}

    def set_outcome(self, decision_id: str, model_id: str, outcome: Record, *, add: bool = False) -> dict[str, Any]:
        model_id = served(self.get(decision_id), model_id)
        kept = {**outcome, "model_id": model_id, "ts": timestamp(datetime.now(UTC))}
        with self._transaction() as db:
            if add:
                sql = "SELECT outcome FROM outcomes WHERE decision_id = ? AND model_id = ?"
                before = db.execute(sql, (decision_id, model_id)).fetchone()
                kept = merged(before and orjson.loads(before[0]), kept)
            db.execute(
                "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome",
                (decision_id, model_id, orjson.dumps(kept).decode()),
            )
        return self.get(decision_id)

    def delete(self, decision_ids: Sequence[str], note: Record) -> int:
        with self._transaction() as db:
            gone = _delete(db, decision_ids)
            if gone:
                _note(db, {**note, "decisions": gone})
        if gone:
            self._forget_text()
        return gone

    def note(self, note: Record) -> None:
        with self._transaction() as db:
            _note(db, note)

    def notes(self) -> list[dict[str, Any]]:
        return [orjson.loads(note) for (note,) in self._read("SELECT note FROM audit ORDER BY id DESC", ())]

    def purge(self) -> int:
        """Delete what is too old to be shown, in small steps between which others may write; how many went."""
        total = 0
        while True:
            with self._transaction() as db:
                gone = self._purge_step(db)
            total += gone
            if gone < PURGE_STEP:
                break
        if total:
            self._forget_text()
        return total

    def _purge_step(self, db: sqlite3.Connection) -> int:
        if not self._retention.trusted():
            return 0
        floor = self._floor()
        if floor > self._kept_floor:
            db.execute("INSERT OR REPLACE INTO facts VALUES ('floor', ?)", (floor,))
            self._kept_floor = floor
        old = db.execute("SELECT id FROM summaries WHERE id < ? LIMIT ?", (floor, PURGE_STEP)).fetchall()
        if not old:
            now = int(time.time())
            old = db.execute("SELECT id FROM summaries WHERE expires_at <= ? LIMIT ?", (now, PURGE_STEP)).fetchall()
        if len(old) < PURGE_STEP:
            self._purged = time.monotonic()
        return _delete(db, [decision_id for (decision_id,) in old])

    def _forget_text(self) -> None:
        """Move the log into the file and cut it: what was deleted is then overwritten in both."""
        with self._held(self._write_lock, None), self._translated():
            self._writer.execute("PRAGMA busy_timeout = 100")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def probe(self, *, until: float | None = None) -> None:
        with self._transaction(until) as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES ('probe', ?)", (timestamp(datetime.now(UTC)),))

    def expiring(self) -> SqliteExpiring:
        """What is remembered for a while, in the same file."""
        return SqliteExpiring(self._read, self._transaction)

    def check(self) -> None:
        """Read the whole file for damage; seconds for gigabytes, and nobody waits for it.

        Raises:
            HistoryUnavailable: it is damaged. It is not touched again.
        """
        self._check_file()
        with self._translated():
            other = sqlite3.connect(self.path, timeout=self._deadline_s, isolation_level=None)
            try:
                (found,) = other.execute("PRAGMA quick_check(1)").fetchone()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                found = str(error)
            finally:
                other.close()
        if found != "ok":
            self.give_up(f"the database is damaged ({found}). Restore it from a backup, or name another with --db.")
            self._check_file()

    def close(self) -> None:
        self._connections.close()
        if self._watch is not None:
            self._watch.close()

    def _floor(self) -> str:
        return max(self._kept_floor, self._retention.cutoff())

    def _read(self, sql: str, values: tuple[Any, ...], until: float | None = None) -> list[Any]:
        with self._held(self._read_lock, until), self._translated():
            return self._reader.execute(sql, values).fetchall()


def _delete(db: sqlite3.Connection, decision_ids: Sequence[str]) -> int:
    gone = 0
    for table, column in _TABLES.items():
        keys = [(decision_id,) for decision_id in decision_ids]
        gone = db.executemany(f"DELETE FROM {table} WHERE {column} = ?", keys).rowcount if keys else 0
    return gone


def _note(db: sqlite3.Connection, note: Record) -> None:
    db.execute("INSERT OR REPLACE INTO audit VALUES (?, ?)", (note["id"], orjson.dumps(note).decode()))
