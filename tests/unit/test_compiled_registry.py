"""The compiled registry: the same registry, without YAML."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pointsman.errors import ArtifactError, RegistryError
from pointsman.registry import load_registry

from artifacts_build.packaging.compiled_registry import write_compiled_registry
from tests.conftest import ROOT, WriteRegistry, model_yaml


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    write_compiled_registry(ROOT / "registry", ROOT / "weights/default", tmp_path / "out")
    return tmp_path / "out/registry.json"


def test_a_compiled_registry_is_the_same_registry(compiled: Path) -> None:
    folder, file = load_registry(ROOT / "registry"), load_registry(compiled)
    assert (file.models, file.configs, file.digest) == (folder.models, folder.configs, folder.digest)
    assert [m.capability for m in file.models.values()] == [m.capability for m in folder.models.values()]


def test_the_artifacts_manifest_is_beside_it_byte_for_byte(compiled: Path) -> None:
    assert (compiled.parent / "manifest.json").read_bytes() == (ROOT / "weights/default/manifest.json").read_bytes()


def test_reading_it_does_not_import_yaml(compiled: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pointsman.registry import load_registry; "
        f"load_registry(Path({str(compiled)!r})); print('yaml' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_registry_with_a_fault_is_not_compiled(write_registry: WriteRegistry, tmp_path: Path) -> None:
    source = write_registry({"a.yaml": model_yaml("acme/a", price=-1)}, {})
    with pytest.raises(RegistryError):
        write_compiled_registry(source, ROOT / "weights/default", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_manifest_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        write_compiled_registry(ROOT / "registry", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": 3}, "format_version"),
        ({"format": "other"}, "format"),
        ({"digest": "x"}, "digest"),
        ({"models": []}, "which is not in it"),
        ({"models": [{"model_id": "x"}]}, "models.0"),
        ({"more": 1}, "more"),
    ],
)
def test_a_file_that_is_not_one_says_what_to_do(compiled: Path, change: dict[str, object], said: str) -> None:
    compiled.write_text(json.dumps({**json.loads(compiled.read_text()), **change}))
    with pytest.raises(RegistryError, match=said) as raised:
        load_registry(compiled)
    assert "artifacts_build compile-registry" in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_says_so(compiled: Path, text: str) -> None:
    compiled.write_text(text)
    with pytest.raises(RegistryError, match="Compile it again"):
        load_registry(compiled)
