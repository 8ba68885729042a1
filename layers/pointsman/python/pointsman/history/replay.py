"""Reading back what the log kept: every line that holds a decision is appended, or reported with its number.

A log is read as people find it: a record beside a logger's own text, several on a line, within the JSON of a log
message or of an export (CloudWatch's, also as CSV), in parts, cut off. A decision that is there already stays as it is.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from ulid import ULID

from pointsman.history.base import History
from pointsman.history.durable import EVENT, PART

# An event of ours, however deep its quotes are escaped: by backslashes in JSON, doubled in CSV.
_OURS = re.compile(rf"""\\*"+event\\*"+\s*:\s*\\*"+({EVENT}(?:_part)?)\\*"+""")
_MOST_STARTS, _DEEPEST = 2000, 40
# What a decision must have to be listed and opened; later fields may be missing from earlier decisions.
_NEEDED: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "ts": str,
    "config": str,
    "selected": list,
    "candidates": list,
    "expected_quality": (int, float),
    "reason": str,
    "strongest": dict,
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision of the log that is in the history now; or, with `problem`, one that is not, and why."""

    line: int
    id: str | None
    problem: str | None = None


def replay(history: History, lines: Iterable[str]) -> Iterator[Replayed]:
    """Append the decisions of a log's lines, and say of each what became of it; other lines are passed over.

    Raises:
        HistoryUnavailable: the store refuses; what was given so far is stored, and all may be replayed again.
    """
    parts: dict[str, dict[int, tuple[int, Mapping[str, Any]]]] = {}
    for number, found in events_of(lines):
        if isinstance(found, str):
            yield Replayed(number, None, found)
        elif found["event"] == PART:
            complete = _with_part(parts, number, found)
            if complete is not None:
                yield _appended(history, number, complete)
        else:
            yield _appended(history, number, found.get("record"))
    for decision_id, have in parts.items():
        for _, (number, part) in sorted(have.items()):
            problem = (
                f"part {part['part']} of {part['parts']} of decision {decision_id}; the others are not in this log"
            )
            yield Replayed(number, None, problem)


def events_of(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The events of ours in a log, each with the number of its line; text for what looks like one and is none.

    A log that is one JSON document over many lines, as exports are, is read whole; its events count as its lines.
    """
    first: list[str] = []
    rest = iter(enumerate(lines, start=1))
    for number, line in rest:
        if (number == 1 and line.strip() in ("{", "[")) or first:
            first.append(line)
            continue
        for found in _found_in(line):
            yield number, found
    if first:
        try:
            events = list(_events_in(json.loads("\n".join(first)), 0))
            yield from enumerate(events, start=1)
        except (ValueError, RecursionError):
            for number, line in enumerate(first, start=1):
                for found in _found_in(line):
                    yield number, found


def _appended(history: History, line: int, record: object) -> Replayed:
    problem = _incomplete(record)
    if problem is not None or not isinstance(record, dict):
        return Replayed(line, None, f"an incomplete record: {problem}")
    history.append({"prompt": None, "caller": None, "cost": None, **record, "recorded": True})
    return Replayed(line, record["id"])


def _incomplete(record: object) -> str | None:
    """What a record lacks to be a decision."""
    if not isinstance(record, dict):
        return "it is no JSON object"
    for name, kind in _NEEDED.items():
        if name not in record:
            return f"{name} is missing"
        if not isinstance(record[name], kind):
            return f"{name} is not what it should be"
    if not all(isinstance(name, str) for name in record["selected"]):
        return "selected is not a list of names"
    if not isinstance(record.get("prompt"), str | None):
        return "prompt is not text"
    try:
        ULID.from_str(record["id"])
    except ValueError:
        return f"id {record['id'][:40]!r} is none of ours"
    return None


def _with_part(parts: dict[str, dict[int, tuple[int, Mapping[str, Any]]]], line: int, part: Mapping[str, Any]) -> Any:
    """The record, once all of its parts were seen."""
    have = parts.setdefault(str(part["id"]), {})
    have[part["part"]] = line, part
    if len(have) < part["parts"]:
        return None
    del parts[str(part["id"])]
    text = "".join(one["data"] for _, (_, one) in sorted(have.items()))
    try:
        return orjson.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, zlib.error, ValueError):
        return "parts that do not fit together"


def _found_in(line: str) -> Iterator[Mapping[str, Any] | str]:
    """The events of ours in a line; for what looks like one and cannot be read, what is wrong with it."""
    if EVENT not in line or not _OURS.search(line):
        return
    spans: list[tuple[int, int]] = []
    for start, end, document in _documents(line):
        events = list(_events_in(document, 0))
        yield from events or ["a decision that cannot be read"]
        spans.append((start, end))
    rest = _outside(line, spans)
    if not _OURS.search(rest):
        return
    # What is left may be within text: a string of JSON without its object, or a cell of CSV.
    strings = [text for text in _strings(rest) if _OURS.search(text)]
    if '""event""' in rest:
        strings = [rest.replace('""', '"')]
    for text in strings:
        events = list(_found_in(text))
        yield from events or ["a decision that cannot be read"]
    if not strings:
        yield "a decision that is cut off or is not JSON"


def _documents(line: str) -> Iterator[tuple[int, int, Any]]:
    """The JSON objects in a line that hold an event of ours, and where they are."""
    decoder = json.JSONDecoder()
    position = tried = 0
    while tried < _MOST_STARTS:
        start = line.find("{", position)
        if start < 0:
            return
        position = start + 1
        if not re.match(r'\s*"', line[position : position + 64]):
            continue
        tried += 1
        try:
            document, end = decoder.raw_decode(line, start)
        except (ValueError, RecursionError):
            continue
        if _OURS.search(line, start, end):
            yield start, end, document
        position = end


def _events_in(value: Any, depth: int) -> Iterator[Mapping[str, Any] | str]:
    """The events within a JSON value, also those within its texts."""
    if isinstance(value, dict):
        if value.get("event") == EVENT or (value.get("event") == PART and _is_part(value)):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list) and depth < _DEEPEST:
        for one in value:
            yield from _events_in(one, depth + 1)
    elif isinstance(value, str) and depth < _DEEPEST and _OURS.search(value):
        yield from _found_in(value)


def _is_part(value: Mapping[str, Any]) -> bool:
    numbers = value.get("part"), value.get("parts")
    whole = all(isinstance(number, int) and number > 0 for number in numbers)
    return whole and isinstance(value.get("data"), str) and isinstance(value.get("id"), str)


def _outside(line: str, spans: Iterable[tuple[int, int]]) -> str:
    kept, position = [], 0
    for start, end in spans:
        kept.append(line[position:start])
        position = end
    return "".join([*kept, line[position:]])


def _strings(text: str) -> Iterator[str]:
    """The JSON strings of a text, read from the left."""
    position = 0
    while (start := text.find('"', position)) >= 0:
        try:
            value, position = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start + 1
            continue
        if isinstance(value, str):
            yield value
