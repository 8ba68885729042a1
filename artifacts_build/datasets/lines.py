"""JSON by lines, and the fields of a record, with errors that name the file and the line.

A file is read in one pass and never held whole.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, overload

import orjson
from pointsman.errors import shortened
from tqdm import tqdm

from artifacts_build.datasets.values import number_of
from artifacts_build.errors import DatasetError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def open_file(path: Path) -> BinaryIO:
    """Open a file to read it.

    Raises:
        DatasetError: there is none, it is a folder or empty, or it may not be read.
    """
    try:
        if path.is_dir():
            raise DatasetError(f"{path}: a folder, where a file is expected. Name the file in it.")
        stream = path.open("rb")
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file. Check the path.") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    if not stream.peek(1):
        stream.close()
        raise DatasetError(f"{path}: the file is empty. Name the file that holds the data.")
    return stream


def read_lines(path: Path, what: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file with their line numbers, from 1; blank lines are passed over.

    Raises:
        DatasetError: the file cannot be read; a line is not UTF-8, not JSON, or not an object.
    """
    with (
        open_file(path) as stream,
        tqdm(total=path.stat().st_size, desc=what or path.name, unit="B", unit_scale=True, disable=None) as bar,
    ):
        yield from lines_of(stream, str(path), bar)


def lines_of(stream: BinaryIO, path: str, bar: "tqdm[Any] | None" = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same for a stream that is open already."""
    for number, line in enumerate(stream, start=1):
        if bar is not None:
            bar.update(len(line))
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.strip():
            yield number, parse_object(line, f"{path}:{number}")


def parse_object(raw: bytes, place: str) -> dict[str, Any]:
    """One JSON object. Raises DatasetError that starts with `place`."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = _parse_slowly(raw, place)
    if not isinstance(found, dict):
        raise DatasetError(f"{place}: {shortened(raw.decode().strip())} is not a JSON object. Write one object a line.")
    return found


def _parse_slowly(raw: bytes, place: str) -> Any:
    """What the fast parser refused: NaN and the like are for the checks of values, the rest is said by its kind."""
    try:
        found = json.loads(raw.decode("utf-8"))
        json.dumps(found, ensure_ascii=False).encode()
        return found
    except UnicodeEncodeError:
        raise DatasetError(f"{place}: a lone surrogate is not valid Unicode. Mend the text.") from None
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{place}: not UTF-8: byte {raw[error.start]:#04x} at {error.start + 1}. Save the file as UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        cut = "" if raw.endswith(b"\n") else " The file may be cut off."
        raise DatasetError(f"{place}: not JSON: {error}. Mend the line.{cut}") from None


@overload
def text_field(record: Mapping[str, Any], name: str, place: str) -> str: ...
@overload
def text_field(record: Mapping[str, Any], name: str, place: str, missing: str) -> str: ...
def text_field(record: Mapping[str, Any], name: str, place: str, missing: str | None = None) -> str:
    """A text, or a whole number as text; `missing` for null or nothing, an error where there is no such default."""
    value = record.get(name)
    if value is None and missing is not None:
        return missing
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or (missing is None and not value.strip()):
        raise DatasetError(f"{place}: {name}: {_found(record, name)}; expected text. Add it or leave the row out.")
    return value


def number_field(
    record: Mapping[str, Any],
    name: str,
    place: str,
    missing: Literal["nan", "refuse"] = "nan",
    default: float = math.nan,
) -> float:
    """A number, also written as text; true and false are 1 and 0. Null or nothing is `default`, or an error."""
    value = record.get(name)
    if isinstance(value, str):
        number = number_of(value)
        value = value if number is None else None if math.isnan(number) else number
    if value is None and missing == "nan":
        return default
    if not isinstance(value, int | float):
        raise DatasetError(f"{place}: {name}: {_found(record, name)}; expected a number. Mend it or leave the row out.")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _found(record: Mapping[str, Any], name: str) -> str:
    if name not in record:
        return "the field is missing"
    value = record[name]
    if isinstance(value, str) and not value.strip():
        return "it is empty"
    return "it is null" if value is None else f"found {shortened(repr(value))}"


def line_that_is_not_utf8(path: Path) -> int | None:
    """The first line of a file that is not UTF-8, from 1; None where all are."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None
