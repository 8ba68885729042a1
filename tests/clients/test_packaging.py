"""The client is a package of its own: a caller installs httpx with it and no server."""

import json
import subprocess
import tomllib
from pathlib import Path

import pointsman
import pointsman_client

from tests.conftest import ROOT


def test_client_and_service_have_one_version() -> None:
    project = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert project["version"] == pointsman_client.__version__ == pointsman.__version__
    assert extras["client"] == [f"pointsman-client=={pointsman.__version__}"]
    assert extras["litellm"] == [f"pointsman-client[litellm]=={pointsman.__version__}"]


def test_the_client_runs_where_no_server_is_installed(clients_python: Path) -> None:
    code = "import json, sys, pointsman_client; print(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    done = subprocess.run([clients_python, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pointsman", "onnxruntime", "numpy", "fastapi"} & set(json.loads(done.stdout))
