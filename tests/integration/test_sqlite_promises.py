"""What the SQLite history promises of its file: what is synced, who waits how long, and what is kept until when."""

import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import pytest
from pointsman.errors import HistoryUnavailable, NotFound
from pointsman.history import Filter
from pointsman.history import sqlite as module
from pointsman.history.base import DAY_S
from pointsman.history.ids import Ids, timestamp
from pointsman.history.sqlite import READ_AT_ONCE, SqliteHistory
from pointsman.history.sqlite_schema import MIGRATIONS

from tests.conftest import MakeRouter

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)
FULL, NORMAL = 2, 1


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide("What is 1+1?").to_dict()


def at(decision: dict[str, Any], instant: datetime, **changes: Any) -> dict[str, Any]:
    return {**decision, "id": Ids().next(instant), "ts": timestamp(instant), **changes}


def setting(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_decision_is_synced_before_it_is_acknowledged_and_a_session_need_not_be(history: SqliteHistory) -> None:
    with history._transaction() as db:
        assert setting(db, "synchronous") == FULL
    with history._transaction(None, False) as db:
        assert setting(db, "synchronous") == NORMAL
    with history._transaction() as db:
        assert setting(db, "synchronous") == FULL


def test_the_file_is_a_log_written_ahead_whose_deleted_text_is_overwritten(history: SqliteHistory) -> None:
    for connection in (history._writer, history._reader):
        assert setting(connection, "journal_mode") == "wal"
        assert setting(connection, "synchronous") == FULL
    assert setting(history._writer, "secure_delete") == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        history._reader.execute("DELETE FROM bodies")


def test_a_new_file_has_every_migration_and_an_older_one_gets_the_rest(
    tmp_path: Path, decision: dict[str, Any]
) -> None:
    for number in range(len(MIGRATIONS) + 1):
        path = tmp_path / "folder" / str(number) / "history.db"
        path.parent.mkdir(parents=True)
        with sqlite3.connect(path) as db:
            for migration in MIGRATIONS[:number]:
                migration(db)
            db.execute(f"PRAGMA user_version = {number}")
        db.close()
        store = SqliteHistory(path)
        assert setting(store._writer, "user_version") == len(MIGRATIONS)
        store.append(decision)
        store.note({"id": "a"})
        store.expiring().put("k", b"v", 60)
        assert (store.get(decision["id"])["id"], store.notes()) == (decision["id"], [{"id": "a"}])
        store.close()


def test_a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_said(tmp_path: Path) -> None:
    SqliteHistory(tmp_path / "new" / "newer" / "history.db").close()
    SqliteHistory(tmp_path / "new" / "newer" / "other.db").close()
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "history.db"
    with pytest.raises(HistoryUnavailable) as raised:
        SqliteHistory(path)
    assert raised.value.detail == f"{path}: cannot create its folder: File exists."
    assert raised.value.final


def test_who_waits_too_long_behind_others_is_told_so_and_keeps_nothing_waiting(
    history: SqliteHistory, decision: dict[str, Any]
) -> None:
    past = time.monotonic() - 1
    said = f"{history.path}: it is busy with other requests, or locked. Try again."
    uses: list[tuple[Lock, Callable[[float], object]]] = [
        (history._write_lock, lambda until: history.append(decision, until=until)),
        (history._write_lock, lambda until: history.probe(until=until)),
        (history._read_lock, lambda until: history._read("SELECT 1", (), until)),
    ]
    for lock, use in uses:
        with lock, pytest.raises(HistoryUnavailable) as raised:
            use(past)
        assert (raised.value.detail, raised.value.final) == (said, True)
        # The lock was given back by who held it, and by nobody else.
        assert not lock.locked()
        # Nobody is in the way: what is late already is done at once.
        use(past)
    assert history.get(decision["id"])["id"] == decision["id"]
    # Who may wait longer than the history usually does, waits.
    history._deadline_s = 0
    for lock, use in uses:
        lock.acquire()
        release = Timer(0.1, lock.release)
        release.start()
        use(time.monotonic() + 30)
        release.join()


def test_a_lock_is_given_back_when_a_write_fails(history: SqliteHistory, decision: dict[str, Any]) -> None:
    def fail() -> None:
        with history._transaction() as db:
            db.execute("INSERT INTO audit VALUES ('a', '{}')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert history.notes() == []
    history.append(decision)


def test_another_processs_lock_is_waited_for_as_long_as_there_is_time(tmp_path: Path) -> None:
    store = SqliteHistory(tmp_path / "history.db", deadline_s=7)
    with store._transaction() as db:
        assert 6000 < setting(db, "busy_timeout") <= 7000
    with store._transaction(time.monotonic() + 3) as db:
        assert 2000 < setting(db, "busy_timeout") <= 3000
    with store._transaction(time.monotonic() - 3) as db:
        assert setting(db, "busy_timeout") == 1
    assert setting(store._reader, "busy_timeout") == 7000
    store.close()


def test_what_expires_is_kept_to_its_last_second_and_what_never_does_for_ever(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = int(NOW.timestamp()) - 100
    one = at(decision, datetime.fromtimestamp(made, UTC) + timedelta(milliseconds=400))
    forever, for_a_day = SqliteHistory(tmp_path / "forever.db"), SqliteHistory(tmp_path / "day.db", 1)
    for store in (forever, for_a_day):
        store.append(one)
    # A reader without a retention of its own sees what the writer's was.
    for_a_day.close()
    reader = SqliteHistory(tmp_path / "day.db")

    def shown(store: SqliteHistory, second: int) -> list[int]:
        monkeypatch.setattr(time, "time", lambda: float(second))
        listed = [len(store.page(10, None, where).calls) for where in (Filter(), Filter(model=one["selected"][0]))]
        try:
            return [*listed, len(list(store.decisions())), len([store.get(one["id"])])]
        except NotFound:
            return [*listed, len(list(store.decisions())), 0]

    assert shown(reader, made + DAY_S - 1) == [1, 1, 1, 1]
    assert shown(reader, made + DAY_S) == [0, 0, 0, 0]
    assert shown(forever, made + 1000 * DAY_S) == [1, 1, 1, 1]
    for store in (reader, forever):
        store.close()


def test_an_append_deletes_what_is_too_old_once_a_minute_and_no_more(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch, passed: Callable[[float], None]
) -> None:
    store = SqliteHistory(tmp_path / "aging.db", 10)

    def kept_after(seconds: float) -> int:
        passed(seconds)
        store.append(at(decision, NOW))
        return int(store._read("SELECT count(*) FROM summaries", ())[0][0])

    store.append(at(decision, NOW - timedelta(days=20)))
    assert kept_after(60) == 2
    assert kept_after(61) == 2  # one more, and the old one gone
    store.append(at(decision, NOW - timedelta(days=20)))
    assert kept_after(120) == 4
    assert kept_after(122) == 4
    # What one step does not take is taken by the next decisions, without another minute.
    monkeypatch.setattr(module, "PURGE_STEP", 3)
    for _ in range(7):
        store.append(at(decision, NOW - timedelta(days=20)))
    assert [kept_after(seconds) for seconds in (183, 183, 183, 183)] == [9, 7, 7, 8]
    store.close()


def test_what_has_expired_goes_though_the_history_is_now_kept_for_ever(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteHistory(tmp_path / "once.db", 1)
    store.append(at(decision, NOW - timedelta(hours=23)))
    store.append(at(decision, NOW))
    store.close()
    later = time.time() + 2 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    store = SqliteHistory(tmp_path / "once.db")
    assert (store.purge(), store.purge()) == (1, 0)
    assert len(list(store.decisions())) == 1
    store.close()


def test_old_decisions_go_in_steps_and_are_counted(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PURGE_STEP", 3)
    path = tmp_path / "steps.db"
    store = SqliteHistory(path)
    for number in range(7):
        store.append(at(decision, NOW - timedelta(days=20, minutes=number)))
    young = at(decision, NOW)
    store.append(young)
    store.set_outcome(young["id"], young["selected"][0], {"completed": True})
    store.close()
    store = SqliteHistory(path, 10)
    steps: list[int] = []
    step = store._purge_step

    def counted(db: sqlite3.Connection) -> int:
        steps.append(step(db))
        return steps[-1]

    monkeypatch.setattr(store, "_purge_step", counted)
    assert store.purge() == 7
    assert steps == [3, 3, 1]
    assert [one["id"] for one in store.decisions()] == [young["id"]]
    assert len(store.get(young["id"])["outcomes"]) == 1
    assert store.purge() == 0
    store.close()


def test_every_decision_is_read_once_oldest_first_and_between_two_instants(
    history: SqliteHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert READ_AT_ONCE > 1
    monkeypatch.setattr(module, "READ_AT_ONCE", 3)
    kept = [at(decision, START + timedelta(minutes=minute)) for minute in range(7)]
    for one in reversed(kept):
        history.append(one)
    ids = [one["id"] for one in kept]

    def read(since: int | None = None, until: int | None = None) -> list[str]:
        bounds = [None if one is None else START + timedelta(minutes=one) for one in (since, until)]
        return [one["id"] for one in history.decisions(*bounds)]

    assert read() == ids
    assert read(since=2) == ids[2:]
    assert read(until=3) == ids[:3]
    assert read(1, 6) == ids[1:6]
    assert read(3, 3) == []


def test_what_is_deleted_is_counted_and_noted_and_what_was_not_there_is_not(
    history: SqliteHistory, decision: dict[str, Any]
) -> None:
    kept = [at(decision, START + timedelta(minutes=minute)) for minute in range(3)]
    for one in kept:
        history.append(one)
    history.set_outcome(kept[0]["id"], kept[0]["selected"][0], {"completed": True})
    absent = Ids().next(START)
    assert history.delete([kept[0]["id"], absent, kept[1]["id"]], {"id": "b", "by": "admin"}) == 2
    assert history.delete([absent], {"id": "c"}) == 0
    assert history.delete([], {"id": "d"}) == 0
    assert history.notes() == [{"id": "b", "by": "admin", "decisions": 2}]
    for table in ("summaries", "bodies"):
        assert history._read(f"SELECT id FROM {table}", ()) == [(kept[2]["id"],)]
    assert {row[0] for row in history._read("SELECT decision_id FROM selected", ())} == {kept[2]["id"]}
    assert history._read("SELECT count(*) FROM outcomes", ()) == [(0,)]


def test_notes_are_read_newest_first_and_one_of_the_same_id_is_replaced(history: SqliteHistory) -> None:
    for note in ({"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "a", "n": 3}):
        history.note(note)
    assert history.notes() == [{"id": "b", "n": 2}, {"id": "a", "n": 3}]


@pytest.mark.usefixtures("in_tokyo")
def test_what_an_outcome_adds_stands_beside_what_was_known_of_it(
    history: SqliteHistory, decision: dict[str, Any]
) -> None:
    history.append(decision)
    model = decision["selected"][0]
    before = timestamp(datetime.now(UTC))
    history.set_outcome(decision["id"], model, {"completed": True, "score": None, "output_tokens": 7}, add=True)
    found = history.set_outcome(decision["id"], model, {"completed": None, "score": 0.5}, add=True)
    (outcome,) = found["outcomes"]
    assert before <= outcome.pop("ts") <= timestamp(datetime.now(UTC))
    assert outcome == {"model_id": model, "completed": True, "score": 0.5, "output_tokens": 7}
    (outcome,) = history.set_outcome(decision["id"], model, {"completed": False})["outcomes"]
    assert (outcome["completed"], outcome.get("score")) == (False, None)


def test_a_probe_writes_when_it_was_made(history: SqliteHistory) -> None:
    before = timestamp(datetime.now(UTC))
    history.probe()
    ((made,),) = history._read("SELECT value FROM facts WHERE name = 'probe'", ())
    assert before <= made <= timestamp(datetime.now(UTC))


def test_a_whole_file_passes_its_check_and_a_damaged_one_is_not_touched_again(
    tmp_path: Path, decision: dict[str, Any]
) -> None:
    path = tmp_path / "checked.db"
    store = SqliteHistory(path)
    for minute in range(50):
        store.append(at(decision, START + timedelta(minutes=minute), prompt="x" * 20_000))
    store.check()
    store.append(decision)
    store.close()
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(b"\xff" * 200_000)
    store = SqliteHistory(path)
    for use in (store.check, store.check, lambda: store.append(decision), lambda: store.page(1)):
        with pytest.raises(HistoryUnavailable) as raised:
            use()
        said = raised.value.detail
        assert said.startswith(f"{path}: the database is damaged (")
        assert said.endswith("). Restore it from a backup, or name another with --db.")
        assert (raised.value.final, raised.value.restart) == (True, True)
    assert store.path == path
    store.close()
    store.close()


class Failing(sqlite3.Connection):
    """A connection to a file that fails as it says."""

    error = sqlite3.DatabaseError("bad page")

    def execute(self, *_: Any) -> sqlite3.Cursor:
        raise self.error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT_VTAB])
def test_a_file_that_cannot_even_be_checked_is_damaged(
    history: SqliteHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    Failing.error.sqlite_errorcode = code
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
    for use in (history.check, lambda: history.append(decision)):
        with pytest.raises(HistoryUnavailable) as raised:
            use()
        assert raised.value.detail == (
            f"{history.path}: the database is damaged (bad page). Restore it from a backup, or name another with --db."
        )


def test_a_file_that_is_only_locked_is_not_taken_for_damaged(
    history: SqliteHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing.error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
    with pytest.raises(HistoryUnavailable, match="another process holds it locked"):
        history.check()
    # Nor is one of which the library says no more than a word.
    monkeypatch.setattr(Failing, "error", sqlite3.DatabaseError("odd"))
    with pytest.raises(HistoryUnavailable, match=r"SQLite says: odd\."):
        history.check()
    history.append(decision)


def test_the_connections_of_a_file_that_was_given_up_are_never_closed(tmp_path: Path) -> None:
    """Closing them would write their log into whatever file is there now."""
    store = SqliteHistory(tmp_path / "given_up.db")
    connections = (store._writer, store._reader)
    held = [sys.getrefcount(one) for one in connections]
    callbacks = 1  # the stack that would have closed each of them lets it go
    store.give_up("it is another file")
    assert [sys.getrefcount(one) for one in connections] == [one - callbacks + 1 for one in held]
    store.close()
    assert [one.execute("SELECT 1").fetchone() for one in connections] == [(1,), (1,)]


def test_a_newer_history_is_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(HistoryUnavailable) as raised:
        SqliteHistory(path)
    assert raised.value.detail.startswith(f"{path}: a newer Pointsman")
