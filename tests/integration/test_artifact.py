"""The artifact: whatever is damaged, missing or mismatched is refused by name, before anything is served."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pointsman.artifact.integrity import sha256_of
from pointsman.artifact.load import LEARNED_FILES, load_artifact, load_embedder
from pointsman.artifact.manifest import other_weights, read_manifest
from pointsman.errors import ArtifactError
from pointsman.router import Router
from pointsman.routing.refinement import SHAPES

from artifacts_build.packaging.weights import join_embedder
from tests.conftest import ROOT


@pytest.fixture
def copy(artifact_folder: Path, tmp_path: Path) -> Path:
    """A copy of the real artifact; hard links, so a test must replace a file and never write into it."""

    def link(source: str, target: str) -> None:
        os.link(source, target)

    target = tmp_path / "artifact"
    try:
        shutil.copytree(artifact_folder, target, copy_function=link)
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(artifact_folder, target)
    return target


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    replace(path, json.dumps(document).encode())


def refused(folder: Path) -> str:
    with pytest.raises(ArtifactError) as raised:
        load_embedder(load_artifact(folder))
    return raised.value.detail


def test_a_whole_artifact_loads(copy: Path) -> None:
    artifact = load_artifact(copy)
    assert load_embedder(artifact).fingerprint == artifact.manifest.embedder.fingerprint


FILES = [
    "predictor.npz",
    *LEARNED_FILES,
    "MODEL_CARD.md",
    "embedder/tokenizer.json",
    "embedder/model.onnx",
    "embedder/LICENSE",
]


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused_by_name(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    replace(copy / name, content[: len(content) // 2])
    message = refused(copy)
    assert name in message
    assert "make artifact" in message


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_noticed(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    replace(copy / name, bytes(content))
    assert name in refused(copy)


@pytest.mark.parametrize("name", [*FILES, "manifest.json", "embedder/embedder.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{copy / name}: no such file" in refused(copy)


def test_a_missing_folder_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="make artifact"):
        Router.load(artifact=tmp_path / "nowhere", registry=ROOT / "registry")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_refused(copy: Path, content: bytes) -> None:
    replace(copy / "manifest.json", content)
    assert "manifest.json" in refused(copy)


def test_another_format_version_is_refused_with_both_versions(copy: Path) -> None:
    edit_json(copy / "manifest.json", lambda d: d.update(format_version=3))
    message = refused(copy)
    assert "version 2" in message
    assert "3" in message


def without(document: dict[str, Any], *names: str, version: int = 2) -> None:
    document["format_version"] = version
    for name in names:
        del document["files"][name]


def test_an_older_artifact_of_the_formula_alone_still_decides(copy: Path) -> None:
    edit_json(copy / "manifest.json", lambda d: without(d, *LEARNED_FILES, version=1))
    found = Router.load(artifact=copy, registry=ROOT / "registry").decide("What is 1+1?")
    assert found.selected
    assert load_artifact(copy).predictor.learned is None


def test_an_older_artifact_with_a_refinement_still_loads(copy: Path) -> None:
    d = load_artifact(copy).manifest.embedder.dimensions
    sizes = {"d": d, "K": 2, "m": 1, "d+K": d + 2}
    arrays = {name: np.zeros([n if isinstance(n, int) else sizes[n] for n in shape]) for name, shape in SHAPES.items()}
    np.savez(copy / "refinement.npz", allow_pickle=False, **arrays, model_ids=np.array(["acme/one"]))
    content = (copy / "refinement.npz").read_bytes()
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    def older(document: dict[str, Any]) -> None:
        without(document, *LEARNED_FILES, version=1)
        document["files"]["refinement.npz"] = entry

    edit_json(copy / "manifest.json", older)
    predictor = load_artifact(copy).predictor
    assert predictor.refinement is not None
    assert predictor.refinement.model_ids == ("acme/one",)
    assert Router.load(artifact=copy, registry=ROOT / "registry").decide("What is 1+1?").selected


@pytest.mark.parametrize("name", LEARNED_FILES)
def test_what_is_learned_is_there_as_a_whole_or_not_at_all(copy: Path, name: str) -> None:
    edit_json(copy / "manifest.json", lambda d: without(d, name))
    message = refused(copy)
    assert f"without {name}" in message


def test_settings_of_the_embedder_that_were_changed_are_noticed(copy: Path) -> None:
    edit_json(copy / "embedder/embedder.json", lambda d: d.update(prefix="Translate: "))
    assert "embedder.json: sha256" in refused(copy)


def test_an_embedder_that_the_weights_were_not_trained_for_is_refused(copy: Path) -> None:
    edit_json(copy / "embedder/embedder.json", lambda d: d.update(fingerprint="0" * 64))
    assert "is not the one that the weights were trained for" in refused(copy)


def test_a_manifest_that_lists_a_file_outside_the_folder_is_refused(copy: Path) -> None:
    entry = {"sha256": "0" * 64, "bytes": 1}
    edit_json(copy / "manifest.json", lambda d: d["files"].update({"../secret": entry}))
    assert "outside the folder" in refused(copy)


def test_a_view_larger_than_the_embedders_window_is_refused(copy: Path) -> None:
    edit_json(copy / "manifest.json", lambda d: d["view"].update(max_tokens=100_000))
    assert "do not fit" in refused(copy)


def with_arrays(copy: Path, **arrays: Any) -> None:
    """Replace arrays of the predictor and make the manifest agree, as a wrong build would."""
    path = copy / "predictor.npz"
    with np.load(path, allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files}
    path.unlink()
    np.savez(path, **{**kept, **arrays})
    sha256 = sha256_of(path)
    edit_json(copy / "manifest.json", lambda d: d["files"]["predictor.npz"].update(sha256=sha256))


def test_arrays_of_another_dimension_are_refused(copy: Path) -> None:
    with_arrays(copy, difficulty_weights=np.zeros(511, np.float32))
    assert "difficulty_weights" in refused(copy)


def test_a_pickle_in_the_arrays_is_never_read(copy: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(copy / "exploded"),))

    bomb = np.empty((3,), dtype=object)
    bomb[0] = Bomb()
    with_arrays(copy, coefficients=bomb)
    assert "not plain numpy arrays" in refused(copy)
    assert not (copy / "exploded").exists()


def test_a_model_that_is_no_onnx_is_refused_in_one_line(copy: Path) -> None:
    path = copy / "embedder/model.onnx"
    replace(path, b"this is no model")
    sha256 = sha256_of(path)
    edit_json(copy / "embedder/embedder.json", lambda d: d["files"].update({"model.onnx": sha256}))
    settings = sha256_of(copy / "embedder/embedder.json")
    edit_json(copy / "manifest.json", lambda d: d["files"]["embedder/model.onnx"].update(sha256=sha256))
    edit_json(copy / "manifest.json", lambda d: d["files"]["embedder/embedder.json"].update(sha256=settings))
    message = refused(copy)
    assert "onnxruntime cannot load it" in message
    assert "\n" not in message


def test_weights_are_not_assembled_with_another_embedder(tmp_path: Path, copy: Path) -> None:
    edit_json(copy / "embedder/embedder.json", lambda d: d.update(fingerprint="0" * 64))
    with pytest.raises(ArtifactError, match="is not the one that"):
        join_embedder(ROOT / "weights/default", copy / "embedder", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if path.name != "artifact"] == []


def test_the_built_artifact_is_the_committed_weights(artifact_folder: Path) -> None:
    for name in ("predictor.npz", "MODEL_CARD.md"):
        assert sha256_of(artifact_folder / name) == sha256_of(ROOT / "weights/default" / name)


@pytest.mark.parametrize("name", ["predictor.npz", "MODEL_CARD.md", "embedder/model.onnx", "embedder/LICENSE"])
def test_a_size_that_is_not_the_files_is_noticed(copy: Path, name: str) -> None:
    edit_json(copy / "manifest.json", lambda d: d["files"][name].update(bytes=5))
    message = refused(copy)
    assert f"files: {name} has" in message
    assert "bytes and not 5" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["metrics"].update(auc=float("nan")), "metrics"),
        (lambda d: d["training"].update(rows=[1, {"share": float("inf")}]), "rows.1.share is inf"),
        (lambda d: d.update(created="yesterday"), "created"),
        (lambda d: d.update(created="2026-02-30"), "created"),
        (lambda d: d["view"].update(head_tokens=10**6), "view"),
        (lambda d: d["view"].update(max_tokens="256"), "view.max_tokens"),
        (lambda d: d["files"]["predictor.npz"].update(bytes=-1), "bytes"),
        (lambda d: d["embedder"].update(dimensions=512.5), "dimensions"),
    ],
)
def test_numbers_of_the_manifest_that_cannot_be_are_refused(copy: Path, change: Any, said: str) -> None:
    edit_json(copy / "manifest.json", change)
    assert said in refused(copy)


def test_an_artifact_that_was_built_from_other_weights_than_the_checkouts_is_told(tmp_path: Path) -> None:
    built, weights = tmp_path / "layers/artifacts/default", tmp_path / "weights/default"
    built.mkdir(parents=True)
    weights.mkdir(parents=True)
    document = json.loads((ROOT / "weights/default/manifest.json").read_text())
    (weights / "manifest.json").write_text(json.dumps(document))
    extra = {"embedder/model.onnx": {"sha256": "0" * 64, "bytes": 1}}
    (built / "manifest.json").write_text(json.dumps({**document, "files": {**document["files"], **extra}}))
    manifest, _ = read_manifest(built)
    assert other_weights(built, manifest) is None
    document["files"]["work.npz"]["sha256"] = "1" * 64
    (weights / "manifest.json").write_text(json.dumps(document))
    assert other_weights(built, manifest) == weights
    # An artifact that lies elsewhere has no weights beside it.
    assert other_weights(tmp_path / "layers/elsewhere/default", manifest) is None
    assert other_weights(Path("/default"), manifest) is None
    (weights / "manifest.json").unlink()
    assert other_weights(built, manifest) is None
