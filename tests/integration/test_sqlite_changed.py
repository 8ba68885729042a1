"""The file is changed under a running process: nothing is said to be kept that is not, and no backup is hurt."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pointsman.errors import HistoryUnavailable
from pointsman.history.durable import Recorder
from pointsman.history.ids import Ids
from pointsman.history.replay import replay
from pointsman.history.sqlite import SqliteHistory
from pointsman.history.sqlite_backup import backup, check

from tests.conftest import MakeRouter

PATH = "live.db"


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide("What is 1+1?").to_dict()


def another(decision: dict[str, Any]) -> dict[str, Any]:
    return {**decision, "id": Ids().next(datetime.now(UTC))}


def deleted(path: Path, _: Path) -> None:
    for rest in ("", "-wal", "-shm"):
        Path(f"{path}{rest}").unlink()


def file_alone_deleted(path: Path, _: Path) -> None:
    path.unlink()


def moved_away(path: Path, _: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replaced(path: Path, copy: Path) -> None:
    os.replace(copy, path)  # noqa: PTH105


def replaced_with_its_log(path: Path, copy: Path) -> None:
    for rest in ("-wal", "-shm"):
        Path(f"{path}{rest}").unlink()
    os.replace(copy, path)  # noqa: PTH105


def written_over(path: Path, copy: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(copy.read_bytes())


def written_over_by_cp(path: Path, copy: Path) -> None:
    subprocess.run(["cp", str(copy), str(path)], check=True)


def log_cut(path: Path, _: Path) -> None:
    with Path(f"{path}-wal").open("r+b") as file:
        file.truncate(0)


def log_halved(path: Path, _: Path) -> None:
    with Path(f"{path}-wal").open("r+b") as file:
        file.truncate(Path(f"{path}-wal").stat().st_size // 2)


def log_deleted(path: Path, _: Path) -> None:
    Path(f"{path}-wal").unlink()


def emptied(path: Path, _: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)


CHANGES = [
    deleted,
    file_alone_deleted,
    moved_away,
    replaced,
    replaced_with_its_log,
    written_over,
    written_over_by_cp,
    log_cut,
    log_halved,
    log_deleted,
    emptied,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_was_changed_is_not_written_to_and_nothing_is_said_to_be_kept(
    tmp_path: Path, decision: dict[str, Any], change: Callable[[Path, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path, copy = tmp_path / PATH, tmp_path / "backup.db"
    history = SqliteHistory(path)
    for _ in range(3):
        history.append(another(decision))
    backup(path, copy)
    kept_copy = copy.read_bytes()
    history.append(another(decision))
    recorder = Recorder(history)
    assert recorder.record(another(decision))
    change(path, copy)
    there = path.read_bytes() if path.exists() else None
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        refused = [another(decision) for _ in range(5)]
        assert not any(recorder.record(one) for one in refused)
    assert not recorder.state().recording
    assert "Nothing more is written to it" in str(recorder.state().failure)
    assert "until the server is restarted" in str(recorder.state().told)
    assert str(path) not in str(recorder.state().told)
    for use in (lambda: history.page(10), lambda: history.get(decision["id"]), history.probe, history.purge):
        with pytest.raises(HistoryUnavailable):
            use()
    recorder.close()
    history.close()
    assert (path.read_bytes() if path.exists() else None) == there
    if there == kept_copy:  # the backup is whole, and what was refused can be replayed into it
        assert check(path).problems == ()
        later = SqliteHistory(path)
        assert {found.id for found in replay(later, caplog.messages)} == {one["id"] for one in refused}
        later.close()


def test_the_process_ends_without_touching_the_file_that_took_the_place(
    tmp_path: Path, decision: dict[str, Any]
) -> None:
    path = tmp_path / PATH
    SqliteHistory(path).close()
    backup(path, tmp_path / "backup.db")
    code = f"""
import json, shutil, sys
from pathlib import Path
from pointsman.errors import HistoryUnavailable
from pointsman.history.sqlite import SqliteHistory
history = SqliteHistory(Path({str(path)!r}))
history.append(json.loads(sys.stdin.read()))
shutil.copyfile({str(tmp_path / "backup.db")!r}, {str(path)!r})
try:
    history.probe()
except HistoryUnavailable as error:
    print(error.detail)
history.close()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(decision), capture_output=True, text=True, check=True
    )
    assert "wrote over it" in run.stdout
    assert path.read_bytes() == (tmp_path / "backup.db").read_bytes()


def test_what_other_processes_rightly_do_is_no_change(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / PATH
    history = SqliteHistory(path)
    other = sqlite3.connect(path, isolation_level=None)
    big = {**decision, "prompt": "x" * 60_000}
    for step in range(200):
        history.append(another(big))
        if step % 10 == 0:
            for kind in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
                other.execute(f"PRAGMA wal_checkpoint({kind})")
        if step % 25 == 0:
            SqliteHistory(path).close()
            backup(path, tmp_path / f"copy-{step}.db")
            check(path)
            os.chmod(path, 0o600)  # noqa: PTH101
    other.execute("VACUUM")
    history.append(another(decision))
    other.close()
    history.probe()
    assert len(history.page(1000).calls) == 201
    history.close()


@pytest.mark.slow
def test_processes_that_write_at_once_take_each_other_for_what_they_are(
    tmp_path: Path, decision: dict[str, Any]
) -> None:
    path = tmp_path / PATH
    SqliteHistory(path).close()
    code = f"""
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from pointsman.history.ids import Ids
from pointsman.history.sqlite import SqliteHistory
decision, ids = json.loads(sys.stdin.read()), Ids()
history = SqliteHistory(Path({str(path)!r}), deadline_s=60)
for _ in range(400):
    history.append({{**decision, "prompt": "x" * 20_000, "id": ids.next(datetime.now(UTC))}})
history.close()
"""
    writers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True) for _ in range(3)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(json.dumps(decision))
        writer.stdin.close()
    assert [writer.wait(300) for writer in writers] == [0, 0, 0]
    assert check(path).decisions == 1200


def test_a_damaged_file_is_not_served(tmp_path: Path, decision: dict[str, Any]) -> None:
    path = tmp_path / PATH
    history = SqliteHistory(path)
    for _ in range(50):
        history.append(another({**decision, "prompt": "x" * 20_000}))
    history.close()
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(os.urandom(200_000))
    history = SqliteHistory(path)
    with pytest.raises(HistoryUnavailable, match="damaged"):
        history.check()
    with pytest.raises(HistoryUnavailable, match="damaged"):
        history.append(another(decision))
    history.close()
