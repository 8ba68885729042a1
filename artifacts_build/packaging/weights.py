"""Weights and embedder to one artifact folder: what the layer holds and the server loads.

Weights are committed (kilobytes), embedders are built (megabytes); the artifact is both, with a manifest
that lists every file.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pointsman.artifact.integrity import checked_file, sha256_of
from pointsman.artifact.load import (
    CARD_FILE,
    EMBEDDER_FOLDER,
    LEARNED_FILES,
    PREDICTOR_FILE,
    REFINEMENT_FILE,
    load_artifact,
    load_embedder,
    read_fitting_settings,
)
from pointsman.artifact.manifest import MANIFEST_FILE, Manifest, read_manifest
from pointsman.embedders.onnx import SETTINGS_FILE
from pointsman.routing.predictor import Predictor

from artifacts_build.packaging.folders import whole_folder


def write_weights(out: Path, manifest: dict[str, Any], predictor: Predictor, card: str) -> None:
    """A weights folder: an artifact that lacks only its embedder's files."""
    with whole_folder(out) as scratch:
        # numpy dates the members of an .npz 1980-01-01, so the same arrays give the same bytes.
        np.savez(scratch / PREDICTOR_FILE, allow_pickle=False, **predictor.to_arrays())
        if predictor.refinement is not None:
            np.savez(scratch / REFINEMENT_FILE, allow_pickle=False, **predictor.refinement.to_arrays())
        if (learned := predictor.learned) is not None:
            parts = (learned.difficulty.to_arrays(), learned.hierarchy.to_arrays(), learned.work.to_arrays())
            for file, arrays in zip(LEARNED_FILES, parts, strict=True):
                np.savez_compressed(scratch / file, allow_pickle=False, **arrays)
        (scratch / CARD_FILE).write_text(card, encoding="utf-8")
        files = {path.name: _entry(path) for path in sorted(scratch.iterdir())}
        _write_manifest(scratch, {**manifest, "files": files})


def join_embedder(weights: Path, embedder: Path, out: Path, check: Callable[[Path], object] | None = None) -> None:
    """Put a weights folder and an embedder folder together, and check the result by loading it.

    `check` may look at the folder before it takes its place; what it raises keeps it from doing so.

    Raises:
        ArtifactError: a file is damaged, or the weights were trained for another embedder.
    """
    manifest, _ = read_manifest(weights)
    settings = read_fitting_settings(embedder, manifest.embedder)
    with whole_folder(out) as scratch:
        for name, entry in manifest.files.items():
            shutil.copyfile(checked_file(weights / name, entry.sha256), scratch / name)
        (scratch / EMBEDDER_FOLDER).mkdir()
        for name, sha256 in settings.files.items():
            source = checked_file(embedder / name, sha256)
            shutil.copyfile(source, scratch / EMBEDDER_FOLDER / name)
        shutil.copyfile(embedder / SETTINGS_FILE, scratch / EMBEDDER_FOLDER / SETTINGS_FILE)
        names = (*settings.files, SETTINGS_FILE)
        files = {f"{EMBEDDER_FOLDER}/{name}": _entry(scratch / EMBEDDER_FOLDER / name) for name in names}
        document = manifest.model_dump(mode="json")
        _write_manifest(scratch, {**document, "files": {**document["files"], **files}})
        load_embedder(load_artifact(scratch))
        if check is not None:
            check(scratch)


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}


def _write_manifest(folder: Path, document: dict[str, Any]) -> None:
    Manifest.model_validate(document)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")
