"""Small things that are remembered for a while: sessions, and the keys of requests that may be retried.

A store of them is asked once and told once a request, and is never the reason that a request fails: its callers live
with any error and with its forgetting.
"""

import time
from collections import OrderedDict
from threading import Lock
from typing import Protocol

MOST_ITEMS = 10_000


class Expiring(Protocol):
    """Bytes by key, each with the seconds that it is kept. Any method may raise."""

    def get(self, key: str) -> bytes | None:
        """What is kept under a key; None where nothing is, or no longer."""

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep a value; it replaces what was there."""

    def add(self, key: str, value: bytes, ttl_s: int) -> bytes | None:
        """Keep a value where there is none yet, and give None; else what is there, which stays."""

    def close(self) -> None:
        """Let go of the store."""


class MemoryExpiring:
    """What this process remembers, the latest 10,000 of it."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            return self._live(key)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with self._lock:
            self._put(key, value, ttl_s)

    def add(self, key: str, value: bytes, ttl_s: int) -> bytes | None:
        with self._lock:
            found = self._live(key)
            if found is None:
                self._put(key, value, ttl_s)
            return found

    def close(self) -> None:
        self._items.clear()

    def _live(self, key: str) -> bytes | None:
        expires_at, value = self._items.get(key, (0.0, b""))
        return value if expires_at > time.time() else None

    def _put(self, key: str, value: bytes, ttl_s: int) -> None:
        self._items[key] = (time.time() + ttl_s, value)
        self._items.move_to_end(key)
        if len(self._items) > MOST_ITEMS:
            self._items.popitem(last=False)
