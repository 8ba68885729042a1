"""The records of a large JSON document, one at a time, from a stream that is read once.

The document is an object whose `records` is a list, or a list itself. What is held in memory is one record and a
buffer, however long the document is.
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from artifacts_build.errors import DatasetError

CHUNK = 1 << 20
SPACE = " \t\n\r\ufeff"
LIST = "records"


class JsonRecords:
    """Iterate over it once; `head` then holds the document's other fields."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self.head: dict[str, Any] = {}
        self._stream, self._path = stream, path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text, self._at, self._line, self._end = "", 0, 1, False
        self._count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        opening = self._next()
        if opening == "[":
            yield from self._list()
        elif opening == "{":
            yield from self._object()
        else:
            raise self._fault("neither an object nor a list")
        if self._peek():
            raise self._fault("more text behind the document")

    def _object(self) -> Iterator[dict[str, Any]]:
        found = False
        while self._peek() != "}":
            key = self._value()
            if not isinstance(key, str) or self._next() != ":":
                raise self._fault("expected a field")
            if key == LIST and not found:
                found = True
                if self._next() != "[":
                    raise self._fault(f"{LIST} is not a list")
                yield from self._list()
            else:
                self.head[key] = self._value()
            if self._peek() == ",":
                self._next()
            elif self._peek() != "}":
                raise self._fault("expected , or }")
        self._next()
        if not found:
            raise self._fault(f"there is no list {LIST!r}")

    def _list(self) -> Iterator[dict[str, Any]]:
        while self._peek() != "]":
            record = self._value()
            self._count += 1
            if not isinstance(record, dict):
                raise self._fault("not an object")
            yield record
            if self._peek() == ",":
                self._next()
            elif self._peek() != "]":
                raise self._fault("expected , or ]")
        self._next()

    def _peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read(CHUNK):
                return ""

    def _next(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _value(self) -> Any:
        """The next value; more is read, twice as much each time, until it is there whole."""
        if not self._peek():
            raise self._fault("the document is cut off")
        size = CHUNK
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._fault("nested too deeply") from None
            except ValueError as error:
                if not self._read(size):
                    raise self._fault(f"not JSON, or cut off: {error}") from None
            else:
                # A number that touches the end of the buffer may go on behind it.
                if end < len(self._text) or not self._read(size):
                    self._at = end
                    return value
            size *= 2

    def _read(self, size: int) -> bool:
        """Read more; False at the end of the stream."""
        if self._end:
            return False
        raw = self._stream.read(size)
        self._end = not raw
        self._line += self._text.count("\n", 0, self._at)
        try:
            more = self._decoder.decode(raw, final=self._end)
        except UnicodeDecodeError as error:
            before = self._text[self._at :] + raw[: error.start].decode("utf-8", "ignore")
            self._line += before.count("\n")
            self._text, self._at = "", 0
            raise self._fault("not UTF-8. Save the file as UTF-8") from None
        self._text, self._at = self._text[self._at :] + more, 0
        return True

    def _fault(self, message: str) -> DatasetError:
        line = self._line + self._text.count("\n", 0, self._at)
        return DatasetError(f"{self._path}:{line}: record {self._count + 1}: {message}. Mend or fetch the file again.")
