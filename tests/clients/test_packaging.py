"""The client is a package of its own: a caller installs httpx with it and no server."""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pointsman
import pointsman_client
import pytest
import yaml

from artifacts_build.packaging.wheel import build_client_wheel
from tests.clients.nasty import nasty_server
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


# What httpx is made of: all that a caller installs.
HTTPX = ("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "typing_extensions.py")


@pytest.fixture(scope="module")
def client_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_client_wheel(tmp_path_factory.mktemp("dist"))


def test_the_clients_wheel_asks_for_httpx_and_holds_the_client_alone(client_wheel: Path) -> None:
    with zipfile.ZipFile(client_wheel) as wheel:
        names = wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        needed = [line for line in wheel.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    assert [line for line in needed if "extra ==" not in line] == ["Requires-Dist: httpx<1,>=0.28"]
    assert {name.split("/")[0] for name in names} == {"pointsman_client", metadata.split("/")[0]}
    assert "pointsman_client/py.typed" in names


def test_the_client_routes_where_nothing_but_httpx_is_installed(client_wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env/bin/python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip())
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, str(client_wheel)], check=True)
    ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    for name in HTTPX:
        (site / name).symlink_to(ours / name)
    with nasty_server() as server:
        code = (
            "from pointsman_client import Client\n"
            f"with Client({server.url!r}, default='x', timeout_s=20) as client:\n"
            "    answer = client.route(prompt='Hi')\n"
            "    client.report(answer, completed=True)\n"
            "print(answer.model)"
        )
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run([python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "openai/gpt-5.6-luna"
        assert len(server.paths("/api/outcomes")) == 1


def test_the_example_configurations_parse_and_are_told_of() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/clients").glob("*.md"))
    examples = [path for path in (ROOT / "examples").rglob("*.*") if path.suffix in (".py", ".yaml", ".json")]
    assert len(examples) >= 12
    for path in examples:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".yaml":
            assert list(yaml.safe_load_all(text))
        elif path.suffix == ".json":
            assert json.loads(text)
        assert str(path.relative_to(ROOT)) in pages


def test_the_three_lines_of_the_page_are_those_of_the_example() -> None:
    (told,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/clients/litellm.md").read_text(), re.DOTALL)
    example = yaml.safe_load((ROOT / "examples/litellm.yaml").read_text())
    assert yaml.safe_load(told).items() <= example.items()


def test_the_links_of_the_clients_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs/clients").glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
