"""The ids of decisions: ULIDs, which sort by the time they were made."""

from datetime import UTC, datetime
from threading import Lock

from ulid import ULID


class Ids:
    """ULIDs that rise strictly within a process, also within one millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, instant: datetime) -> str:
        """The id of a decision made at an instant (UTC)."""
        fresh = int(ULID.from_datetime(instant))
        with self._lock:
            self._last = fresh if fresh >> 80 > self._last >> 80 else self._last + 1
            return str(ULID.from_int(self._last))


def timestamp(instant: datetime) -> str:
    """An instant as ISO 8601 with milliseconds, such as 2026-11-22T23:31:48.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
