"""What is told of decisions: when it is asked for, what is in it, and that it never costs an answer."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pointsman.api import create_app
from pointsman.api.deciding import PATHS
from pointsman.errors import SettingsError
from pointsman.history.sqlite import SqliteHistory
from pointsman.settings import load_settings
from pointsman.telemetry.figures import Figures, open_figures
from pointsman.telemetry.spans import Spans, asked_for, open_spans
from pointsman.telemetry.watching import Listener, note, watch

from tests.conftest import MakeRouter
from tests.fakes import fake_artifact
from tests.loops import run

Told = tuple[TestClient, InMemorySpanExporter, Figures]


@pytest.fixture
def told(make_router: MakeRouter, history: SqliteHistory) -> Callable[..., Told]:
    """Makes a client of the app with spans and figures of it; more listeners may be given."""

    def make(*more: Listener, **settings: Any) -> Told:
        router, artifact = make_router(history, **settings), fake_artifact()
        router.observe = note
        exporter, figures = InMemorySpanExporter(), Figures()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        figures.of_router(router)
        app = create_app(
            router.registry, artifact.manifest, artifact.digest, router=router, history=history, figures=figures
        )
        watched = watch(app, PATHS, [*more, Spans(provider), figures])
        return TestClient(watched, raise_server_exceptions=False), exporter, figures

    return make


def attributes(exporter: InMemorySpanExporter) -> list[Mapping[str, Any]]:
    return [dict(span.attributes or {}) for span in exporter.get_finished_spans()]


def value(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.registry.get_sample_value(f"pointsman_{name}", labels)


@pytest.mark.parametrize(
    ("setting", "environment", "wanted"),
    [
        (None, {}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        (None, {"OTEL_TRACES_EXPORTER": "console"}, True),
        (None, {"OTEL_SERVICE_NAME": "pointsman"}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        (False, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        (True, {}, True),
    ],
)
def test_spans_are_made_where_the_setting_or_the_standard_environment_asks_for_them(
    setting: bool | None, environment: dict[str, str], wanted: bool
) -> None:
    assert asked_for(setting, environment) is wanted


def test_a_setting_that_asks_for_what_is_not_installed_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opentelemetry.sdk.resources", "prometheus_client"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"POINTSMAN_SPANS=true .*pip install 'pointsman\[telemetry\]'"):
        open_spans(load_settings(spans=True), {})
    with pytest.raises(SettingsError, match=r"POINTSMAN_METRICS=true .*pip install 'pointsman\[metrics\]'"):
        open_figures(load_settings(metrics=True))


def test_an_environment_meant_for_others_does_not_stop_a_server_without_the_package(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    assert open_spans(load_settings(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}) is None
    assert "pip install 'pointsman[telemetry]'" in caplog.text


def test_an_exporter_that_is_not_installed_is_named() -> None:
    with pytest.raises(SettingsError, match="exporter carrier-pigeon, which is not installed"):
        open_spans(load_settings(), {"OTEL_TRACES_EXPORTER": "carrier-pigeon"})
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"):
        open_spans(load_settings(spans=True), {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_the_service_is_pointsman_unless_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, name in (({}, "pointsman"), ({"OTEL_SERVICE_NAME": "edge"}, "edge")):
        for key, text in given.items():
            monkeypatch.setenv(key, text)
        spans = open_spans(load_settings(spans=True), given)
        assert spans is not None
        assert spans.provider.resource.attributes["service.name"] == name
        spans.provider.shutdown()


def test_the_paths_that_are_watched_are_those_that_decide(make_router: MakeRouter) -> None:
    router, artifact = make_router(), fake_artifact()
    app = create_app(router.registry, artifact.manifest, artifact.digest, router=router)
    paths = app.openapi()["paths"]
    tagged = {path for path, one in paths.items() if {"decide", "gateways"} & set(one.get("post", {}).get("tags", []))}
    assert tagged == PATHS


def test_every_kind_of_failure_is_a_failed_span_and_a_count_of_its_kind(told: Callable[..., Told]) -> None:
    client, exporter, figures = told(max_prompt_bytes=100)
    long = "x" * 1000
    bodies: list[tuple[dict[str, Any], str, str]] = [
        ({"prompt": ""}, "invalid-request", "422"),
        ({"prompt": "a", "config": "none"}, "unknown-config", "422"),
        ({"prompt": "a", "config": "strong", "supports": ["tools"], "exclude": ["acme/strong"]}, "no-candidate", "422"),
        ({"prompt": "a" * 101}, "payload-too-large", "413"),
        ({"prompt": long * 100}, "payload-too-large", "413"),
    ]
    for body, kind, status in bodies:
        assert client.post("/api/route", json=body).status_code == int(status), body
        span: ReadableSpan = exporter.get_finished_spans()[-1]
        assert (span.status.is_ok, span.status.description) == (False, kind)
        assert (span.attributes or {})["error.type"] == kind
    counted = value(figures, "errors_total", route="/api/route", kind="payload-too-large", status="413")
    assert counted == 2
    # A gateway hears its own status; the kind stays ours.
    answer = client.post("/v1/decision", json={"input_format": "openai_chat", "request": {"model": "none"}})
    assert attributes(exporter)[-1]["http.response.status_code"] == answer.status_code


def test_what_was_not_expected_is_told_as_internal(told: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    client, exporter, _ = told()
    monkeypatch.setattr("pointsman.router.weigh", lambda *_, **__: 1 / 0)
    assert client.post("/api/route", json={"prompt": "a"}).status_code == 500
    assert attributes(exporter)[-1]["error.type"] == "internal"


def test_a_retry_is_a_span_that_says_so_and_no_second_decision(told: Callable[..., Told]) -> None:
    client, exporter, figures = told()
    ids = [
        client.post("/api/route", json={"prompt": "a"}, headers={"idempotency-key": "k-1"}).json()["id"]
        for _ in range(2)
    ]
    first, second = attributes(exporter)
    assert (first["pointsman.decision.id"], first.get("pointsman.replayed")) == (ids[0], None)
    assert (second["pointsman.decision.id"], second["pointsman.replayed"]) == (ids[0], True)
    assert value(figures, "recorded_total", recorded="true") == 1
    assert value(figures, "replays_total", route="/api/route") == 1


def test_shadow_mode_tells_what_was_answered_and_what_would_have_been_chosen(told: Callable[..., Told]) -> None:
    client, exporter, figures = told()
    asked = {"prompt": "a", "observe": True, "own_model": "acme/strong"}
    made = client.post("/api/route", json=asked).json()
    (span,) = attributes(exporter)
    assert span["pointsman.selected.model"] == "acme/strong"
    assert list(span["pointsman.shadow.selected"]) == made["shadow"]["selected"]
    assert value(figures, "predicted_cost_usd_total", config="auto") == pytest.approx(made["cost"])
    assert value(figures, "shadow_cost_usd_total", config="auto") == pytest.approx(made["shadow"]["cost"])


def test_nothing_of_the_prompt_the_task_or_the_caller_is_told(told: Callable[..., Told]) -> None:
    client, exporter, _ = told()
    secret = "zanzibar"
    for body in ({"prompt": secret, "task": secret}, {"prompt": "a", "config": secret}, {"prompt": "a", secret: 1}):
        client.post("/api/route", json=body)
    client.post("/v1/decision", json={"request": {"model": secret, "messages": [{"role": "user", "content": secret}]}})
    client.post(f"/api/{secret}", json={})
    spans = exporter.get_finished_spans()
    assert len(spans) == 4
    assert secret not in "".join(span.to_json() for span in spans)
    assert secret not in client.get("/metrics").text


def test_what_strangers_write_makes_no_new_series(told: Callable[..., Told]) -> None:
    client, _, _ = told()

    def series() -> int:
        return sum(not line.startswith(("#", "process")) for line in client.get("/metrics").text.splitlines())

    def ask(number: int) -> None:
        client.post("/api/route", json={"prompt": "a", "config": f"none-{number}"})
        client.post("/api/route", json={"prompt": "a", "models": [f"none/{number}"]})
        client.post("/api/route", json={"prompt": f"{number}", "session_id": f"s-{number}"})
        client.post(f"/routing/v1/{number}", json={})

    ask(0)
    before = series()
    for number in range(1, 30):
        ask(number)
    assert series() == before


def test_a_listener_that_fails_fails_no_request_and_is_told_once(
    told: Callable[..., Told], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("no")

    client, exporter, _ = told(broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert client.post("/api/route", json={"prompt": "a"}).status_code == 200
    assert len(exporter.get_finished_spans()) == 3
    assert caplog.text.count("telemetry failed") == 1


def test_a_caller_that_leaves_is_told_as_one() -> None:
    heard: list[str | None] = []

    async def gone(_: Any, __: Any, ___: Any) -> None:
        return

    watched = watch(gone, PATHS, [lambda one: heard.append(one.error)])
    scope = {"type": "http", "method": "POST", "path": "/api/route", "headers": []}

    async def nothing(*_: Any) -> Any:
        return None

    run(watched(scope, nothing, nothing))  # type: ignore[arg-type]
    assert heard == ["disconnected"]


def test_the_app_is_left_as_it_is_where_nobody_listens() -> None:
    async def app(_: Any, __: Any, ___: Any) -> None:
        return

    assert watch(app, PATHS, []) is app
