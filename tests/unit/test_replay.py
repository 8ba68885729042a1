"""Replay: every line of a log that holds a decision is appended, or reported with its number."""

import csv
import io
import json
import logging
import random
from typing import Any

import pytest
from pointsman.history import append_or_log, replay
from pointsman.history.durable import EVENT, MOST_LINE_BYTES, log_lines
from pointsman.history.sqlite import SqliteHistory

from tests.conftest import MakeRouter


@pytest.fixture
def record(make_router: MakeRouter) -> dict[str, Any]:
    return {**make_router().decide('What is "1+1"? {"event": "x"}').to_dict(), "recorded": False}


def event(record: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": EVENT, "error": "the disk is full", "record": record, **more}


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def csv_line(*cells: str) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().strip()


def shapes(record: dict[str, Any]) -> dict[str, list[str]]:
    """How logs hold a decision."""
    plain = json.dumps(event(record))
    message = f"2026-01-01T00:00:00Z ERROR {plain}"
    return {
        "alone": [plain],
        "beside a logger's text": [f"2026 [E] {plain} (pid 7)"],
        "keys in another order": [json.dumps({"record": record, "error": "x", "event": EVENT})],
        "spaces as others write them": [json.dumps(event(record), indent=1).replace("\n", " ")],
        "no spaces": [json.dumps(event(record), separators=(",", ":"))],
        "braces and quotes before it": [f'{{not json}} "half {{"a": 1}} {plain}'],
        "within an object": [json.dumps({"level": "ERROR", "message": event(record), "n": 1})],
        "within an object's text": [json.dumps({"level": "ERROR", "message": message})],
        "text within text": [json.dumps({"log": json.dumps({"message": message}) + "\n", "stream": "stderr"})],
        "docker behind a prefix": ["svc-1  | " + json.dumps({"log": plain})],
        "an export": [json.dumps({"logEvents": [{"id": "1", "message": message}, {"id": "2", "message": "x"}]})],
        "an export over many lines": json.dumps({"events": [{"message": message}]}, indent=2).splitlines(),
        "a string of an export": [f'      "message": {json.dumps(message)},'],
        "a table": ["@timestamp,@message", csv_line("2026-01-01", message)],
        "tabs": [f"2026-01-01\tINFO\t{plain}\t-"],
        "a carriage return": [plain + "\r"],
    }


@pytest.mark.parametrize("shape", list(shapes({})))
def test_a_decision_is_found_however_a_log_holds_it(history: SqliteHistory, record: dict[str, Any], shape: str) -> None:
    lines = shapes(record)[shape]
    assert [(found.id, found.problem) for found in replay(history, lines)] == [(record["id"], None)]
    found = history.get(record["id"])
    assert {**found, "recorded": False} == {**record, "outcomes": []}


def test_several_records_on_a_line_are_all_taken(history: SqliteHistory, record: dict[str, Any]) -> None:
    many = [{**record, "id": f"01KAQ3V9ZC8M0Y6W2N4T7R5B{i:02d}"} for i in range(5)]
    line = "".join(json.dumps(event(one)) + " | " for one in many)
    assert [found.id for found in replay(history, [line])] == [one["id"] for one in many]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text, _: text[: len(text) // 2], "cut off"),
        (lambda text, _: text[:-1], "cut off"),
        (lambda text, _: json.dumps({"message": text})[: len(text) // 2], "cut off"),
        (lambda text, _: text.replace('"record"', '"rekord"'), "no JSON object"),
        (lambda _, record: json.dumps(event(without(record, "selected"))), "selected is missing"),
        (lambda _, record: json.dumps(event({**record, "id": "nonsense"})), "none of ours"),
        (lambda _, record: json.dumps(event({**record, "selected": [1]})), "not a list of names"),
        (lambda _, record: json.dumps(event({**record, "prompt": 7})), "prompt is not text"),
        (lambda _, record: json.dumps(event({**record, "strongest": None})), "strongest is not"),
        (lambda _, __: json.dumps({"event": EVENT}), "no JSON object"),
        (lambda _, __: json.dumps({"event": EVENT, "record": [1]}), "no JSON object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported_with_its_line_and_the_lines_after_it_are_taken(
    history: SqliteHistory, record: dict[str, Any], damage: Any, said: str
) -> None:
    good = {**record, "id": "01KAQ3V9ZC8M0Y6W2N4T7R5B1D"}
    lines = ["first", damage(json.dumps(event(record)), record), "", json.dumps(event(good))]
    bad, taken = replay(history, lines)
    assert (bad.line, bad.id) == (2, None)
    assert said in str(bad.problem)
    assert (taken.line, taken.id) == (4, good["id"])


def test_a_good_record_beside_a_damaged_one_is_taken(history: SqliteHistory, record: dict[str, Any]) -> None:
    plain = json.dumps(event(record))
    found = list(replay(history, [f"{plain} {plain[:-5]}"]))
    assert [one.id for one in found] == [record["id"], None]


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "something else"}',
        "somebody wrote decision_not_recorded in a sentence",
        json.dumps({"event": "x", "note": "see decision_not_recorded"}),
        "{" * 5000 + '"decision_not_recorded"',
    ],
)
def test_other_lines_are_passed_over(history: SqliteHistory, line: str) -> None:
    assert list(replay(history, [line])) == []


@pytest.mark.parametrize("character", ["x", "\x01", '"', "\\", "字", "🙂"])
def test_a_record_is_logged_in_lines_that_logs_take_and_comes_back_whole(
    history: SqliteHistory, record: dict[str, Any], character: str
) -> None:
    candidates = [{**record["candidates"][0], "model_id": f"acme/{i}-{hash(i)}"} for i in range(3000)]
    huge = {**record, "prompt": character * (65_536 // len(character.encode())), "candidates": candidates}
    lines = list(log_lines(huge, "the disk is full"))
    assert max(len(line.encode()) for line in lines) <= MOST_LINE_BYTES
    assert [found.id for found in replay(history, lines)] == [record["id"]]
    assert {**history.get(record["id"]), "recorded": False} == {**huge, "outcomes": []}


def test_parts_that_are_not_all_there_are_reported(history: SqliteHistory, record: dict[str, Any]) -> None:
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=600_000))
    lines = list(log_lines({**record, "prompt": noise}, "full"))
    assert len(lines) > 2
    found = list(replay(history, [*lines[1:], "other"]))
    assert [one.line for one in found] == list(range(1, len(lines)))
    assert all("the others are not in this log" in str(one.problem) for one in found)
    (whole,) = replay(history, reversed(lines))
    assert whole.id == record["id"]


def test_the_log_of_a_full_disk_is_one_that_can_be_replayed(
    history: SqliteHistory, record: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    pages = history._writer.execute("PRAGMA page_count").fetchone()[0]
    history._writer.execute(f"PRAGMA max_page_count = {pages}")
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        assert not append_or_log(history, {**record, "prompt": "\x01" * 65_000})
    history._writer.execute("PRAGMA max_page_count = 1000000")
    assert [found.id for found in replay(history, caplog.messages)] == [record["id"]]
