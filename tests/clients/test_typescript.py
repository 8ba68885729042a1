"""The TypeScript client: compiled against the API's own description, and tested in Node with the real AI SDK.

`make typescript-tools` installs what this needs from npm; where it is absent the tests are skipped, unless
POINTSMAN_REQUIRE_CLIENTS says that it must be there.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pointsman
import pytest
from pointsman.router import Router

from scripts import client_types
from tests.clients.upstream import upstream_server
from tests.conftest import ROOT

CLIENT = ROOT / "clients/typescript"
PAGE = ROOT / "docs/clients/typescript.md"


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=CLIENT, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=600
    )


def tsc(project: str) -> None:
    done = run("node_modules/.bin/tsc", "--project", project)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def built(real_router: Router) -> Path:
    """The client, compiled with types made anew: one that does not agree with the API is no client."""
    if not (CLIENT / "node_modules/.installed").exists() or not shutil.which("node"):
        message = "the TypeScript client is not installed: make typescript-tools (needs Node's npm)"
        if os.environ.get("POINTSMAN_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"{message}, and POINTSMAN_REQUIRE_CLIENTS=1")
        pytest.skip(message)
    client_types.TARGET.write_text(client_types.types(real_router, CLIENT), encoding="utf-8")
    for made in ("dist", "dist-test"):
        shutil.rmtree(CLIENT / made, ignore_errors=True)
    tsc("tsconfig.json")
    tsc("test/tsconfig.json")
    return CLIENT


@pytest.fixture
def upstream() -> Iterator[str]:
    with upstream_server() as provider:
        yield provider.url


def node_test(file: str, most: int, **env: str) -> None:
    """Run a file of tests; `most` of them at least."""
    done = run("node", "--test", f"dist-test/{file}", **env)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(?:#|ℹ) pass (\d+)", done.stdout)
    assert passed
    assert int(passed[1]) >= most


@pytest.mark.usefixtures("built")
def test_whatever_the_service_does_the_callers_request_goes_on(pointsman: str) -> None:
    node_test("client.test.js", 30, POINTSMAN_UNDER_TEST=pointsman)


@pytest.mark.usefixtures("built")
def test_the_ai_sdk_calls_the_model_that_is_chosen(pointsman: str, upstream: str) -> None:
    node_test("ai.test.js", 19, POINTSMAN_UNDER_TEST=pointsman, UPSTREAM_UNDER_TEST=upstream)


@pytest.mark.usefixtures("built")
def test_the_package_holds_the_client_and_nothing_else(tmp_path: Path) -> None:
    done = run("npm", "pack", "--dry-run", "--json", "--ignore-scripts", npm_config_cache=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (packed,) = json.loads(done.stdout)
    names = {file["path"] for file in packed["files"]}
    assert {
        "package.json",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/ai.js",
        "dist/ai.d.ts",
        "LICENSE",
        "README.md",
    } <= names
    assert [
        name for name in names if not name.startswith("dist/") and name not in ("package.json", "LICENSE", "README.md")
    ] == []
    assert packed["version"] == pointsman.__version__


def test_the_package_needs_nothing_and_its_lock_names_no_other_registry() -> None:
    package = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in package
    assert "peerDependencies" not in package
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    resolved = [one["resolved"] for one in lock["packages"].values() if "resolved" in one]
    assert [url for url in resolved if not url.startswith("https://registry.npmjs.org/")] == []
    assert all("integrity" in one for name, one in lock["packages"].items() if name)


def test_the_snippets_of_the_page_are_programs_that_compile(built: Path) -> None:
    snippets = re.findall(r"```ts\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) >= 4
    folder = built / "dist-test/snippets"
    folder.mkdir(parents=True, exist_ok=True)
    for number, snippet in enumerate(snippets):
        (folder / f"snippet{number}.ts").write_text(snippet, encoding="utf-8")
    settings = json.loads((built / "test/tsconfig.json").read_text(encoding="utf-8"))
    options = {**settings["compilerOptions"], "noEmit": True, "noUnusedLocals": False, "rootDir": "."}
    extends = {"extends": "../../tsconfig.json", "compilerOptions": options, "include": ["."]}
    (folder / "tsconfig.json").write_text(json.dumps(extends), encoding="utf-8")
    tsc("dist-test/snippets/tsconfig.json")
