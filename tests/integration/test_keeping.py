"""Keeping a history: copies and their way back, what retention hides, what is deleted on request, and what is noted."""

import gzip
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pointsman.cli.main import cli
from pointsman.errors import HistoryUnavailable, NotFound
from pointsman.history import Filter, History, erasure
from pointsman.history.base import DAY_S
from pointsman.history.durable import log_lines
from pointsman.history.dynamodb import DynamoHistory
from pointsman.history.erasure import Selection
from pointsman.history.ids import Ids, timestamp
from pointsman.history.sqlite import PURGE_STEP, SqliteHistory
from pointsman.history.sqlite_backup import backup, check, restore

from tests.conftest import MakeRouter, MakeTable

NOW = datetime.now(UTC)
SECRET = "the-secret-word-of-this-prompt"


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide(f"What is 1+1? {SECRET}").to_dict()


def made(decision: dict[str, Any], days_ago: float = 0, **changes: Any) -> dict[str, Any]:
    """The same decision as of some days ago."""
    instant = NOW - timedelta(days=days_ago)
    return {**decision, "id": Ids().next(instant), "ts": timestamp(instant), **changes}


def run(*arguments: str, **more: Any) -> Result:
    return CliRunner().invoke(cli, ["history", *arguments], **more)


def ids_in(store: History) -> set[str]:
    return {one["id"] for one in store.decisions()}


# Reopen: the same history with another retention, in days.
Reopen = Callable[[int], History]


@pytest.fixture(params=["sqlite", pytest.param("aws", id="dynamodb"), "dynalite"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Opens the same store, of every kind in turn, with one retention after another."""
    opened: list[History] = []

    def reopen(days: int) -> History:
        for store in opened:
            store.close()
        if request.param == "sqlite":
            opened.append(SqliteHistory(tmp_path / "kept.db", days))
        elif not opened:
            make: MakeTable = request.getfixturevalue(request.param)
            opened.append(make(days))
        else:
            first = opened[0]
            assert isinstance(first, DynamoHistory)
            store = DynamoHistory(first._table, days, endpoint=first._calls._endpoint, deadline_s=30)
            opened.append(store)
        return opened[-1]

    yield reopen
    for store in opened:
        store.close()


def test_a_lower_retention_hides_and_removes_and_a_higher_one_brings_nothing_back(
    reopened: Reopen, decision: dict[str, Any]
) -> None:
    store = reopened(0)
    kept = {days: made(decision, days) for days in (40, 20, 5, 1)}
    for one in kept.values():
        store.append(one)
    assert len(ids_in(store)) == 4

    def shown(store: History) -> list[int]:
        listed = {call["id"] for call in store.page(10).calls}
        opened = set()
        for one in kept.values():
            try:
                opened.add(store.get(one["id"])["id"])
            except NotFound:
                with pytest.raises(NotFound):
                    store.set_outcome(one["id"], one["selected"][0], {"completed": True})
            assert (one["id"] in listed) == (one["id"] in opened)
        assert listed == opened == ids_in(store)
        return sorted(days for days, one in kept.items() if one["id"] in listed)

    assert shown(reopened(30)) == [1, 5, 20]
    store = reopened(10)
    assert shown(store) == [1, 5]
    assert store.purge() == 2
    assert store.purge() == 0
    assert shown(reopened(30)) == [1, 5]
    assert shown(reopened(0)) == [1, 5]


def test_what_a_lower_retention_hid_stays_hidden_before_it_is_removed(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / "hidden.db"
    store = SqliteHistory(path, 30)
    for number in range(PURGE_STEP + 50):
        store.append(made(decision, 20 + number / 1000))
    young = made(decision, 1)
    store.append(young)
    store.close()
    store = SqliteHistory(path, 10)
    with store._transaction() as db:
        assert store._purge_step(db) == PURGE_STEP  # one step of two: the process ends in between
    store.close()
    store = SqliteHistory(path, 365)
    assert ids_in(store) == {young["id"]}
    assert store.purge() == 50
    store.close()


def test_time_alone_makes_a_served_history_delete_what_is_old(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteHistory(tmp_path / "aging.db", 10)
    old = made(decision, 9.9999)
    store.append(old)
    store.append(made(decision, 1))
    later = time.time() + 600  # an ordinary wait, which the monotonic clock sees as well
    started = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(time, "monotonic", lambda: started + 600)
    store.append(made(decision, 0))
    assert store._read("SELECT count(*) FROM bodies", ()) == [(2,)]
    store.close()


@pytest.mark.parametrize("how", ["delete", "purge"])
def test_deleted_text_is_in_no_file_any_more(tmp_path: Path, decision: dict[str, Any], how: str) -> None:
    path = tmp_path / "wiped.db"
    store = SqliteHistory(path, 10)
    old = made(decision, 9.99999 if how == "purge" else 1)
    store.append(old)
    for _ in range(20):
        store.append(made({**decision, "prompt": "another"}, 0))

    def everything() -> bytes:
        return b"".join(one.read_bytes() for one in tmp_path.glob("wiped.db*"))

    assert SECRET.encode() in everything()
    if how == "delete":
        store.delete([old["id"]], erasure.note("delete", Selection(decision_id=old["id"]), None))
    else:
        time.sleep(1.5)
        assert store.purge() == 1
    assert SECRET.encode() not in everything()
    store.close()


@pytest.fixture
def store(reopened: Reopen) -> History:
    return reopened(0)


def test_a_decision_that_is_deleted_is_gone_from_every_list_with_its_outcomes(
    store: History, decision: dict[str, Any]
) -> None:
    one, other = made(decision, 2), made(decision, 1)
    for each in (one, other):
        store.append(each)
    store.set_outcome(one["id"], one["selected"][0], {"completed": True})
    erasure.delete(store, one["id"], "admin")
    for where in (Filter(), Filter(config=one["config"]), Filter(model=one["selected"][0])):
        assert [call["id"] for call in store.page(10, None, where).calls] == [other["id"]]
    with pytest.raises(NotFound):
        store.get(one["id"])
    with pytest.raises(NotFound):
        erasure.delete(store, one["id"], "admin")
    store.append(one)
    assert store.get(one["id"])["outcomes"] == []


@pytest.mark.parametrize(
    ("selection", "gone"),
    [
        (Selection(caller="alice"), {0, 1}),
        (Selection(prompt_sha256=hashlib.sha256(b"two").hexdigest()), {2}),
        (Selection(since=NOW - timedelta(days=2.5)), {2, 3}),
        (Selection(until=NOW - timedelta(days=2.5)), {0, 1}),
        (Selection(since=NOW - timedelta(days=3.5), until=NOW - timedelta(days=1.5)), {1, 2}),
        (Selection(caller="alice", until=NOW - timedelta(days=3.5)), {0}),
        (Selection(caller="nobody"), set()),
    ],
)
def test_decisions_are_deleted_by_what_they_are_and_a_note_without_content_is_kept(
    store: History, decision: dict[str, Any], selection: Selection, gone: set[int]
) -> None:
    kept = [
        made(decision, 4, caller="alice"),
        made(decision, 3, caller="alice"),
        made(decision, 2, caller="bob", prompt_sha256=hashlib.sha256(b"two").hexdigest()),
        made(decision, 1, caller=None),
    ]
    for one in kept:
        store.append(one)
    assert erasure.delete_all(store, selection, "admin") == len(gone)
    assert ids_in(store) == {one["id"] for number, one in enumerate(kept) if number not in gone}
    (note,) = store.notes()
    assert (note["action"], note["by"], note["decisions"]) == ("delete", "admin", len(gone))
    assert note["selection"] == selection.told()
    assert SECRET not in json.dumps(note)


def test_everything_of_a_caller_is_handed_out_and_noted(store: History, decision: dict[str, Any]) -> None:
    kept = [made(decision, days, caller="alice" if days % 2 else "bob") for days in range(1, 8)]
    for one in kept:
        store.append(one)
    store.set_outcome(kept[0]["id"], kept[0]["selected"][0], {"completed": True, "score": 0.5})
    found = list(erasure.export(store, "alice", "admin"))
    assert [one["id"] for one in found] == [one["id"] for one in reversed(kept) if one["caller"] == "alice"]
    assert found[-1]["outcomes"][0]["score"] == 0.5
    (note,) = store.notes()
    assert (note["action"], note["decisions"], note["selection"]) == ("export", 4, {"caller": "alice"})


def test_a_delete_that_was_cut_off_can_be_run_again(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = aws()
    one = made(decision, 1)
    table.append(one)
    calls = table._calls.call
    for allowed in range(5):
        left = [allowed]

        def some(operation: str, *more: Any, left: list[int] = left, **parameters: Any) -> dict[str, Any]:
            if operation == "delete_item":
                left[0] -= 1
                if left[0] < 0:
                    raise HistoryUnavailable("cut off")
            return calls(operation, *more, **parameters)

        monkeypatch.setattr(table._calls, "call", some)
        with pytest.raises(HistoryUnavailable):
            erasure.delete(table, one["id"], None)
    monkeypatch.setattr(table._calls, "call", calls)
    erasure.delete(table, one["id"], None)
    left_items = [item for item in table._client.scan(TableName=table._table)["Items"] if item["pk"]["S"] != "audit"]
    assert left_items == []


def test_a_copy_is_made_while_the_history_is_written_and_is_whole(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / "history.db"
    store = SqliteHistory(path)
    for days in range(20):
        store.append(made(decision, days))
    store.set_outcome(store.page(1).calls[0]["id"], decision["selected"][0], {"completed": True})
    said = run("--db", str(path), "backup", str(tmp_path / "copy.db"))
    assert (said.exit_code, "20 decisions, 1 outcomes" in said.output) == (0, True)
    store.append(made(decision, 0))
    assert check(tmp_path / "copy.db").decisions == 20
    with pytest.raises(HistoryUnavailable, match="is there already"):
        backup(path, tmp_path / "copy.db")
    with pytest.raises(HistoryUnavailable, match="has it open"):
        restore(path, tmp_path / "copy.db")
    assert len(store.page(100).calls) == 21
    store.close()
    said = run("--db", str(path), "restore", str(tmp_path / "copy.db"))
    assert said.exit_code == 0
    store = SqliteHistory(path)
    assert len(store.page(100).calls) == 20
    store.close()
    (before,) = tmp_path.glob("history.db.before-*")
    assert check(before).decisions == 21


@pytest.mark.parametrize("content", [b"", b"no database " * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_history_can_be_restored_and_a_damaged_copy_cannot(
    tmp_path: Path, decision: dict[str, Any], content: bytes
) -> None:
    path, copy, bad = tmp_path / "history.db", tmp_path / "copy.db", tmp_path / "bad.db"
    store = SqliteHistory(path)
    store.append(made(decision))
    store.close()
    backup(path, copy)
    bad.write_bytes(content)
    with pytest.raises(HistoryUnavailable):
        restore(path, bad)
    assert check(path).decisions == 1
    path.write_bytes(content)
    restore(path, copy)
    assert check(path).decisions == 1
    assert not list(tmp_path.glob("*.part*"))


def test_check_finds_damage_and_says_what_to_do(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / "history.db"
    store = SqliteHistory(path)
    for _ in range(30):
        store.append(made({**decision, "prompt": "x" * 20_000}))
    store.close()
    assert run("--db", str(path), "check").output.endswith("30 decisions, 0 outcomes, no damage.\n")
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM bodies WHERE id IN (SELECT id FROM bodies LIMIT 1)")
    db.close()
    said = run("--db", str(path), "check")
    assert (said.exit_code, "1 listed without their decision" in said.output) == (1, True)
    with path.open("r+b") as file:
        file.seek(60_000)
        file.write(b"\xff" * 100_000)
    said = run("--db", str(path), "check")
    assert said.exit_code == 1


def test_commands_delete_export_and_say_what_was_done(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = str(tmp_path / "history.db")
    store = SqliteHistory(Path(path))
    for days in range(4):
        store.append(made(decision, days, caller="alice" if days else "bob"))
    store.close()
    lines = run("--db", path, "export", "--caller", "alice").output.splitlines()
    assert [json.loads(line)["caller"] for line in lines] == ["alice"] * 3
    assert "Say which" in run("--db", path, "delete").output
    refused = run("--db", path, "delete", "--caller", "alice", input="n\n")
    assert (refused.exit_code, "Delete 3 decisions?" in refused.output) == (1, True)
    assert run("--db", path, "delete", "--caller", "alice", "--yes").output == "3 decisions deleted.\n"
    notes = [json.loads(line) for line in run("--db", path, "audit").output.splitlines()]
    assert [note["action"] for note in notes] == ["delete", "export"]
    sha256 = hashlib.sha256(f"What is 1+1? {SECRET}".encode()).hexdigest()
    assert run("--db", path, "delete", "--sha256", sha256.upper(), "--yes").output == "1 decision deleted.\n"


def test_a_packed_log_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, decision: dict[str, Any]) -> None:
    log, path = tmp_path / "function.log.gz", str(tmp_path / "history.db")
    (line,) = log_lines(made(decision), "full")
    whole = gzip.compress(f"{line}\n".encode(), mtime=0) + gzip.compress(b"more" * 1000, mtime=0)
    log.write_bytes(whole[:-12])
    said = run("replay", str(log), "--db", path)
    assert said.exit_code == 1
    assert "1 decision of the log are in the history now" in said.output
    assert "function.log.gz: the file is damaged or cut off" in said.output


@pytest.mark.parametrize("packed", [False, True])
def test_replay_says_how_many_and_fails_where_one_could_not_be_read(
    tmp_path: Path, decision: dict[str, Any], packed: bool
) -> None:
    log, path = tmp_path / "function.log", str(tmp_path / "history.db")
    (line,) = log_lines(made(decision), "full")
    text = f"\ufeffstart\r\n\r\n{line[:-9]}\r\n{line}\r\n".encode()
    log.write_bytes(gzip.compress(text) if packed else text)
    said = run("replay", str(log), "--db", path)
    assert said.exit_code == 1
    assert "line 3: a decision that is cut off" in said.output
    assert "1 decision of the log are in the history now" in said.output
    assert DAY_S == 86_400
