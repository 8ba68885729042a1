"""The wheel works anywhere: installed in a fresh environment, away from the source tree, it serves."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from artifacts_build.packaging.wheel import build_wheel
from tests.conftest import ROOT


@pytest.mark.slow
def test_an_installed_wheel_decides_away_from_the_source_tree(artifact_folder: Path, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "dist", artifact_folder, ROOT / "registry", ROOT / "web")
    # Dependencies come from the environment of the tests, so that no network is needed; pointsman does not.
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env/bin/python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*install, str(wheel)], check=True)
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    code = f"import sys; sys.path.append({dependencies!r}); import pointsman.cli.main; pointsman.cli.main()"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(
        [python, "-c", code, "route", "What is 1+1?", "--json"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["selected"]
    names = subprocess.run(
        [python, "-c", f"import sys; sys.path.append({dependencies!r}); import pointsman; print(pointsman.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(tmp_path) in names
    bundle = Path(names.strip()).parent / "_bundle"
    assert (bundle / "web/index.html").exists()
    shipped = {path.name for path in (bundle / "registry/models").glob("*.yaml")}
    assert shipped == {path.name for path in (ROOT / "registry/models").glob("*.yaml")}
