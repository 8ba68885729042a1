"""How often a token may ask in a minute: a count a token and calendar minute, started anew with the next.

What it guarantees: of one counter, never more than the quota in any calendar minute, so at most twice the quota in any
sixty seconds. A counter in memory counts for its process; the one in a table counts for every copy of a function.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from pointsman.auth.access import Access
from pointsman.errors import TooManyRequests

# Counts a request of a name: False, and no count, where the quota of the minute is used up.
Count = Callable[[str, str, int], bool]


def check_quota(access: Access, count: Count, default: int = 0, now: datetime | None = None) -> None:
    """Count a request of a caller; `default` is the quota of tokens without one of their own, 0 none.

    Raises:
        TooManyRequests: the quota of this minute is used up.
    """
    quota = access.per_minute or default
    if not quota or access.name is None:
        return
    now = now or datetime.now(UTC)
    if not count(access.name, f"{now.astimezone(UTC):%Y-%m-%dT%H:%M}", quota):
        raise TooManyRequests(quota, 60 - now.second)


def counter_in_memory() -> Count:
    """A counter of this process; it forgets a minute when the next begins. Not for several threads."""
    minute = ""
    counts: dict[str, int] = {}

    def count(name: str, of_minute: str, quota: int) -> bool:
        nonlocal minute
        if of_minute != minute:
            minute = of_minute
            counts.clear()
        if counts.get(name, 0) >= quota:
            return False
        counts[name] = counts.get(name, 0) + 1
        return True

    return count
