"""Times that a person or a program writes: an ISO 8601 date, or a date and a time of RFC 3339, and nothing else; and
the time it is.

What looks like a number is no time: `2027` is not 2,027 seconds after 1970. A time without a zone is UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

# What time it is, with a zone.
Clock = Callable[[], datetime]

HOW = "Write a date or a time such as 2027-01-31 or 2027-01-31T08:30:00Z (in an address, a + is %2B)."

_INSTANT = re.compile(r"(\d{4})(-\d\d-\d\d)([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


def instant_of(text: str) -> datetime:
    """The instant that a text says, with its zone.

    Raises:
        ValueError: it says none.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError("neither a date nor a time of RFC 3339")
    if found[1] == "0000":
        # A year of ISO 8601 that Python lacks; the last one like it is checked in its place.
        datetime.fromisoformat(f"0004{text[4:]}".upper())
        return datetime.min.replace(tzinfo=UTC)
    read = datetime.fromisoformat(text.upper())
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)
