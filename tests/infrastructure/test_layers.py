"""The layers' requirements and how they are trimmed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from scripts import costs
from tests.conftest import ROOT
from tests.infrastructure.template import RESOURCES

DEPENDENCIES = ROOT / "layers/dependencies"
REQUIREMENT = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?([<>=][^\s#]*)", re.MULTILINE)


def ranges(text: str) -> dict[str, str]:
    return dict(REQUIREMENT.findall(text))


def test_layers_take_the_ranges_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    known = ranges("\n".join([*project["dependencies"], *extras["aws"], *extras["functions"]]))
    for name in ("light", "embedding"):
        asked = ranges((DEPENDENCIES / f"{name}.in").read_text())
        assert asked
        assert asked == {package: known[package] for package in asked}


def test_what_serving_needs_is_in_a_layer_and_what_a_laptop_needs_is_not() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    both = {p for name in ("light", "embedding") for p in ranges((DEPENDENCIES / f"{name}.in").read_text())}
    laptop = {"pyyaml", "click", "uvicorn"}
    assert set(ranges("\n".join(project["dependencies"]))) - both == laptop


def test_trimming_keeps_what_serves_and_deletes_what_does_not(tmp_path: Path) -> None:
    kept = [
        "onnxruntime/capi/libonnxruntime_providers_shared.so",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/endpoints.json",
        "numpy.libs/libopenblas.so",
        "numpy-2.4.dist-info/METADATA",
        "numpy-2.4.dist-info/licenses/LICENSE.txt",
        "package/module.py",
    ]
    deleted = [
        "onnxruntime/transformers/x.py",
        "onnxruntime/capi/libonnxruntime.so.1.32.0",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "numpy/_core/tests/test_x.py",
        "numpy/__init__.pyi",
        "numpy-2.4.dist-info/RECORD",
        "package/__pycache__/module.cpython-311.pyc",
        "bin/tool",
    ]
    for name in (*kept, *deleted):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    subprocess.run([sys.executable, str(DEPENDENCIES / "trim.py"), str(tmp_path)], check=True, capture_output=True)
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert [name for name in deleted if (tmp_path / name).exists()] == []


def test_the_costs_in_the_documentation_are_what_the_script_computes() -> None:
    text = costs.TARGET.read_text(encoding="utf-8")
    written = text.split(costs.BEGIN)[1].split(costs.END)[0]
    assert written == costs.document(), "run make docs"
    alarms = [r for r in RESOURCES.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == costs.ALARMS
