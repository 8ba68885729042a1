"""The functions in this process: imported anew for each test, as a new container would."""

import asyncio
import base64
import importlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from artifacts_build.packaging.compiled_registry import write_compiled_registry
from tests.conftest import ROOT, MakeTable

TABLE = "decisions"
VARIABLES = {
    "POWERTOOLS_METRICS_NAMESPACE": "Pointsman",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "TOKENS_SECRET": "tokens",
}


@dataclass
class Context:
    """What Lambda tells a function about a call."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:1:function:test"
    aws_request_id: str = "request"


Import = Callable[[str], ModuleType]


@pytest.fixture
def lambda_thread() -> Iterator[ThreadPoolExecutor]:
    """A thread of a function's own: the adapter runs an event loop, and tests of the page keep one running here."""

    def close_loop() -> None:
        with suppress(RuntimeError):  # there is none
            asyncio.get_event_loop().close()

    with ThreadPoolExecutor(1) as thread:
        yield thread
        thread.submit(close_loop).result()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, aws: MakeTable, lambda_thread: ThreadPoolExecutor) -> Iterator[Import]:
    """Imports a module of `functions` as a start does, in an AWS of its own."""
    assert callable(aws)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    # A logger is the process's own by its name, and keeps the output of the test that made it.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"test-{uuid4().hex}")
    monkeypatch.setenv("POINTSMAN_LOG_PROMPTS", "false")  # as the template has it
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        for known in [module for module in sys.modules if module.startswith("functions")]:
            del sys.modules[known]
        return lambda_thread.submit(importlib.import_module, f"functions.{name}").result()

    yield load
    for name in ("pointsman", "pointsman.history"):
        logger = logging.getLogger(name)
        logger.handlers, logger.filters, logger.propagate = [], [], True
    for module in set(sys.modules) - before:
        if module.startswith("functions"):
            del sys.modules[module]


def event(
    method: str = "GET",
    path: str = "/api/health",
    body: object = None,
    query: dict[str, str] | None = None,
    authorizer: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What an HTTP API sends (payload version 2.0); bytes go as base64."""
    raw = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else None if body is None else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": f"ANY {path}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{k}={v}" for k, v in (query or {}).items()),
        **({"queryStringParameters": query} if query else {}),
        "headers": {"content-type": "application/json", "host": "example.com"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1"},
            "domainName": "example.com",
            "stage": "$default",
            **({"authorizer": authorizer} if authorizer else {}),
        },
        **({} if text is None else {"body": text}),
        "isBase64Encoded": raw,
    }


@pytest.fixture
def compiled(tmp_path: Path, artifact_folder: Path) -> Path:
    """The registry's layer."""
    folder = tmp_path / "layer"
    write_compiled_registry(ROOT / "registry", artifact_folder, folder)
    return folder


@pytest.fixture
def history(
    start: Import,
    aws: MakeTable,
    compiled: Path,
    lambda_thread: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """The handler of `history`, with its table."""
    aws(name=TABLE)
    monkeypatch.setenv("POINTSMAN_TABLE", TABLE)
    monkeypatch.setenv("POINTSMAN_REGISTRY", str(compiled / "registry.json"))
    monkeypatch.setenv("POINTSMAN_ARTIFACT", str(compiled))
    handler = start("history.app").handler
    return lambda *call: lambda_thread.submit(handler, *call).result()


@pytest.fixture
def route(
    history: Any,
    start: Import,
    artifact_folder: Path,
    lambda_thread: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """The handler of `route`, with the real artifact and the same table."""
    assert history
    monkeypatch.setenv("POINTSMAN_ARTIFACT", str(artifact_folder))
    handler = start("route.app").handler
    return lambda *call: lambda_thread.submit(handler, *call).result()
