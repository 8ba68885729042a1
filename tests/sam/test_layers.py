"""What is deployed: that it is small (Lambda unpacks at most 262,144,000 bytes), compiled, and starts."""

from pathlib import Path

import pytest

from scripts.sam_local import stack
from scripts.sam_local.engine import IMAGE, RUNTIME, Engine
from tests.infrastructure.template import RESOURCES

MOST = {"RouteFunction": 210_000_000, "HistoryFunction": 40_000_000, "AuthorizeFunction": 40_000_000}


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("function", MOST)
def test_a_function_with_its_layers_is_small_enough(containers: Engine, function: str) -> None:
    assert containers
    parts = [function, *(layer["Ref"] for layer in RESOURCES[function]["Properties"]["Layers"])]
    sizes = {part: size_of(stack.TEMPLATE.parent / part) for part in parts}
    assert sum(sizes.values()) < MOST[function], sizes


@pytest.mark.parametrize("layer", ["LibraryLayer", "ServingLayer", "EmbeddingLayer"])
def test_every_module_of_a_layer_is_compiled_for_the_runtime_and_not_for_a_date(containers: Engine, layer: str) -> None:
    assert containers
    folder = stack.TEMPLATE.parent / layer / "python"
    sources = [path for path in folder.rglob("*.py") if path.parent.name != "__pycache__"]
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-{RUNTIME.replace('.', '')}.pyc"
        assert compiled.is_file(), source
        # Flags of PEP 552: checked by hash, and not even that; Lambda sets every file's date anew.
        assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", source


@pytest.mark.parametrize("function", ["route", "history"])
def test_a_function_starts_with_traces_as_on_aws(containers: Engine, function: str) -> None:
    # `sam local` switches X-Ray off, and its library reads more of the layer than our own code does.
    name, build = f"{function.title()}Function", stack.TEMPLATE.parent
    layers = [build / layer["Ref"] / "python" for layer in RESOURCES[name]["Properties"]["Layers"][:-1]]
    artifact = "ArtifactLayer/artifact" if function == "route" else "RegistryLayer/registry"
    variables = {
        "PYTHONPATH": ":".join(map(str, [build / name, *layers])),
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POINTSMAN_TABLE": "decisions",
        "POINTSMAN_ARTIFACT": str(build / artifact),
        "POINTSMAN_REGISTRY": str(build / "RegistryLayer/registry/registry.json"),
    }
    code = (
        f"import sys, functions.{function}.app, functions.shared as s; "
        "print('traced', not s.tracer.disabled, 'light', 'numpy' not in sys.modules)"
    )
    settings = [option for variable, value in variables.items() for option in ("-e", f"{variable}={value}")]
    command = ["run", "--rm", "-v", f"{build}:{build}:ro", *settings, "--entrypoint", f"/var/lang/bin/python{RUNTIME}"]
    done = containers.run(*command, IMAGE, "-c", code, capture_output=True)
    assert "cannot start" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"traced True light {function == 'history'}"


def test_the_licences_of_what_is_shipped_are_shipped(containers: Engine) -> None:
    assert containers
    folder = stack.TEMPLATE.parent / "EmbeddingLayer/python"
    for package in ("numpy", "onnxruntime"):
        found = [p for p in folder.rglob("*") if "licen" in p.name.lower() and package in str(p.relative_to(folder))]
        assert found, package
    # The wheel of tokenizers has no such file; what every wheel says of its licence is kept.
    assert "License" in next(folder.glob("tokenizers-*.dist-info/METADATA")).read_text()
