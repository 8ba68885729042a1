"""What is remembered for a while, in a table of the SQLite history.

A write is not synced to the disk: a power cut may cost a conversation its memory, and nothing else.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

# Nobody waits longer than this for a session.
PATIENCE_S = 0.1
PURGED_AT_ONCE = 20

Read = Callable[[str, tuple[Any, ...], float | None], list[Any]]
Transaction = Callable[[float | None, bool], AbstractContextManager[sqlite3.Connection]]


class SqliteExpiring:
    """The table `expiring`, by the connections of the history whose file it is in."""

    def __init__(self, read: Read, transaction: Transaction) -> None:
        """`read` and `transaction` are the history's own, with the time by which they give up."""
        self._read, self._transaction = read, transaction

    def get(self, key: str) -> bytes | None:
        sql = "SELECT value FROM expiring WHERE key = ? AND expires_at > ?"
        rows = self._read(sql, (key, time.time()), time.monotonic() + PATIENCE_S)
        return rows[0][0] if rows else None

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        now = time.time()
        with self._transaction(time.monotonic() + PATIENCE_S, False) as db:
            _purge(db, now)
            db.execute("INSERT OR REPLACE INTO expiring VALUES (?, ?, ?)", (key, value, now + ttl_s))

    def add(self, key: str, value: bytes, ttl_s: int) -> bytes | None:
        now = time.time()
        with self._transaction(time.monotonic() + PATIENCE_S, False) as db:
            _purge(db, now)
            sql = "INSERT INTO expiring VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            if db.execute(sql, (key, value, now + ttl_s)).rowcount:
                return None
            found: bytes
            (found,) = db.execute("SELECT value FROM expiring WHERE key = ?", (key,)).fetchone()
            return found

    def close(self) -> None:
        """The connections are the history's."""


def _purge(db: sqlite3.Connection, now: float) -> None:
    db.execute(
        "DELETE FROM expiring WHERE key IN (SELECT key FROM expiring WHERE expires_at <= ? LIMIT ?)",
        (now, PURGED_AT_ONCE),
    )
