"""Every command in the README, in docs/ and on the clients' own pages is run as it stands, or has a reason against it.

`pointsman` commands run whole, DynamoDB's against an AWS in this process. What trains or exports for minutes is parsed
by the command that it names, so that an option which is not there is found; tests/build_step runs those commands on
small data. `make` says what it would do.
"""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pointsman.cli.main import cli as pointsman
from pointsman.compose import open_history
from pointsman.router import Router
from pointsman.settings import load_settings

from artifacts_build.commands.main import cli as artifacts_build
from tests.conftest import ROOT, MakeTable

PAGES = [
    str(page.relative_to(ROOT))
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "clients/*/README.md")
    for page in sorted(ROOT.glob(pattern))
]
# What starts with these cannot be run here.
NOT_RUN = {
    "aws ": "needs an account of AWS",
    "sam ": "needs an account of AWS; tests/sam runs `sam local`",
    "hf ": "downloads from a model hub",
    "git clone": "downloads from a public host",
    "curl -s API_URL": "needs a deployed stack; tests/sam asks the same of `sam local`",
    "curl -s http://127.0.0.1:8080/api/route": "test_readme.py asks this of the router and compares the answer",
    'pointsman route "What is 1+1?" --server': "needs a running service; test_cli_route.py asks one",
    "claude mcp add": "another program's; test_mcp.py speaks to `pointsman mcp` itself",
    "litellm ": "the real proxy has an environment of its own; tests/clients/test_litellm.py starts it there",
    "uvicorn --app-dir examples": "runs until it is stopped; tests/clients/test_recipes.py starts and stops it",
    "llm ": "the llm command has an environment of its own; tests/clients/test_recipes.py runs it there",
    "pointsman serve": "runs until it is stopped; test_cli.py starts and stops it",
}
BUILD = ("python -m artifacts_build", "$A")
RECORD_ID = "01M82Z82Z4MCQQ1X9T2N2H6NXX"


def commands() -> Iterator[tuple[str, str]]:
    """Page and command, a backslash at the end of a line joined with the next, comments and variables left out."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    command = re.sub(r"\s+#.*", "", line[2:]).strip()
                    command = command.replace(".venv/bin/", "")
                    if command.startswith('A="'):  # what `$A` stands for
                        continue
                    # What another program hands to ours comes from the test's own input.
                    command = re.sub(r"^.* \| (?=pointsman )", "", command)
                    yield page, re.sub(r"^(?:[A-Z_]+=\S+\s+)+", "", command)


ALL = list(dict.fromkeys(commands()))
RUN = [one for one in ALL if not one[1].startswith(tuple(NOT_RUN))]
OURS = [one for one in RUN if one[1].startswith("pointsman ")]
BUILDS = [one for one in RUN if one[1].startswith(BUILD)]
MAKES = [one for one in RUN if one[1].startswith("make ")]
INSTALLS = [one for one in RUN if one[1].startswith(("pip install", "python -m pip install"))]


def test_there_is_no_command_that_nothing_looks_at() -> None:
    assert len(ALL) > 40
    assert set(RUN) - {*OURS, *BUILDS, *MAKES, *INSTALLS} == set()
    unused = [start for start in NOT_RUN if not any(command.startswith(start) for _, command in ALL)]
    assert unused == []


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artifact_folder: Path, real_router: Router) -> Path:
    """A folder with the files that the commands name."""
    record = json.dumps({**real_router.decide("hello").to_dict(), "id": RECORD_ID})
    log = json.dumps({"event": "decision_not_recorded", "record": json.loads(record)})
    for name in ("lost.log", "function.log"):
        (tmp_path / name).write_text(f"{log}\n")
    (tmp_path / "prompts.jsonl").write_text('"What is 1+1?"\n')
    (tmp_path / "request.json").write_text('{"messages": [{"role": "user", "content": "What is 1+1?"}]}')
    (tmp_path / "tokens.json").write_text('{"tokens": []}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_ARTIFACT", str(artifact_folder))
    monkeypatch.setenv("POINTSMAN_REGISTRY", str(ROOT / "registry"))
    monkeypatch.setenv("POINTSMAN_DB", str(tmp_path / "history.db"))
    (tmp_path / "registry").symlink_to(ROOT / "registry")
    kept = open_history(load_settings())
    kept.append(json.loads(record))
    kept.close()
    return tmp_path


@pytest.mark.parametrize(("page", "command"), OURS, ids=[command for _, command in OURS])
def test_a_command_of_ours_runs_as_it_is_written(page: str, command: str, aws: MakeTable, world: Path) -> None:
    if command.startswith("pointsman history restore"):
        shutil.copy(world / "history.db", world / command.split()[-1])
    words = shlex.split(re.sub(r"\s>\s\S+$", "", command))[1:]
    table = words[words.index("--table") + 1] if "--table" in words else None
    if table:
        aws(name=table)
        if "show" in words:
            replay = [*words[: words.index("show")], "replay", "lost.log"]
            assert CliRunner().invoke(pointsman, replay, catch_exceptions=False).exit_code == 0
    done = CliRunner().invoke(pointsman, words, catch_exceptions=False, input="y\n")
    assert done.exit_code == 0, f"{page}: {done.output}"


@pytest.mark.parametrize(("page", "command"), BUILDS, ids=[command for _, command in BUILDS])
def test_a_command_of_the_build_step_takes_what_it_is_given(page: str, command: str) -> None:
    words = shlex.split(command.replace("$A", BUILD[0]))[3:]
    assert words, page
    current: click.Command = artifacts_build
    context = click.Context(current)
    while isinstance(current, click.Group) and words and not words[0].startswith("-"):
        found = current.get_command(context, words[0])
        if found is None:
            break
        current, words = found, words[1:]
    if words == ["--help"]:
        return
    # Raises UsageError where an option or a value is not one.
    made = current.make_context(current.name, list(words), resilient_parsing=False)
    assert made.args == []


@pytest.mark.parametrize(("page", "command"), MAKES, ids=[command for _, command in MAKES])
def test_a_target_of_make_is_there(page: str, command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page}: {done.stderr}"


@pytest.mark.parametrize(("page", "command"), INSTALLS, ids=[command for _, command in INSTALLS])
def test_an_extra_that_is_installed_is_one_of_the_project(page: str, command: str) -> None:
    (wanted,) = re.findall(r"(pointsman(?:-client)?|\.)(?:\[([a-z0-9,]+)\])?'?$", command)
    file = "clients/python/pyproject.toml" if wanted[0] == "pointsman-client" else "pyproject.toml"
    project = tomllib.loads((ROOT / file).read_text())["project"]
    extras = wanted[1].split(",") if wanted[1] else []
    assert wanted[0] in (".", project["name"]), page
    assert set(extras) <= set(project["optional-dependencies"]), page


def test_the_python_of_the_readme_runs(
    artifact_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POINTSMAN_ARTIFACT", str(artifact_folder))
    monkeypatch.setenv("POINTSMAN_REGISTRY", str(ROOT / "registry"))
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert capsys.readouterr().out.startswith("(")
    router = names["router"]
    assert isinstance(router, Router)
    assert "acme/new-1" in router.registry.config("auto").models
    assert 0 < router.predict("hello", ["acme/new-1"])["acme/new-1"] < 1


def test_what_contributing_tells_to_copy_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = [one for one in re.findall(r"`([\w/.-]+)`", text) if "/" in one]
    assert len(named) >= 20
    places = (ROOT, ROOT / "layers/pointsman/python", ROOT / "artifacts_build/embedders")
    assert [one for one in named if not any((place / one).exists() for place in places)] == []
