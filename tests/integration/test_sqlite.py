"""The SQLite file: what survives a crash, and what is said when the file cannot be used."""

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pointsman.errors import HistoryUnavailable
from pointsman.history import Filter, append_or_log, replay
from pointsman.history import sqlite as module
from pointsman.history.base import DAY_S
from pointsman.history.sqlite import SqliteHistory
from pointsman.history.sqlite_schema import MIGRATIONS

from tests.conftest import ROOT, MakeRouter

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from pointsman.history.ids import Ids
from pointsman.history.sqlite import SqliteHistory
from datetime import UTC, datetime
import json
history, ids = SqliteHistory(Path(sys.argv[1])), Ids()
decision = json.loads(sys.argv[2])
while True:
    decision["id"] = ids.next(datetime.now(UTC))
    history.append(decision)
    print(decision["id"], flush=True)
"""


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide("What is 1+1?").to_dict()


def test_every_acknowledged_decision_survives_kill_9(tmp_path: Path, decision: dict[str, Any]) -> None:
    path, acknowledged = tmp_path / "killed.db", []
    for _ in range(3):
        code = WRITER.format(root=str(ROOT))
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(path), json.dumps(decision)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(40):
            acknowledged.append(writer.stdout.readline().strip())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()
        # A last line may be cut in the pipe; whole lines were acknowledged.
        acknowledged += [line for line in rest.split("\n")[:-1] if line]
        writer.wait()
        writer.stdout.close()
    history = SqliteHistory(path)
    for decision_id in acknowledged:
        assert history.get(decision_id)["id"] == decision_id
    history.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_many_threads_lose_nothing(history: SqliteHistory, decision: dict[str, Any]) -> None:
    def write(worker: int) -> None:
        for i in range(25):
            history.append({**decision, "id": f"01KAQ3V9ZC8M0Y6W2N4T7{worker:02d}{i:03d}"})
            history.page(5)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(history.page(1000).calls) == 200


def test_two_processes_may_share_a_file(tmp_path: Path, decision: dict[str, Any]) -> None:
    one, two = SqliteHistory(tmp_path / "shared.db"), SqliteHistory(tmp_path / "shared.db")
    one.append(decision)
    assert two.get(decision["id"])["id"] == decision["id"]
    one.close()
    two.close()


def test_a_read_only_database_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "readonly.db"
    SqliteHistory(path).close()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    # Root may write anything, so the command is run without that privilege.
    setpriv = shutil.which("setpriv")
    drop = "-dac_override,-dac_read_search,-fowner"
    prefix = [setpriv, "--bounding-set", drop, "--inh-caps", drop] if setpriv and os.geteuid() == 0 else []
    try:
        result = subprocess.run(
            [*prefix, sys.executable, "-m", "pointsman", "history", "--db", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        tmp_path.chmod(0o755)
    assert result.returncode == 1
    assert (
        result.stderr
        == f"pointsman: {path}: it is read-only. Make it and its folder writable, or name another with --db.\n"
    )


def locked(path: Path) -> sqlite3.Connection:
    """Another process in the middle of a transaction."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_locked_database_stops_no_start_and_is_said_to_be_locked(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / "locked.db"
    SqliteHistory(path).close()
    other = locked(path)
    history = SqliteHistory(path, deadline_s=0.05)
    assert history.page(10).calls == []
    with pytest.raises(HistoryUnavailable, match="another process holds it locked"):
        history.append(decision)
    with pytest.raises(HistoryUnavailable, match="another process holds it locked"):
        history.probe()
    other.execute("ROLLBACK")
    other.close()
    history.append(decision)
    history.probe()
    history.close()


def test_a_lock_that_passes_is_waited_for(history: SqliteHistory, decision: dict[str, Any], tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "history.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    release.start()
    assert append_or_log(history, decision)
    release.join()
    other.close()


def test_a_full_disk_loses_no_decision(
    history: SqliteHistory, decision: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    pages = history._writer.execute("PRAGMA page_count").fetchone()[0]
    history._writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    big = {**decision, "prompt": "x" * 60_000}
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        assert not append_or_log(history, big)
    assert "the disk is full" in caplog.messages[0]
    assert history.page(10).calls == []
    history._writer.execute("PRAGMA max_page_count = 1000000")
    assert [found.id for found in replay(history, caplog.messages)] == [decision["id"]]
    assert history.get(decision["id"])["prompt"] == big["prompt"]


@pytest.mark.parametrize(
    "content", [b"this is not a database, it is a text file. " * 100, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(content)
    with pytest.raises(HistoryUnavailable, match=r"Name another file|name another"):
        SqliteHistory(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(HistoryUnavailable, match="another program"):
        SqliteHistory(path)


def test_a_history_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    SqliteHistory(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(HistoryUnavailable, match="a newer Pointsman"):
        SqliteHistory(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnavailable, match="cannot be opened"):
        SqliteHistory(tmp_path)


def test_a_failed_migration_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "migrated.db"
    SqliteHistory(path).close()

    def broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        db.execute("CREATE TABLE half (x)")

    monkeypatch.setattr(module, "MIGRATIONS", [*MIGRATIONS, broken])
    with pytest.raises(HistoryUnavailable):
        SqliteHistory(path)
    monkeypatch.undo()
    SqliteHistory(path).close()
    with sqlite3.connect(path) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    db.close()
    assert "half" not in tables


def rows(history: SqliteHistory) -> list[int]:
    return [history._read(f"SELECT count(*) FROM {t}", ())[0][0] for t in ("summaries", "bodies", "selected")]


def test_what_has_expired_is_not_shown_and_then_deleted(
    tmp_path: Path, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = SqliteHistory(tmp_path / "ttl.db", retention_days=1)
    history.append(decision)
    assert len(history.page(10).calls) == 1
    later = time.time() + 2 * DAY_S
    monkeypatch.setattr(time, "time", lambda: later)
    assert history.page(10).calls == []
    assert history.page(10, where=Filter(model=decision["selected"][0])).calls == []
    # A clock that jumped hides, and deletes nothing: it may jump back.
    assert history.purge() == 0
    history.close()
    history = SqliteHistory(tmp_path / "ttl.db", retention_days=1)
    assert history.purge() == 1
    assert rows(history) == [0, 0, 0]
    history.close()


def test_a_page_is_read_by_index_however_it_is_filtered(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []
    read = history._read

    def explained(sql: str, values: tuple[Any, ...]) -> list[Any]:
        plans.extend(str(row[3]) for row in read(f"EXPLAIN QUERY PLAN {sql}", values))
        return read(sql, values)

    monkeypatch.setattr(history, "_read", explained)
    for where in (Filter(), Filter(config="auto"), Filter(model="acme/a"), Filter(config="auto", model="acme/a")):
        history.page(50, where=where)
    assert plans
    assert not any("TEMP B-TREE" in plan for plan in plans), plans
