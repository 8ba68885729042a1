"""The recipes in examples/, run: the real SDKs through the example proxy to a provider on this machine."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.nasty import http, nasty_server
from tests.clients.upstream import TEXT, Upstream, upstream_server
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with upstream_server() as one:
        yield one


@pytest.fixture(scope="module")
def recipes(clients_python: Path, pointsman: str, upstream: Upstream) -> Iterator[dict[str, str]]:
    """The environment of a recipe, with the example proxy running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    keys = {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x", "POINTSMAN_URL": pointsman, "DEFAULT": "acme/default"}
    known = {**os.environ, **keys, "UPSTREAM": upstream.url, "PROXY": f"http://127.0.0.1:{port}"}
    command = [clients_python, "-m", "uvicorn", "--app-dir", "examples", "proxy:app", "--port", str(port)]
    process = subprocess.Popen([str(one) for one in command], env=known, cwd=ROOT)
    try:
        for _ in range(300):
            assert process.poll() is None
            try:
                httpx.get(known["PROXY"])
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield known
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    ("recipe", "answers"),
    [("openai_sdk", 3), ("anthropic_sdk", 2), ("with_langchain", 2), ("with_llamaindex", 1), ("with_pydantic_ai", 1)],
)
def test_a_recipe_runs_as_it_stands(
    recipe: str, answers: int, recipes: dict[str, str], clients_python: Path, upstream: Upstream
) -> None:
    upstream.requests.clear()
    command = [str(clients_python), str(ROOT / f"examples/{recipe}.py")]
    done = subprocess.run(command, env=recipes, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(TEXT) == answers
    for _, body in upstream.requests:
        assert body["model"].count("/") == 1
        assert body["model"] not in ("auto", "acme/default")


def test_the_example_proxy_asks_for_the_effort_and_reports(
    recipes: dict[str, str], upstream: Upstream, pointsman: str
) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "What is 1+1?"}]}
    answer = httpx.post(f"{recipes['PROXY']}/v1/chat/completions", json=body, timeout=60)
    chosen = answer.headers["x-pointsman-model"]
    decision: dict[str, Any] = {}
    for _ in range(100):
        decision = httpx.get(f"{pointsman}/api/history/{answer.headers['x-pointsman-decision-id']}").json()
        if decision["outcomes"]:
            break
        time.sleep(0.1)
    (call,), kept = decision["calls"], decision["outcomes"]
    assert upstream.last() == {**body, "model": call["model_id"], **call["request"]}
    assert [(one["model_id"], one["source"]) for one in kept] == [(chosen, "gateway")]


LLM_MODELS = """
- model_id: gpt-5.6-terra-here
  model_name: gpt-5.6-terra
  aliases: [terra]
  api_base: "{url}/v1"
- model_id: acme-default
  model_name: acme-default
  api_base: "{url}/v1"
"""


def run_llm(python: Path, folder: Path, upstream: Upstream, pointsman: str) -> str:
    """What the real llm command says."""
    (folder / "extra-openai-models.yaml").write_text(LLM_MODELS.format(url=upstream.url))
    (folder / "keys.json").write_text(json.dumps({"openai": "x"}))
    named = {"LLM_USER_PATH": str(folder), "POINTSMAN_URL": pointsman, "POINTSMAN_DEFAULT": "acme-default"}
    own = {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "x"}
    command = [str(python.parent / "llm"), "-m", "pointsman", "What is 1+1?"]
    known: dict[str, str] = {**os.environ, **named, **own}
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_llm_command_asks_the_model_that_is_chosen(
    clients_python: Path, tmp_path: Path, upstream: Upstream, pointsman: str
) -> None:
    before = httpx.get(f"{pointsman}/api/history").json()["calls"][:1]
    assert TEXT in run_llm(clients_python, tmp_path, upstream, pointsman)
    (made, *_) = httpx.get(f"{pointsman}/api/history").json()["calls"]
    assert made not in before
    sent = upstream.last()
    assert made["selected"][0].partition("@")[0] == f"openai/{sent['model']}"
    (outcome,) = httpx.get(f"{pointsman}/api/history/{made['id']}").json()["outcomes"]
    assert (outcome["model_id"], outcome["output_tokens"]) == (made["selected"][0], 5)


def test_the_llm_command_answers_where_the_service_does_not(
    clients_python: Path, tmp_path: Path, upstream: Upstream
) -> None:
    with nasty_server() as service:
        service.reply = http(500, {})
        assert TEXT in run_llm(clients_python, tmp_path, upstream, service.url)
    assert upstream.last()["model"] == "acme-default"
