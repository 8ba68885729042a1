"""`pointsman mcp --server`: the tools are answered by a running service, which asks for a token."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from mcp import Client
from pointsman.cli.main import cli

from scripts.harness.serving import serving
from tests.integration.test_mcp import asked_of, document

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service, and a token that it takes."""
    folder = tmp_path_factory.mktemp("served")
    tokens = folder / "tokens.json"
    made = CliRunner().invoke(cli, ["token", "new", "agents", "--file", str(tokens)])
    with serving("--db", str(folder / "history.db"), "--tokens", str(tokens)) as server:
        yield server.url, made.stdout.split()[0]


def test_an_agent_routes_and_reports_at_a_running_service(service: tuple[str, str]) -> None:
    url, token = service

    async def ask(client: Client) -> None:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"route", "models", "report_outcome"}
        made = document(await client.call_tool("route", {"prompt": "What is 1+1?", "config": "cheap"}))
        outcome = {"decision_id": made["id"], "model_id": made["calls"][0]["model_id"], "completed": True}
        assert document(await client.call_tool("report_outcome", outcome)) == {"decision_id": made["id"], "outcomes": 1}
        known = (await client.call_tool("models", {})).structured_content
        assert known is not None
        luna = next(one for one in known["result"] if one["model_id"] == "openai/gpt-5.6-luna")
        assert (luna["input_usd_per_1m"], luna["efforts"][:2]) == (0.2, ["none", "low"])
        headers = {"authorization": f"Bearer {token}"}
        kept = httpx.get(f"{url}/api/history/{made['id']}", headers=headers).json()
        assert (kept["caller"], kept["outcomes"][0]["completed"]) == ("agents", True)
        assert kept["outcomes"][0]["reported_by"] == "agents"
        for tool, arguments, words in (
            ("route", {"prompt": "x", "config": "chaep"}, "cheap"),
            ("route", {"prompt": "x", "exclude": ["openai/gpt-5.55"]}, "openai/gpt-5.5"),
            ("report_outcome", {"decision_id": "../models", "model_id": "y", "completed": True}, "../models"),
        ):
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error
            assert words in refused.content[0].text  # type: ignore[union-attr]

    asked_of(["--server", url, "--token", token], ask)


@pytest.mark.parametrize(("token", "words"), [("pm_agents_wrong", "401"), (None, "401")])
def test_a_token_that_is_not_taken_is_told_to_the_agent(
    service: tuple[str, str], token: str | None, words: str
) -> None:
    async def ask(client: Client) -> None:
        for tool, arguments in (("route", {"prompt": "x"}), ("models", {})):
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error
            assert words in refused.content[0].text or "token" in refused.content[0].text  # type: ignore[union-attr]

    asked_of(["--server", service[0], *([] if token is None else ["--token", token])], ask)


def test_a_service_that_is_not_there_is_told_to_the_agent() -> None:
    async def ask(client: Client) -> None:
        refused = await client.call_tool("route", {"prompt": "x"})
        assert refused.is_error
        assert "no answer of a Pointsman service" in refused.content[0].text  # type: ignore[union-attr]

    asked_of(["--server", "http://127.0.0.1:9"], ask)


@pytest.mark.parametrize("option", [("--no-record",), ("--db", "x.db"), ("--registry", "x")])
def test_options_of_this_machine_beside_a_service_are_refused(option: tuple[str, ...], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["mcp", "--server", "http://127.0.0.1:9", *option])
    assert done.exit_code == 2
    assert f"{option[0]} is of this machine" in done.output
    assert not list(tmp_path.iterdir())
