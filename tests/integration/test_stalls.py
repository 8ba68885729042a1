"""No request and no store can keep others waiting: few faults, one deadline, a breaker, a gate, live health."""

import asyncio
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.api.gate import Gate
from pointsman.api.schemas import HealthOut, ReadyOut
from pointsman.cli.main import cli
from pointsman.errors import HistoryUnavailable, Overloaded
from pointsman.history import durable
from pointsman.history.durable import Recorder
from pointsman.history.sqlite import SqliteHistory

from scripts.harness.serving import serving
from tests.conftest import MakeRouter
from tests.fakes import fake_artifact
from tests.loops import run as run_alone

MOST_BYTES = 1_000_000


@pytest.fixture
def client(make_router: MakeRouter, history: SqliteHistory) -> Iterator[TestClient]:
    router, artifact = make_router(history), fake_artifact()
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router, history=history)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


AMPLIFIERS: dict[str, Any] = {
    "unknown fields": {"prompt": "x", **{f"f{i}": i for i in range(200_000)}},
    "unknown fields with long names": {"prompt": "x", **{f"{i}" + "y" * 10_000: i for i in range(200)}},
    "one field with a huge name": {"prompt": "x", "y" * 3_000_000: 1},
    "a huge value": {"prompt": "x", "config": "y" * 3_000_000},
    "a huge number": {"prompt": "x", "max_output_tokens": 10**400},
    "values in a list": {"prompt": "x", "supports": ["y"] * 200_000},
    "models that are none": {"prompt": "x", "models": [{"a": i} for i in range(30_000)]},
    "long names of models": {"prompt": "x", "models": ["y" * 100_000] * 20},
    "excluded numbers": {"prompt": "x", "exclude": list(range(999))},
    "wrong kinds everywhere": {"prompt": ["x"] * 50_000, "config": {"a": 1}, "task": [1] * 10_000, "images": "y"},
    "nested lists": {"prompt": "x", "supports": [[[[["y"] * 100] * 10] * 10] * 4]},
    "a list for an object": ["x"] * 300_000,
    "control characters": {"prompt": "x", "\x01" * 100_000: "\x01" * 1_000_000},
}  # fmt: skip


@pytest.mark.parametrize("kind", AMPLIFIERS)
def test_an_error_is_small_whatever_was_wrong(client: TestClient, kind: str) -> None:
    for method, path in (("POST", "/api/route"), ("PUT", "/api/history/01KAQ3V9ZC8M0Y6W2N4T7R5B1D/outcomes")):
        answer = client.request(method, path, json=AMPLIFIERS[kind])
        assert answer.status_code in (400, 413, 422), answer.text[:300]
        assert len(answer.content) < 30_000
        assert len(answer.json().get("errors", [])) <= 20


def test_the_rest_of_many_faults_is_counted(client: TestClient) -> None:
    many = client.post("/api/route", json={f"field {i}": i for i in range(50_000)}).json()
    assert (len(many["errors"]), many["more_errors"]) == (20, 49_980)
    assert "49,999 more" in many["detail"]
    some = client.post("/api/route", json={"prompt": "x", "exclude": list(range(30))}).json()
    assert (len(some["errors"]), some["more_errors"]) == (20, 10)
    few = client.post("/api/route", json={"prompt": "x", "a": 1, "b": 2}).json()
    assert (len(few["errors"]), "more_errors" in few) == (2, False)


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 300_000, '{"prompt": "x' + "\\" * 999_999, "9" * 300_000])
def test_a_body_that_is_no_json_is_refused_in_its_own_words(client: TestClient, text: str) -> None:
    answer = client.post("/api/route", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:pointsman:problem:malformed-request"


def test_the_largest_decision_is_answered_in_less_than_a_megabyte(client: TestClient) -> None:
    made = client.post("/api/route", json={"prompt": "\x01" * 70_000 + "x"})
    assert made.status_code == 200
    assert len(made.content) < MOST_BYTES
    assert len(client.get(f"/api/history/{made.json()['id']}").content) < MOST_BYTES
    for _ in range(5):
        client.post("/api/route", json={"prompt": "\x01" * 1000, "task": "\x01" * 200})
    assert len(client.get("/api/history?limit=200").content) < MOST_BYTES / 40


def locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_locked_database_costs_many_clients_one_deadline_and_health_nothing(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    settings = {"POINTSMAN_STORE_DEADLINE_S": "0.5"}
    with serving("--db", str(path), env=settings) as server:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            assert client.post("/api/route", json={"prompt": "hello"}).json()["recorded"] is True
            assert client.get("/api/ready").json()["status"] == "ready"
        other, waits, ended = locked(path), list[float](), threading.Event()

        def ask(_: int) -> bool:
            return bool(httpx.post(f"{server.url}/api/route", json={"prompt": "hi"}, timeout=60).json()["recorded"])

        def watch() -> None:
            with httpx.Client(base_url=server.url, timeout=60) as client:
                while not ended.wait(0.05):
                    start = time.monotonic()
                    assert client.get("/api/health").status_code == 200
                    waits.append(time.monotonic() - start)

        watching = threading.Thread(target=watch)
        watching.start()
        start = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            recorded = list(pool.map(ask, range(32)))
        took = time.monotonic() - start
        ended.set()
        watching.join()
        assert not any(recorded)
        assert took < 32 * 0.5 / 2  # one after another they would have taken 16 s, before they were tried again 48 s
        assert waits
        with httpx.Client(base_url=server.url, timeout=60) as client:
            assert client.get("/api/health").json()["status"] == "degraded"
            assert client.get("/api/ready").status_code == 503
            other.execute("ROLLBACK")
            other.close()
            deadline = time.monotonic() + 30
            while client.get("/api/health").json()["status"] != "ok" or client.get("/api/ready").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert client.post("/api/route", json={"prompt": "hello"}).json()["recorded"] is True


class Store:
    """A history that fails as it is told, and counts."""

    def __init__(self) -> None:
        self.appends, self.probes, self.failing = 0, 0, True

    def _use(self) -> None:
        if self.failing:
            raise HistoryUnavailable("the disk is gone", final=True)

    def append(self, *_: Any, **__: Any) -> None:
        self.appends += 1
        self._use()

    def probe(self, *_: Any, **__: Any) -> None:
        self.probes += 1
        self._use()


def test_after_failures_in_a_row_the_store_is_asked_by_nobody_but_a_thread(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(durable, "PROBE_AFTER_S", 0.02)
    store: Any = Store()
    recorder, record = Recorder(store), make_router().decide("hello").to_dict()
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        assert [recorder.record(record) for _ in range(20)] == [False] * 20
    assert store.appends == durable.FAILURES
    assert len(caplog.messages) == 20  # every one is in the log
    assert recorder.state().recording is False
    store.failing = False
    deadline = time.monotonic() + 20
    while not recorder.state().recording:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert recorder.record(record)
    assert recorder.state().last_append is not None
    recorder.close()


def test_a_store_that_fails_now_and_then_is_asked_every_time(make_router: MakeRouter) -> None:
    store: Any = Store()
    recorder, record = Recorder(store), make_router().decide("hello").to_dict()
    for _ in range(10):
        for store.failing in (True, True, False):
            assert recorder.record(record) is not store.failing
    assert store.appends == 30
    recorder.close()


@pytest.mark.parametrize("state", ["locked", "a folder", "damaged"])
def test_the_command_line_gives_its_answer_though_it_cannot_record(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POINTSMAN_STORE_DEADLINE_S", "0.1")
    path, other = tmp_path / "history.db", None
    if state == "a folder":
        path.mkdir()
    elif state == "damaged":
        path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    else:
        SqliteHistory(path).close()
        other = locked(path)
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        said = CliRunner().invoke(cli, ["route", "--record", "--json", "--db", str(path), "What is 1+1?"])
    assert said.exit_code == 0, said.output
    decision = json.loads(said.stdout)
    assert decision["recorded"] is False
    assert json.loads(caplog.messages[0])["record"]["id"] == decision["id"]
    if other is not None:
        other.close()


def test_the_gate_runs_a_few_in_order_and_refuses_what_could_only_wait() -> None:
    async def ask() -> tuple[list[int], int]:
        gate, release, order = Gate(waiting=3, running=2), threading.Event(), list[int]()

        def work(number: int) -> int:
            release.wait(20)
            order.append(number)
            return number

        tasks = []
        for number in range(8):
            tasks.append(asyncio.create_task(gate.run(lambda number=number: work(number))))  # type: ignore[misc]
            await asyncio.sleep(0.01)
        tasks[3].cancel()  # its client went away while it waited
        release.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [one for one in done if isinstance(one, int)] == [0, 1, 2, 4]
        assert await gate.run(lambda: 9) == 9
        return order, sum(isinstance(one, Overloaded) for one in done)

    order, refused = run_alone(ask())
    assert sorted(order[:2]) == [0, 1]
    assert sorted(order) == [0, 1, 2, 4]
    assert refused == 3


def test_what_is_refused_for_load_says_when_to_come_back(make_router: MakeRouter) -> None:
    router, artifact = make_router(max_waiting=0), fake_artifact()
    begun, release, decide = threading.Semaphore(0), threading.Event(), router.decide

    def slow(*arguments: Any, **named: Any) -> Any:
        begun.release()
        release.wait(20)
        return decide(*arguments, **named)

    router.decide = slow  # type: ignore[method-assign]
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router)
    with TestClient(app) as client, ThreadPoolExecutor(64) as pool:
        ask = lambda: client.post("/api/route", json={"prompt": "hello"})  # noqa: E731
        accepted = []
        while True:
            one = pool.submit(ask)
            if not begun.acquire(timeout=1):
                break
            accepted.append(one)
        refused = one.result(20)
        assert client.get("/api/health").status_code == 200
        release.set()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["type"] == "urn:pointsman:problem:overloaded"
        assert accepted
        assert all(one.result(20).status_code == 200 for one in accepted)


def test_health_and_ready_say_what_they_are_for(client: TestClient, history: SqliteHistory) -> None:
    for path in ("/health", "/api/health"):
        health = client.get(path).json()
        HealthOut.model_validate(health)
        assert (health["status"], health["last_append"]) == ("ok", None)
    ReadyOut.model_validate(client.get("/api/ready").json())
    made = client.post("/api/route", json={"prompt": "hello"}).json()
    assert client.get("/api/ready").json()["last_append"][:16] >= made["ts"][:16]
    history.give_up("the database is damaged.")
    time.sleep(2.1)  # it is asked at most every two seconds
    refused = client.get("/api/ready")
    assert refused.status_code == 503
    assert "damaged" not in refused.text
    assert client.get("/health").json()["status"] == "degraded"


def test_a_decision_is_deleted_by_its_address(client: TestClient, history: SqliteHistory) -> None:
    made = client.post("/api/route", json={"prompt": "hello"}).json()["id"]
    assert client.delete(f"/api/history/{made}").json() == {"deleted": made}
    assert client.get(f"/api/history/{made}").status_code == 404
    assert client.delete(f"/api/history/{made}").status_code == 404
    assert [note["action"] for note in history.notes()] == ["delete"]
