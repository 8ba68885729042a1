"""The ids of decisions: ULIDs, which sort by the time they were made."""

import secrets
from datetime import UTC, datetime
from threading import Lock

from ulid import ULID

# A clock that is set back by more than this is followed at once; by less, ids rise on from where they were.
MOST_AHEAD_MS = 1000
RANDOM_BITS = 80
MOST_MS = 2**48 - 1


class Ids:
    """ULIDs that rise strictly within a process, also within one millisecond, unless its clock is set back.

    The time of an id is never more than a second from the clock's, wherever the clock has been in between.
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, instant: datetime) -> str:
        """The id of a decision made at an instant (UTC)."""
        milliseconds = min(max(0, int(instant.timestamp() * 1000)), MOST_MS)
        fresh = milliseconds << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        with self._lock:
            ahead = (self._last >> RANDOM_BITS) - milliseconds
            self._last = self._last + 1 if 0 <= ahead <= MOST_AHEAD_MS else fresh
            return str(ULID.from_int(self._last))


def timestamp(instant: datetime) -> str:
    """An instant as ISO 8601 with milliseconds, such as 2026-11-22T23:31:48.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
