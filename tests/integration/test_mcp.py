"""`pointsman mcp` as an agent meets it: the official client, over the pipes of the real command."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.conftest import ROOT
from tests.loops import run as run_alone

pytestmark = pytest.mark.slow


def asked(tmp_path: Path, ask: Callable[[Client], Awaitable[Any]], *options: str) -> Any:
    """What an agent gets from a server of its own."""
    own = ["--db", str(tmp_path / "history.db"), "--registry", str(ROOT / "registry")]
    return asked_of([*own, *options], ask)


def asked_of(options: Sequence[str], ask: Callable[[Client], Awaitable[Any]]) -> Any:
    """What an agent gets from a server that is started so."""
    command = StdioServerParameters(command=sys.executable, args=["-m", "pointsman", "mcp", *options])

    async def talk() -> Any:
        async with Client(command) as client:
            return await ask(client)

    return run_alone(talk())


def document(result: Any) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def test_an_agent_finds_the_tools_routes_and_reports(tmp_path: Path) -> None:
    async def ask(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"route", "predict", "models", "report_outcome"}
        assert tools["route"].input_schema["required"] == ["prompt"]
        made = document(await client.call_tool("route", {"prompt": "What is 1+1?", "config": "cheap"}))
        assert made["recorded"] is True
        assert made["calls"][0]["model_id"] in made["selected"][0]
        outcome = {"decision_id": made["id"], "model_id": made["calls"][0]["model_id"], "completed": True}
        assert document(await client.call_tool("report_outcome", outcome)) == {"decision_id": made["id"], "outcomes": 1}
        found = document(await client.call_tool("predict", {"prompt": "hi", "models": ["openai/gpt-5.5"]}))
        assert 0 < found["openai/gpt-5.5"] < 1
        known = (await client.call_tool("models", {})).structured_content
        assert known is not None
        assert {"openai/gpt-5.5"} <= {one["model_id"] for one in known["result"]}

    asked(tmp_path, ask)


def test_what_is_refused_is_told_in_the_answer_with_the_remedy(tmp_path: Path) -> None:
    async def ask(client: Client) -> None:
        for tool, arguments, words in (
            ("route", {"prompt": " "}, "prompt"),
            ("route", {"prompt": "x", "config": "chaep"}, "cheap"),
            ("route", {"prompt": "x", "threshold": 70}, "threshold"),
            ("predict", {"prompt": "x", "models": ["openai/gpt-5.55"]}, "openai/gpt-5.5"),
            ("report_outcome", {"decision_id": "x", "model_id": "y", "completed": True}, "Nothing is recorded here"),
            ("report_outcome", {"decision_id": "x", "model_id": "y"}, "Nothing is said of the outcome"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error, (tool, arguments)
            told = result.content[0].text  # type: ignore[union-attr]
            assert "Traceback" not in told
            assert words in told

    asked(tmp_path, ask, "--no-record")
