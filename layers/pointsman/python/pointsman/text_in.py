"""Text that comes in as bytes: UTF-8 whatever the locale says, with or without a byte-order mark, with any line ends.

Every command and reader takes its text through here, so that the same bytes mean the same everywhere.
"""

import os
from collections.abc import Iterable, Iterator

from pointsman.errors import MalformedRequest

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def text_of(raw: bytes, where: str) -> str:
    """Bytes as text, without a byte-order mark.

    Raises:
        MalformedRequest: they are not UTF-8; names `where`, the byte and its place, from 1.
    """
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte {raw[error.start]:#04x} at {error.start + 1:,}"
        raise MalformedRequest(f"{where}: not UTF-8: {found}. Save or send the text as UTF-8.") from None


def prompt_of(raw: bytes, where: str) -> str:
    """A whole file or stream as one prompt; line ends are `\\n`, as editors show them. Raises MalformedRequest."""
    return text_of(raw, where).replace("\r\n", "\n")


def argument_of(argument: str, where: str) -> str:
    """An argument of the command line as the bytes it was typed as, read as UTF-8. Raises MalformedRequest."""
    return text_of(os.fsencode(argument), where) if os.name == "posix" else argument


def lines_of(stream: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of a stream that are not blank, with their numbers from 1; neither mark nor line end is part of one.

    A line is not decoded here: one that is not UTF-8 is then one line that cannot be read, and no more.
    """
    for number, line in enumerate(stream, start=1):
        line = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip(b"\r\n")
        if line.strip():
            yield number, line
