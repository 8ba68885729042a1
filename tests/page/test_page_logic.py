"""The page's logic without a browser: its own tests under Node, types of the API's description, the server's policy.

`make page-tools` installs what this needs under build/page; where it is absent the tests are skipped, unless
POINTSMAN_REQUIRE_PAGE_TOOLS says that it must be there.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pointsman.router import Router

from scripts import client_types
from tests.browser.test_replay import decided, random_case
from tests.conftest import ROOT

TOOLS = ROOT / "build/page"
TYPES = TOOLS / "api.d.ts"
# Node 22 finds out by itself that a file is a module; Node 20 is asked to.
NODE = ("node", "--experimental-detect-module", "--disable-warning=ExperimentalWarning")
# What would take a line or a value out of the check.
WAYS_OUT = re.compile(r"@ts-(ignore|nocheck|expect-error)|[{<(|,:] *any *[})>|,\[]")


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    if (TOOLS / ".installed").exists() and shutil.which("node"):
        return
    message = "no build/page: make page-tools installs it (needs Node's npm)"
    if os.environ.get("POINTSMAN_REQUIRE_PAGE_TOOLS") == "1":
        pytest.fail(f"{message}, and POINTSMAN_REQUIRE_PAGE_TOOLS=1")
    pytest.skip(message)


@pytest.fixture(scope="module")
def types(real_router: Router) -> Path:
    """The API's types, made anew from its description."""
    TYPES.write_text(client_types.types(real_router, TOOLS), encoding="utf-8")
    return TYPES


def run(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)


def check_types(project: Path) -> subprocess.CompletedProcess[str]:
    return run(f"{TOOLS}/node_modules/.bin/tsc", "--project", str(project))


def test_the_pages_logic_passes_its_own_tests() -> None:
    files = sorted(str(path) for path in (ROOT / "tests/page").glob("*.test.mjs"))
    tested = {re.sub(r"\.test\.mjs$", "", Path(path).name) for path in files}
    assert tested == {"format", "policy", "save", "scale", "table", "tokens"}
    done = run(*NODE, "--test", *files)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(?:#|ℹ) pass (\d+)", done.stdout)
    assert passed
    assert int(passed[1]) >= 40


def test_the_page_decides_as_the_server_without_a_browser_too() -> None:
    cases = [random_case(seed) for seed in range(1000, 1500)]
    done = run(*NODE, "tests/page/replay.mjs", stdin=json.dumps(cases))
    assert done.returncode == 0, done.stderr
    # Equal to the last bit: no tolerance.
    pairs = zip(json.loads(done.stdout), [decided(case) for case in cases], strict=True)
    assert [replayed for replayed, expected in pairs if replayed != expected] == []


@pytest.mark.usefixtures("types")
def test_the_pages_modules_agree_with_the_types_of_the_api() -> None:
    done = check_types(ROOT / "tests/page/tsconfig.json")
    assert done.returncode == 0, done.stdout


def test_every_module_of_the_page_is_checked_and_nothing_in_it_is_excused() -> None:
    modules = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "web").rglob("*.js")}
    assert len(modules) >= 30
    assert [name for name, text in modules.items() if not text.startswith("// @ts-check\n")] == []
    assert [(name, found[0]) for name, text in modules.items() for found in WAYS_OUT.finditer(text)] == []


def test_a_field_that_the_api_does_not_have_is_found(types: Path, tmp_path: Path) -> None:
    kind = f'import("{types}").components["schemas"]["SummaryOut"]'
    (tmp_path / "wrong.js").write_text(
        f"// @ts-check\n/** @param {{{kind}}} call */\nexport const f = (call) => call.costs;\n"
    )
    settings = json.loads((ROOT / "tests/page/tsconfig.json").read_text())
    (tmp_path / "tsconfig.json").write_text(json.dumps({**settings, "include": ["wrong.js"]}))
    done = check_types(tmp_path / "tsconfig.json")
    assert done.returncode != 0
    assert "'costs' does not exist" in done.stdout
