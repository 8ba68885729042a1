"""`pointsman route` asks for everything that the API can be asked for, here or of a running service."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pointsman.api.request_schemas import Dial
from pointsman.cli.dial import DIAL
from pointsman.cli.main import cli
from pointsman.routing.asked import Asked

from scripts.harness.serving import serving
from tests.conftest import ROOT

HERE = ("--artifact", str(ROOT / "layers/artifacts/default"), "--registry", str(ROOT / "registry"))
PROMPT = "What is 1+1?"


def run(*arguments: str, told: str | None = None, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(cli, ["route", *arguments], input=told)


def answered(*arguments: str, told: str | None = None) -> dict[str, Any]:
    done = run(*arguments, "--json", told=told)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving("--db", str(tmp_path_factory.mktemp("served") / "history.db")) as server:
        yield server.url


def test_there_is_an_option_for_every_field_of_a_request() -> None:
    assert set(DIAL) == set(Dial.model_fields) - {"config", "names"}
    assert {one.name for one in fields(Asked)} <= set(DIAL)


def test_quiet_prints_what_was_chosen_alone() -> None:
    assert run(PROMPT, "--config", "cheap", "-q", *HERE).stdout.split() == [
        *answered(PROMPT, "--config", "cheap", *HERE)["selected"]
    ]


def test_standard_input_is_read_without_being_named() -> None:
    assert answered(*HERE, told=PROMPT)["prompt"] == PROMPT


def test_a_conversation_in_a_file_is_routed_as_the_api_would(tmp_path: Path) -> None:
    body = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 500, "model": "openai/gpt-5.5"}
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    found = answered("--body", str(path), "--observe", "--session", "s-1", *HERE)
    assert (found["reason"], found["selected"][0].partition("@")[0]) == ("observed", "openai/gpt-5.5")
    assert found["asked"]["max_output_tokens"] == 500
    assert found["session"]["turn"] == 1


def test_an_option_says_that_a_config_which_observes_is_not_to(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    shutil.copytree(ROOT / "registry", folder)
    config = folder / "routers/cheap.yaml"
    config.write_text(f"{config.read_text()}observe: true\n")
    asked = (PROMPT, "--config", "cheap", "--own-model", "openai/gpt-5.5", *HERE[:3], str(folder))
    assert answered(*asked)["reason"] == "observed"
    assert answered(*asked, "--no-observe")["shadow"] is None


def test_a_running_service_is_asked_and_records(service: str) -> None:
    found = answered(PROMPT, "--server", service, "--threshold", "0.6", "--task", "from afar")
    assert (found["recorded"], found["completion_threshold"], found["task"]) == (True, 0.6, "from afar")
    assert run(PROMPT, "--server", f"{service}/", "-q").stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((PROMPT, "--server", "http://127.0.0.1:9", "-q"), "no answer of a Pointsman service"),
        ((PROMPT, "--server", "nowhere", "-q"), "no answer of a Pointsman service"),
        (("--body", "{missing}", *HERE), "not JSON"),
        ((PROMPT, "--observe", *HERE), "own_model: missing"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")
    done = run(*(str(wrong) if one == "{missing}" else one for one in arguments))
    assert done.exit_code != 0
    assert words in f"{done.exception} {done.output}"


def test_what_the_service_refuses_is_told_in_its_words(service: str) -> None:
    assert "There is no config 'chaep'. Use one of" in str(
        run(PROMPT, "--server", service, "--config", "chaep").exception
    )


def test_one_thing_is_routed_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text("{}")
    assert "one of them" in run(PROMPT, "--body", str(path), *HERE).output
    assert "leave out --server" in run("--batch", str(path), "--server", "http://127.0.0.1:9").output


def test_colour_is_only_for_who_wants_it() -> None:
    def shown(**environment: str) -> str:
        done = CliRunner(env=environment).invoke(cli, ["route", PROMPT, *HERE], color=True)
        return done.stdout

    assert "\x1b[1m→" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in run(PROMPT, *HERE).stdout
