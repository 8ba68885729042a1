"""What is deployed, in bytes: Lambda unpacks at most 262,144,000 of a function and its layers."""

from pathlib import Path

import pytest

from scripts.sam_local import stack
from scripts.sam_local.engine import RUNTIME, Engine
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


def test_the_licences_of_what_is_shipped_are_shipped(containers: Engine) -> None:
    assert containers
    folder = stack.TEMPLATE.parent / "EmbeddingLayer/python"
    for package in ("numpy", "tokenizers", "onnxruntime"):
        found = [p for p in folder.rglob("*") if "licen" in p.name.lower() and package in str(p.relative_to(folder))]
        assert found, package
