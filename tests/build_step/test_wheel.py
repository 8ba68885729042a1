"""The wheel works anywhere: installed in a fresh environment, far from any checkout, it decides and trains."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pointsman.errors import StartupError

from artifacts_build.packaging import wheel
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]

KINDS = (
    "What is {0} + {0}?",
    "Say {0} in Thai.",
    "Prove that {0} divides F({0}).",
    "Derive the hierarchy at order {0}.",
)
SCORED = ("anthropic/claude-opus-5", "google/gemini-2.5-flash-lite", "openai/gpt-5.4-mini", "qwen/qwen3.8-flash")


@pytest.fixture(scope="module")
def built(artifact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build_wheel(tmp_path_factory.mktemp("dist"), artifact_folder, ROOT / "registry", ROOT / "web")


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a module of the installed wheel, in a folder far from the checkout.

    Dependencies come from the environment of the tests, so that no network is needed; nothing of ours does.
    """
    away = tmp_path_factory.mktemp("away")
    venv.create(away / "env", with_pip=False)
    python = away / "env/bin/python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*map(str, install), str(built)], check=True)
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        code = (
            f"import sys, runpy; sys.path.append({dependencies!r}); runpy.run_module({module!r}, run_name='__main__')"
        )
        command = [str(python), "-c", code, *arguments]
        return subprocess.run(command, cwd=away, env=env, capture_output=True, text=True, check=False)

    return run


def test_an_installed_wheel_decides_away_from_the_source_tree(installed: Run) -> None:
    result = installed("pointsman", "route", "What is 1+1?", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["selected"]


def test_an_installed_wheel_trains_on_200_rows_and_decides_with_what_it_learned(installed: Run, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    with rows.open("w") as stream:
        for i in range(50):
            for j, model in enumerate(SCORED):
                prompt, score = KINDS[i % 4].format(i), float((7 * i + 3 * j) % 10 >= 3 * (i % 4) - j)
                row = {"prompt_id": f"p{i}", "prompt": prompt, "model_id": model, "score": score}
                stream.write(json.dumps({**row, "source": "easy" if i % 4 < 2 else "hard"}) + "\n")
    trained = installed("artifacts_build", "train", "--dataset", f"rows:{rows}", "--out", "mine", "--name", "mine")
    assert trained.returncode == 0, trained.stderr
    assert "200 responses of 4 models" in trained.stderr
    assert "| all sources |" in trained.stdout
    joined = installed("artifacts_build", "artifact", "--weights", "mine", "--out", "artifact")
    assert joined.returncode == 0, joined.stderr
    decided = installed("pointsman", "route", "What is 1+1?", "--json", "--artifact", "artifact")
    assert decided.returncode == 0, decided.stderr
    assert (
        json.loads(decided.stdout)["difficulty"]
        != json.loads(installed("pointsman", "route", "What is 1+1?", "--json").stdout)["difficulty"]
    )


def test_a_wheel_holds_library_build_step_data_page_and_licences(built: Path) -> None:
    names = set(zipfile.ZipFile(built).namelist())
    assert {"pointsman/_bundle/web/index.html", "pointsman/_bundle/artifact/embedder/LICENSE"} <= names
    models = {path.name for path in (ROOT / "registry/models").glob("*.yaml")}
    assert {Path(name).name for name in names if "_bundle/registry/models/" in name} == models
    info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= names
    tracked = subprocess.run(["git", "ls-files", "artifacts_build"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode == 0:  # A source archive has no git.
        assert set(tracked.stdout.split()) <= names


def test_two_wheels_of_the_same_sources_have_the_same_bytes(built: Path, artifact_folder: Path, tmp_path: Path) -> None:
    again = wheel.build_wheel(tmp_path, artifact_folder, ROOT / "registry", ROOT / "web")
    assert again.read_bytes() == built.read_bytes()


def test_a_wheel_cannot_be_built_where_there_are_no_sources(
    artifact_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "ROOT", tmp_path)
    with pytest.raises(StartupError, match="in a checkout, with `make wheel`"):
        wheel.build_wheel(tmp_path / "dist", artifact_folder, ROOT / "registry", ROOT / "web")
