"""CSV and TSV, read a record at a time: each is the object that the same line of JSONL would be.

The header names the fields; a comma, a tab or a semicolon separates them, whichever makes the needed names appear.
An empty cell is not known. Cells may be quoted and then hold line breaks, which are kept as they are.
"""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from artifacts_build.datasets.lines import line_that_is_not_utf8, open_file
from artifacts_build.datasets.values import name_of
from artifacts_build.errors import DatasetError

SEPARATORS = (",", "\t", ";")
SUFFIXES = (".csv", ".tsv", ".tab")
MOST_CELL_CHARACTERS = 64 * 2**20


def is_separated(path: Path, needed: Sequence[str]) -> bool:
    """Whether a file is CSV or TSV: by its name, or by a header with a name that is needed."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with open_file(path) as stream:
        header = stream.readline(65_536).decode("utf-8-sig", errors="replace")
    return any(set(needed) & set(_names(header, separator)) for separator in SEPARATORS)


def read_separated(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a CSV or TSV file with the numbers of their first lines, from 1; blank lines are passed over.

    Raises:
        DatasetError: it cannot be read, is not UTF-8, lacks a column, or a record has too few or too many cells.
    """
    with open_file(path) as raw:
        if (line := line_that_is_not_utf8(path)) is not None:
            raise DatasetError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.")
        first = raw.readline().decode("utf-8-sig")
        raw.seek(0)
        separator = max(SEPARATORS, key=lambda one: len(set(needed) & set(_names(first, one))))
        csv.field_size_limit(MOST_CELL_CHARACTERS)
        with TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream:
            yield from _records(stream, separator, path, needed)


def read_table(
    path: Path, needed: Sequence[str], filled: Sequence[str], once: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a small file with their places.

    Raises:
        DatasetError: as `read_separated`, or a cell of `filled` is empty, or two have the same cell of `once`.
    """
    seen = set()
    for line, record in read_separated(path, needed):
        place = f"{path}:{line}"
        if empty := [name for name in filled if not (record[name] or "").strip()]:
            raise DatasetError(f"{place}: {', '.join(empty)}: it is empty. Fill it in or leave the line out.")
        if once is not None:
            if record[once] in seen:
                raise DatasetError(f"{place}: {once}: {record[once]!r} is there twice. Keep one line.")
            seen.add(record[once])
        yield place, record


def _records(
    stream: TextIOWrapper, separator: str, path: Path, needed: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(stream, delimiter=separator, strict=True)
    names: list[str] | None = None
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not any(cells):
                continue
            if names is None:
                names = _checked_header([name_of(cell) for cell in cells], f"{path}:{line}", needed)
                continue
            if len(cells) != len(names):
                raise DatasetError(
                    f"{path}:{line}: {len(cells)} cells, where the header has {len(names)}. "
                    "Mend the line; a cell that holds a separator or a line break is written in quotes."
                )
            yield line, {name: cell if cell else None for name, cell in zip(names, cells, strict=True)}
    except csv.Error as error:
        raise DatasetError(f"{path}:{end + 1}: not CSV: {error}. Mend the line.") from None


def _checked_header(names: list[str], place: str, needed: Sequence[str]) -> list[str]:
    if lacking := [name for name in needed if name not in names]:
        raise DatasetError(
            f"{place}: the column {', '.join(lacking)} is missing; there are {', '.join(names[:20])}. Add it."
        )
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise DatasetError(f"{place}: the column {twice[0]!r} is there twice. Keep one.")
    return names


def _names(header: str, separator: str) -> list[str]:
    try:
        return [name_of(cell) for cell in next(csv.reader([header], delimiter=separator), [])]
    except csv.Error:
        return []
