"""The real LiteLLM proxy with the plugin in three lines of its YAML, before a provider on this machine."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import nasty
from tests.clients.nasty import nasty_server
from tests.clients.upstream import TEXT, Upstream, upstream_server

pytestmark = pytest.mark.slow

KEY = "sk-for-this-test-only-0123456789abcdef"
EASY = [{"role": "user", "content": "What is 1+1?"}]
HARD = [{"role": "user", "content": "Prove the Riemann hypothesis for curves over finite fields, in full detail."}]
CONFIG = """
model_list:
  - {{model_name: luna, litellm_params: {{model: openai/gpt-5.6-luna, api_base: {upstream}/v1, api_key: x}}}}
  - {{model_name: opus, litellm_params: {{model: anthropic/claude-opus-5.5, api_base: {upstream}, api_key: x}}}}
  - {{model_name: home-made, litellm_params: {{model: openai/home-made, api_base: {upstream}/v1, api_key: x}}}}
  - {{model_name: auto, litellm_params: {{model: openai/gpt-4o, api_base: {upstream}/v1, api_key: x}}}}
litellm_settings:
  callbacks: pointsman_client.litellm.routing
callback_settings:
  pointsman: {{url: "{pointsman}", timeout_s: {timeout_s}{plugin}}}
{more}"""


@dataclass
class Proxy:
    """A running proxy, and the provider behind it."""

    http: httpx.Client
    upstream: Upstream
    log: Path

    def chat(self, **more: Any) -> httpx.Response:
        return self.http.post("/v1/chat/completions", json={"model": "auto", "messages": EASY, **more})


@contextmanager
def proxy(
    python: Path, pointsman: str, folder: Path, timeout_s: float = 20, plugin: str = "", more: str = ""
) -> Iterator[Proxy]:
    """A proxy for the block; `plugin` is added to the plugin's settings, `more` to the configuration."""
    with upstream_server() as upstream, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        config, log = folder / "config.yaml", folder / "proxy.log"
        told = {"pointsman": pointsman, "timeout_s": timeout_s, "plugin": plugin, "more": more}
        config.write_text(CONFIG.format(upstream=upstream.url, **told))
        known = {**os.environ, "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with log.open("w") as said:
            process = subprocess.Popen(command, env=known, stdout=said, stderr=subprocess.STDOUT, cwd=folder)
        url, headers = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {KEY}"}
        try:
            with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
                for _ in range(600):
                    assert process.poll() is None, log.read_text()
                    try:
                        if http.get("/health/liveliness").status_code == 200:
                            break
                    except httpx.HTTPError:
                        pass
                    time.sleep(0.2)
                yield Proxy(http, upstream, log)
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def running(clients_python: Path, pointsman: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxy(clients_python, pointsman, tmp_path_factory.mktemp("proxy")) as one:
        yield one


def outcomes(pointsman: str, response: httpx.Response, count: int = 1) -> dict[str, dict[str, Any]]:
    """What is known of a decision, by model, when so much is; reports are sent behind the answers."""
    decision = response.headers["x-pointsman-decision-id"]
    found: list[dict[str, Any]] = []
    for _ in range(100):
        found = httpx.get(f"{pointsman}/api/history/{decision}").json()["outcomes"]
        if len(found) >= count:
            break
        time.sleep(0.1)
    return {one["model_id"]: one for one in found}


TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}]


@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_routed_and_its_usage_reported(stream: bool, tools: Any, running: Proxy, pointsman: str) -> None:
    answer = running.chat(stream=stream, **({"tools": tools} if tools else {}))
    assert ("add" if tools else TEXT) in answer.text
    sent = running.upstream.last()
    chosen = answer.headers["x-pointsman-model"]
    # LiteLLM asks for tools at an effort through the Responses API.
    effort = sent.get("reasoning_effort") or sent["reasoning"]["effort"]
    assert (sent["model"], chosen) == ("gpt-5.6-luna", f"openai/gpt-5.6-luna@{effort}")
    kept = outcomes(pointsman, answer)[chosen]
    assert (kept["input_tokens"], kept["cached_tokens"], kept["output_tokens"]) == (20, 8, 5)
    assert kept["finish_reason"] == ("tool_calls" if tools else "stop")
    assert kept["cost_usd"] > 0
    assert kept["latency_ms"] > 0
    assert (kept["source"], kept["completed"], kept["error"]) == ("gateway", None, None)


@pytest.mark.parametrize("stream", [False, True])
def test_messages_of_anthropic_are_routed_and_their_usage_reported(
    stream: bool, running: Proxy, pointsman: str
) -> None:
    body = {"model": "pointsman/best", "messages": HARD, "max_tokens": 60_000, "stream": stream}
    tools = [{"name": "add", "description": "Adds", "input_schema": {"type": "object", "properties": {}}}]
    answer = running.http.post("/v1/messages", json={**body, "tools": tools, "thinking": {"type": "disabled"}})
    assert "tool_use" in answer.text
    path, sent = running.upstream.requests[-1]
    chosen = answer.headers["x-pointsman-model"]
    assert (path, sent["model"]) == ("/v1/messages", "claude-opus-5.5")
    assert chosen == f"anthropic/claude-opus-5.5@{sent['output_config']['effort']}"
    kept = outcomes(pointsman, answer)[chosen]
    assert (kept["input_tokens"], kept["cached_tokens"], kept["output_tokens"]) == (20, 8, 5)
    assert len(outcomes(pointsman, answer)) == 1


def test_responses_of_openai_are_routed(running: Proxy) -> None:
    answer = running.http.post("/v1/responses", json={"model": "auto", "input": "What is 1+1?"})
    assert TEXT in answer.text
    sent = running.upstream.last()
    assert answer.headers["x-pointsman-model"] == f"openai/{sent['model']}@{sent['reasoning']['effort']}"


@pytest.mark.parametrize("header", ["x-litellm-session-id", "x-claude-code-session-id"])
def test_the_conversation_is_the_callers(header: str, running: Proxy, pointsman: str) -> None:
    headers = {header: "conversation-of-mine"}
    answers = [running.http.post("/v1/chat/completions", json={"model": "auto", "messages": EASY}, headers=headers)]
    decision = httpx.get(f"{pointsman}/api/history/{answers[0].headers['x-pointsman-decision-id']}").json()
    assert decision["session"]["id"] == "conversation-of-mine"


def test_a_model_that_is_down_is_replaced_by_the_next_best_and_both_are_reported(
    running: Proxy, pointsman: str
) -> None:
    running.upstream.failing = {"gpt-5.6-luna"}
    try:
        answer = running.chat(num_retries=0)
    finally:
        running.upstream.failing = set()
    assert answer.status_code == 200
    sent = running.upstream.last()
    assert sent["model"] == "claude-opus-5.5"
    kept = outcomes(pointsman, answer, 2)
    served = kept.pop(f"anthropic/claude-opus-5.5@{sent['output_config']['effort']}")
    assert (served["output_tokens"], served["error"]) == (5, None)
    (failed,) = kept.values()
    assert re.match("InternalServerError", failed["error"])
    assert failed["output_tokens"] is None


def test_a_model_that_the_caller_names_is_left_alone_and_not_reported(running: Proxy, pointsman: str) -> None:
    before = len(httpx.get(f"{pointsman}/api/history?limit=200").json()["calls"])
    answer = running.chat(model="home-made", reasoning_effort="high")
    assert running.upstream.last()["model"] == "home-made"
    assert "x-pointsman-decision-id" not in answer.headers
    assert len(httpx.get(f"{pointsman}/api/history?limit=200").json()["calls"]) == before


def test_the_proxy_says_once_what_the_service_does_not_know(running: Proxy) -> None:
    running.chat()
    running.chat()
    assert running.log.read_text().count("knows no openai/home-made") == 1


def test_whatever_the_service_does_the_requests_go_on_as_they_came(clients_python: Path, tmp_path: Path) -> None:
    with nasty_server() as service, proxy(clients_python, service.url, tmp_path, 0.3) as one:
        for reply in (nasty.http(200, b"<html>", "text/html"), nasty.http(422, {}), nasty.silent, nasty.http(500, {})):
            service.reply = reply
            for stream in (False, True):
                answer = one.chat(stream=stream)
                assert (answer.status_code, TEXT in answer.text) == (200, True)
                assert (one.upstream.last()["model"], "x-pointsman-model" in answer.headers) == ("gpt-4o", False)
        assert service.paths("/api/outcomes") == []
        assert one.log.read_text().count("is not JSON") == 1
