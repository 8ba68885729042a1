"""The artifact: a folder with everything learned, checked file by file before anything is used.

    manifest.json      what it is, what it was trained on, how well it does, and the sha256 of every file
    predictor.npz      the arrays of the predictor
    MODEL_CARD.md      the same for people
    embedder/          model.onnx, tokenizer.json, embedder.json

There is no pickle anywhere: arrays are read with `allow_pickle=False`.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.checks import BUILD_IT, checked_file
from pointsman.embedders import OnnxEmbedder
from pointsman.embedders.onnx import MODEL_FILE, TOKENIZER_FILE, EmbedderSettings, read_settings
from pointsman.errors import ArtifactError
from pointsman.manifest import MANIFEST_FILE, EmbedderIdentity, Manifest, read_manifest
from pointsman.predictor import Predictor

PREDICTOR_FILE = "predictor.npz"
CARD_FILE = "MODEL_CARD.md"
EMBEDDER_FOLDER = "embedder"


@dataclass(frozen=True)
class Artifact:
    """A checked artifact; `digest` (sha256 of its manifest) names exactly this one."""

    folder: Path
    manifest: Manifest
    digest: str
    predictor: Predictor


def load_artifact(folder: Path) -> Artifact:
    """Read and check the manifest and the predictor; every listed file must be the one that was built.

    Raises:
        ArtifactError: a file is missing, truncated, damaged, or does not fit the others.
    """
    manifest, digest = read_manifest(folder)
    for name, entry in manifest.files.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ArtifactError(f"{folder / MANIFEST_FILE}: files: {name!r} is outside the folder.")
        # The embedder's own files are checked as they are read.
        if not name.startswith(f"{EMBEDDER_FOLDER}/"):
            checked_file(folder / name, entry.sha256)
    if PREDICTOR_FILE not in manifest.files:
        raise ArtifactError(f"{folder / MANIFEST_FILE}: files: {PREDICTOR_FILE} is not listed. {BUILD_IT}")
    arrays = read_arrays((folder / PREDICTOR_FILE).read_bytes(), folder / PREDICTOR_FILE)
    try:
        predictor = Predictor.from_arrays(arrays, manifest.embedder.dimensions)
    except ValueError as error:
        raise ArtifactError(f"{folder / PREDICTOR_FILE}: {error}. {BUILD_IT}") from None
    return Artifact(folder, manifest, digest, predictor)


def read_fitting_settings(folder: Path, trained: EmbedderIdentity) -> EmbedderSettings:
    """The settings of the embedder in a folder, which must be the one that weights were trained for.

    Raises:
        ArtifactError: they cannot be read, or are another embedder's.
    """
    found = read_settings(folder)
    if found.fingerprint != trained.fingerprint:
        raise ArtifactError(
            f"{folder}: the embedder {found.name} ({found.fingerprint[:12]}…) is not the one that the weights "
            f"were trained for: {trained.name} ({trained.fingerprint[:12]}…). Export that embedder, or train "
            "weights for this one."
        )
    return found


def load_embedder(artifact: Artifact, threads: int = 1) -> OnnxEmbedder:
    """The embedder of an artifact, which must be the one its weights were trained for.

    Raises:
        ArtifactError: the embedder is missing, damaged, or another one.
    """
    folder = artifact.folder / EMBEDDER_FOLDER
    trained, view = artifact.manifest.embedder, artifact.manifest.view
    found = read_fitting_settings(folder, trained)
    for name, sha256 in found.files.items():
        listed = artifact.manifest.files.get(f"{EMBEDDER_FOLDER}/{name}")
        if listed is None or listed.sha256 != sha256:
            raise ArtifactError(f"{folder / name}: the manifest lists another file than embedder.json. {BUILD_IT}")
    for name, entry in artifact.manifest.files.items():
        # The two large files are checked where they are read.
        if name.startswith(f"{EMBEDDER_FOLDER}/") and not name.endswith((MODEL_FILE, TOKENIZER_FILE)):
            checked_file(artifact.folder / name, entry.sha256)
    if found.dimensions != trained.dimensions or view.max_tokens > found.max_tokens:
        raise ArtifactError(
            f"{folder}: {found.dimensions} dimensions and {found.max_tokens} tokens do not fit the manifest's "
            f"{trained.dimensions} dimensions and view of {view.max_tokens} tokens. {BUILD_IT}"
        )
    return OnnxEmbedder.load(folder, threads)


def read_arrays(raw: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file.

    Raises:
        ArtifactError: it is not one, or holds objects.
    """
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ArtifactError(f"{path}: not plain numpy arrays ({error}). {BUILD_IT}") from None
