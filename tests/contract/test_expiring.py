"""What every store of things that are remembered for a while promises: this process's, a file's and a table's."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pointsman.history.expiring import MOST_ITEMS, Expiring, MemoryExpiring
from pointsman.history.sqlite import SqliteHistory

from tests.conftest import MakeTable


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Expiring]:
    if request.param == "memory":
        yield MemoryExpiring()
    elif request.param == "sqlite":
        history = SqliteHistory(tmp_path / "expiring.db")
        yield history.expiring()
        history.close()
    else:
        make: MakeTable = request.getfixturevalue("aws")
        table = make()
        yield table.expiring()
        table.close()


def test_what_is_put_is_there_until_it_is_replaced_or_expires(store: Expiring, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.get("a") is None
    store.put("a", b"\x00one", 60)
    assert store.get("a") == b"\x00one"
    store.put("a", b"two", 60)
    assert (store.get("a"), store.get("b")) == (b"two", None)
    import time

    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    assert store.get("a") is None
    assert store.add("a", b"three", 60) is None
    assert store.get("a") == b"three"


def test_the_first_to_add_wins(store: Expiring) -> None:
    assert store.add("k", b"first", 60) is None
    assert store.add("k", b"second", 60) == b"first"
    assert store.get("k") == b"first"


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "expiring.db")
    store = history.expiring()
    found: list[bytes | None] = []
    threads = [threading.Thread(target=lambda i=i: found.append(store.add("k", b"%d" % i, 60))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(None) == 1
    assert len(set(found)) == 2
    history.close()


def test_a_process_remembers_the_latest_only() -> None:
    store = MemoryExpiring()
    for i in range(MOST_ITEMS + 5):
        store.put(str(i), b"x", 60)
    assert store.get("4") is None
    assert store.get("5") == b"x"


def test_a_file_gets_rid_of_what_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = SqliteHistory(tmp_path / "expiring.db")
    store = history.expiring()
    for i in range(30):
        store.put(str(i), b"x", 60)
    import time

    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    store.put("new", b"x", 60)
    store.put("newer", b"x", 60)
    count: Callable[[], int] = lambda: history._read("SELECT count(*) FROM expiring", ())[0][0]  # noqa: E731
    assert count() == 2
    history.close()


def test_a_decision_after_a_session_is_synced_to_the_disk_again(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "expiring.db")
    history.expiring().put("a", b"x", 60)
    assert history._writer.execute("PRAGMA synchronous").fetchone() == (1,)
    history.probe()
    assert history._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    history.close()
