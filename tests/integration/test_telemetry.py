"""Spans and figures as platform engineers meet them: sent to a real collector, scraped by a real Prometheus."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.harness.serving import command, serving
from tests.conftest import ROOT

COLLECTOR = next(iter((ROOT / "build/clients").glob("lib/python*/site-packages/rotel/rotel-agent")), None)
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "zanzibar"
CHAT = {"model": "auto", "messages": [{"role": "user", "content": f"Say {SECRET}."}]}


def lacking(what: str, remedy: str, required: str) -> None:
    """Skip a test, or fail it where the machine says that nothing may lack."""
    if os.environ.get(required) == "1":
        pytest.fail(f"no {what} found, and {required}=1; {remedy}")
    pytest.skip(f"no {what}: {remedy}")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def eventually(found: Callable[[], Any]) -> Any:
    """What is found at last; a minute is given, on a busy machine."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if result := found():
                return result
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come about in a minute")


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a collector, and the file in which it tells every span that it took."""
    if COLLECTOR is None:
        lacking("collector", "make clients installs it (Linux)", "POINTSMAN_REQUIRE_CLIENTS")
    http, grpc, log = free_port(), free_port(), tmp_path / "collector.log"
    arguments = ["--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    arguments += ["--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    arguments += ["--pid-file", str(tmp_path / "collector.pid"), "--log-file", str(tmp_path / "collector.other.log")]
    with running(str(COLLECTOR), "start", *arguments, log=log):
        eventually(lambda: httpx.get(f"http://127.0.0.1:{http}/"))
        yield f"http://127.0.0.1:{http}", log


def spans_of(log: Path) -> list[dict[str, str]]:
    """The spans that the collector tells: name, ids and status, and every attribute with its type."""
    spans: list[dict[str, str]] = []
    for line in log.read_text().splitlines():
        if line.startswith("Span #"):
            spans.append({})
        name, colon, value = line.strip().removeprefix("-> ").partition(":")
        if spans and colon and line.startswith(" "):
            spans[-1][name.strip()] = value.strip()
    return spans


def test_a_collector_gets_a_span_of_every_decision_and_of_every_failure_within_the_callers_trace(
    collector: tuple[str, Path], tmp_path: Path
) -> None:
    address, log = collector
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_SERVICE_NAME": "points"}
    with serving("--db", str(tmp_path / "h.db"), env=env) as server, httpx.Client(base_url=server.url) as http:
        traced = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
        ours = {"prompt": f"Say {SECRET}.", "session_id": "c-7", "max_output_tokens": 300}
        made = http.post("/api/route", json=ours, headers=traced).json()
        http.post("/v1/decision", json={"input_format": "openai_chat", "request": CHAT}).raise_for_status()
        anthropic = {"model": "auto", "max_tokens": 90, "messages": CHAT["messages"]}
        http.post("/routing/v1/messages", json=anthropic).raise_for_status()
        assert http.post("/api/route", json={"prompt": SECRET, "config": SECRET}).status_code == 422
        assert http.post("/api/route", content=b"{").status_code == 400
        spans = eventually(lambda: found if len(found := spans_of(log)) == 5 else None)
    first = spans[0]
    assert (first["Trace ID"], first["Parent ID"], first["Name"]) == (TRACE, PARENT, "route auto")
    call = made["calls"][0]
    expected = {
        "gen_ai.operation.name": "Str(route)",
        "gen_ai.request.model": "Str(auto)",
        "gen_ai.request.max_tokens": "Int(300)",
        "gen_ai.conversation.id": "Str(c-7)",
        "http.response.status_code": "Int(200)",
        "pointsman.decision.id": f"Str({made['id']})",
        "pointsman.selected.model": f"Str({call['model_id']})",
        "pointsman.selected.effort": f"Str({call['effort']})",
        "pointsman.reason": f"Str({made['reason']})",
        "pointsman.p_complete": f"Double({made['expected_quality']})",
        "pointsman.recorded": "Bool(true)",
        "Status code": "STATUS_CODE_UNSET",
    }
    assert {name: first.get(name) for name in expected} == expected
    assert {"pointsman.time.embed_ms", "pointsman.time.choose_ms", "pointsman.time.record_ms"} <= set(first)
    told = [(one["http.route"], one["Status code"], one.get("error.type")) for one in spans[1:]]
    assert told == [
        ("Str(/v1/decision)", "STATUS_CODE_UNSET", None),
        ("Str(/routing/v1/messages)", "STATUS_CODE_UNSET", None),
        ("Str(/api/route)", "STATUS_CODE_ERROR", "Str(unknown-config)"),
        ("Str(/api/route)", "STATUS_CODE_ERROR", "Str(malformed-request)"),
    ]
    assert "service.name: Str(points)" in log.read_text()
    assert SECRET not in log.read_text()


def test_what_is_still_waiting_when_the_server_is_told_to_stop_is_sent(
    collector: tuple[str, Path], tmp_path: Path
) -> None:
    address, log = collector
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    with serving("--db", str(tmp_path / "h.db"), env=env) as server:
        httpx.post(f"{server.url}/api/route", json={"prompt": "Hello"}).raise_for_status()
    assert eventually(lambda: spans_of(log))


def test_a_collector_that_is_down_costs_no_decision_and_does_not_hold_the_server_when_it_stops(tmp_path: Path) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "4",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2",
    }
    with serving("--db", str(tmp_path / "h.db"), env=env) as server, httpx.Client(base_url=server.url) as http:
        for _ in range(20):
            assert http.post("/api/route", json={"prompt": "Hello"}).json()["recorded"]
        server.process.terminate()
        # Past this it would have to be killed.
        server.process.wait(timeout=30)


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file of tokens, and the token of each name."""
    path, made = tmp_path / "tokens.json", {}
    for name in ("app", "prometheus"):
        scope = ["--scope", "route" if name == "app" else "read"]
        done = subprocess.run(
            command("token", "new", name, "--file", str(path), *scope), capture_output=True, text=True, check=True
        )
        made[name] = next(word for word in done.stdout.split() if word.startswith("pm_"))
    return path, made


def test_prometheus_scrapes_the_figures_with_a_token_that_may_only_read(
    tokens: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        lacking("prometheus", "apt-get install prometheus", "POINTSMAN_REQUIRE_PROMETHEUS")
    assert prometheus is not None
    path, made = tokens
    app = {"authorization": f"Bearer {made['app']}"}
    env = {"POINTSMAN_METRICS": "true"}
    arguments = ["--db", str(tmp_path / "h.db"), "--tokens", str(path)]
    with serving(*arguments, env=env) as server, httpx.Client(base_url=server.url) as http:
        for _ in range(3):
            decision = http.post("/api/route", json={"prompt": "Hello"}, headers=app).json()
        http.post("/api/route", json={"prompt": "Hello", "config": SECRET}, headers=app)
        http.post("/api/route", json={"prompt": "Hello"})
        assert http.get("/metrics").status_code == 401
        assert http.get("/metrics", headers=app).status_code == 403
        text = http.get("/metrics", headers={"authorization": f"Bearer {made['prometheus']}"}).text
        promtool = shutil.which("promtool")
        assert promtool is not None
        linted = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")
        assert SECRET not in text
        config = tmp_path / "prometheus.yml"
        job = {
            "job_name": "pointsman",
            "scrape_interval": "500ms",
            "scrape_timeout": "500ms",
            "authorization": {"credentials": made["prometheus"]},
            "static_configs": [{"targets": [server.url.removeprefix("http://")]}],
        }
        config.write_text(json.dumps({"scrape_configs": [job]}))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        flags = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
        with running(prometheus, *flags, f"--web.listen-address={address}", log=tmp_path / "prometheus.log"):

            def asked(query: str) -> Any:
                answer = httpx.get(f"http://{address}/api/v1/query", params={"query": query})
                # Until it has read what it kept, it answers 503.
                return answer.json()["data"]["result"] if answer.status_code == 200 else []

            (decisions,) = eventually(lambda: asked("pointsman_decisions_total"))
            errors = asked("pointsman_errors_total")
            (saved,) = asked("pointsman_strongest_cost_usd_total - pointsman_predicted_cost_usd_total")
            (middle,) = asked("histogram_quantile(0.5, pointsman_request_duration_seconds_bucket)")
            (build,) = asked("pointsman_build_info")
    call = decision["calls"][0]
    labels = {name: decisions["metric"][name] for name in ("config", "model", "effort", "reason")}
    assert labels == {
        "config": "auto",
        "model": call["model_id"],
        "effort": call["effort"] or "",
        "reason": decision["reason"],
    }
    assert decisions["value"][1] == "3"
    assert {(one["metric"]["kind"], one["metric"]["status"], one["value"][1]) for one in errors} == {
        ("unknown-config", "422", "1"),
        ("no-token", "401", "1"),
    }
    assert float(saved["value"][1]) == pytest.approx(3 * (decision["strongest"]["cost"] - decision["cost"]))
    assert float(middle["value"][1]) > 0
    assert build["metric"]["digest"] == decision["artifact"]


def test_without_the_setting_there_are_no_figures_and_nothing_of_either_package_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pointsman.api import server\nserver._serve = lambda *_: None\n"
        f"server.run('127.0.0.1', 0, db={str(tmp_path / 'h.db')!r}, table=None, artifact=None, registry=None)\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'prometheus_client'))])"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([command()[0], "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"
    with serving("--db", str(tmp_path / "h.db")) as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 404
