"""A service that asks for a token: the client sends its own, and one that is not taken costs no answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from pointsman.cli.main import cli
from pointsman_client import Answer, AsyncClient, Client

from scripts.harness.serving import serving
from tests.loops import run as run_alone

PATIENT_S = 30.0
DEFAULT = "my/own-model"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service, and a token that it takes."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    made = CliRunner().invoke(cli, ["token", "new", "team-a", "--file", str(folder / "tokens.json")])
    with serving("--db", str(folder / "history.db"), "--tokens", str(folder / "tokens.json")) as server:
        yield server.url, made.stdout.split()[0]


def kept(url: str, token: str, answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(
        f"{url}/api/history/{answer.decision_id}", headers={"authorization": f"Bearer {token}"}
    ).json()
    return document


def test_a_token_lets_the_client_route_and_report_under_its_name(guarded: tuple[str, str]) -> None:
    url, token = guarded
    with Client(url, token=token, default=DEFAULT, timeout_s=PATIENT_S) as client:
        answer = client.route(prompt="What is 1+1?")
        assert answer.routed
        client.report(answer, completed=True)
        assert client.flush(PATIENT_S)
    decision = kept(url, token, answer)
    assert decision["caller"] == "team-a"
    (outcome,) = decision["outcomes"]
    assert (outcome["completed"], outcome["reported_by"]) == (True, "team-a")


def test_the_token_of_the_environment_is_used(guarded: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    url, token = guarded
    monkeypatch.setenv("POINTSMAN_URL", url)
    monkeypatch.setenv("POINTSMAN_TOKEN", token)

    async def ask() -> Answer:
        async with AsyncClient(default=DEFAULT, timeout_s=PATIENT_S) as client:
            return await client.route(prompt="What is 1+1?")

    answer = run_alone(ask())
    assert kept(url, token, answer)["caller"] == "team-a"


@pytest.mark.parametrize(("wrong", "status"), [(None, 401), ("pm_team-a_wrong", 403)])
def test_a_token_that_is_not_taken_costs_no_answer(guarded: tuple[str, str], wrong: str | None, status: int) -> None:
    with Client(guarded[0], token=wrong, default=DEFAULT, timeout_s=PATIENT_S) as client:
        answer = client.route(prompt="What is 1+1?")
    assert (answer.model, answer.routed) == (DEFAULT, False)
    assert answer.problem is not None
    assert answer.problem.status == status
