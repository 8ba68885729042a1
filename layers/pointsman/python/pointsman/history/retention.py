"""Retention: how old a decision may be to be shown, the same for every store.

What was once too old stays hidden, whatever the setting becomes: a store keeps the highest id below which it has
hidden everything, its floor. A clock that jumped since the store was opened hides and deletes nothing for good.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from pointsman.history.base import FIRST_ID, first_id

MOST_JUMP_S = 3600.0

log = logging.getLogger("pointsman")


class Retention:
    """The retention of an open store, in days; 0 is for ever."""

    def __init__(self, days: int) -> None:
        self.days = days
        self._opened = time.time() - time.monotonic()

    def cutoff(self) -> str:
        """The lowest id that is young enough to be shown."""
        if not self.days:
            return FIRST_ID
        return first_id(datetime.fromtimestamp(time.time(), UTC) - timedelta(days=self.days))

    def trusted(self) -> bool:
        """Whether the clock has gone on evenly since the store was opened, so that deleting by it is right."""
        jump = abs(time.time() - time.monotonic() - self._opened)
        if jump > MOST_JUMP_S:
            log.warning("the clock jumped by %.0f s; nothing is deleted for its age until the next start", jump)
        return jump <= MOST_JUMP_S
