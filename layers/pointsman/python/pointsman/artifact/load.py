"""The artifact: a folder with everything learned, checked file by file before anything is used.

    manifest.json      what it is, what it was trained on, how well it does, and the sha256 of every file
    predictor.npz      the arrays of the predictor: the published formula
    difficulty.npz     how hard a prompt is; hierarchy.npz: how able models are, by kind of prompt; work.npz: kinds of
                       work and lengths. All three, or none
    refinement.npz     what older artifacts (format version 1) have in their place
    MODEL_CARD.md      the same for people
    embedder/          model.onnx, tokenizer.json, embedder.json

There is no pickle anywhere: arrays are read with `allow_pickle=False`.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.integrity import BUILD_IT, checked_file
from pointsman.artifact.manifest import MANIFEST_FILE, EmbedderIdentity, Manifest, read_manifest
from pointsman.artifact.signature import check_signature
from pointsman.embedders import OnnxEmbedder
from pointsman.embedders.onnx import DATA_FILE, MODEL_FILE, TOKENIZER_FILE, EmbedderSettings, read_settings
from pointsman.errors import ArtifactError
from pointsman.routing.difficulty import DifficultyHead
from pointsman.routing.hierarchy import Hierarchy
from pointsman.routing.predictor import Learned, Predictor
from pointsman.routing.refinement import Refinement
from pointsman.routing.work import WorkMix

PREDICTOR_FILE = "predictor.npz"
REFINEMENT_FILE = "refinement.npz"
DIFFICULTY_FILE, HIERARCHY_FILE, WORK_FILE = LEARNED_FILES = ("difficulty.npz", "hierarchy.npz", "work.npz")
CARD_FILE = "MODEL_CARD.md"
EMBEDDER_FOLDER = "embedder"


@dataclass(frozen=True)
class Artifact:
    """A checked artifact; `digest` (sha256 of its manifest) names exactly this one."""

    folder: Path
    manifest: Manifest
    digest: str
    predictor: Predictor


def load_artifact(folder: Path, keys: Sequence[bytes] = ()) -> Artifact:
    """Read and check the manifest and the predictor; every listed file must be the one that was built.

    Args:
        keys: public keys of Ed25519; where there are any, one of them must have signed the manifest.

    Raises:
        ArtifactError: a file is missing, truncated, damaged, or does not fit the others, or is not signed.
    """
    manifest, digest = read_manifest(folder)
    if keys:
        check_signature(folder, digest, keys)
    for name, entry in manifest.files.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ArtifactError(f"{folder / MANIFEST_FILE}: files: {name!r} is outside the folder.")
        # The embedder's own files are checked as they are read.
        if not name.startswith(f"{EMBEDDER_FOLDER}/"):
            checked_file(folder / name, entry.sha256)
    if PREDICTOR_FILE not in manifest.files:
        raise ArtifactError(f"{folder / MANIFEST_FILE}: files: {PREDICTOR_FILE} is not listed. {BUILD_IT}")
    dimensions = manifest.embedder.dimensions
    refinement = None
    if REFINEMENT_FILE in manifest.files:
        arrays = read_arrays((folder / REFINEMENT_FILE).read_bytes(), folder / REFINEMENT_FILE)
        with _naming(folder / REFINEMENT_FILE):
            refinement = Refinement.from_arrays(arrays, dimensions)
    arrays = read_arrays((folder / PREDICTOR_FILE).read_bytes(), folder / PREDICTOR_FILE)
    with _naming(folder / PREDICTOR_FILE):
        predictor = Predictor.from_arrays(arrays, dimensions, refinement, _read_learned(folder, manifest))
    _check_sizes(folder, manifest, embedder=False)
    return Artifact(folder, manifest, digest, predictor)


def _read_learned(folder: Path, manifest: Manifest) -> Learned | None:
    there = [name for name in LEARNED_FILES if name in manifest.files]
    if not there:
        return None
    if lacking := [name for name in LEARNED_FILES if name not in there]:
        raise ArtifactError(
            f"{folder / MANIFEST_FILE}: files: {', '.join(there)} without {', '.join(lacking)}. {BUILD_IT}"
        )
    arrays = {name: read_arrays((folder / name).read_bytes(), folder / name) for name in LEARNED_FILES}
    dimensions = manifest.embedder.dimensions
    with _naming(folder / DIFFICULTY_FILE):
        difficulty = DifficultyHead.from_arrays(arrays[DIFFICULTY_FILE], dimensions)
    with _naming(folder / HIERARCHY_FILE):
        hierarchy = Hierarchy.from_arrays(arrays[HIERARCHY_FILE], dimensions)
    with _naming(folder / WORK_FILE):
        work = WorkMix.from_arrays(arrays[WORK_FILE], dimensions)
        if len(work.bias) != len(hierarchy.typical_mean):
            raise ValueError(f"{len(work.bias)} kinds of work, and {len(hierarchy.typical_mean)} in {HIERARCHY_FILE}")
    return Learned(difficulty, hierarchy, work)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Says in which file an array is that cannot be used."""
    try:
        yield
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}. {BUILD_IT}") from None


def read_fitting_settings(folder: Path, trained: EmbedderIdentity) -> EmbedderSettings:
    """The settings of the embedder in a folder, which must be the one that weights were trained for.

    Raises:
        ArtifactError: they cannot be read, or are another embedder's.
    """
    found = read_settings(folder)
    check_trained_for(found, trained, folder)
    return found


def check_trained_for(found: EmbedderSettings, trained: EmbedderIdentity, where: Path | str) -> None:
    """Raise ArtifactError unless weights for `trained` are weights for the embedder found at `where`."""
    if found.fingerprint != trained.fingerprint:
        raise ArtifactError(
            f"{where}: the embedder {found.name} ({found.fingerprint[:12]}…) is not the one that the weights "
            f"were trained for: {trained.name} ({trained.fingerprint[:12]}…). Export that embedder, or train "
            "weights for this one."
        )


def load_embedder(artifact: Artifact, threads: int = 1, source: Path | str | None = None) -> OnnxEmbedder:
    """The embedder of an artifact, or one from elsewhere, which must be the one its weights were trained for.

    Args:
        source: another folder, or s3://bucket/prefix; the artifact then needs no embedder of its own.

    Raises:
        ArtifactError: the embedder is missing, damaged, or another one; or S3 or the memory does not let it be read.
        SettingsError: the source is not a place in S3, or needs boto3 and lacks it.
    """

    def fits(found: EmbedderSettings) -> None:
        check_trained_for(found, trained, place)
        if found.dimensions != trained.dimensions or view.max_tokens > found.max_tokens:
            raise ArtifactError(
                f"{place}: {found.dimensions} dimensions and {found.max_tokens} tokens do not fit the manifest's "
                f"{trained.dimensions} dimensions and view of {view.max_tokens} tokens. {BUILD_IT}"
            )

    trained, view = artifact.manifest.embedder, artifact.manifest.view
    place = str(source or artifact.folder / EMBEDDER_FOLDER)
    if place.startswith("s3:"):
        from pointsman.embedders.s3 import load_from_s3

        return load_from_s3(place, fits, threads)
    folder = Path(place)
    found = read_settings(folder)
    fits(found)
    if not source:
        _check_listed(artifact, folder, found)
    loaded = OnnxEmbedder.load(folder, threads)
    if not source:
        _check_sizes(artifact.folder, artifact.manifest, embedder=True)
    return loaded


def _check_listed(artifact: Artifact, folder: Path, found: EmbedderSettings) -> None:
    """Raise ArtifactError unless the embedder inside an artifact is the one of its manifest."""
    for name, sha256 in found.files.items():
        listed = artifact.manifest.files.get(f"{EMBEDDER_FOLDER}/{name}")
        if listed is None or listed.sha256 != sha256:
            raise ArtifactError(f"{folder / name}: the manifest lists another file than embedder.json. {BUILD_IT}")
    for name, entry in artifact.manifest.files.items():
        # The large files are checked where they are read.
        if name.startswith(f"{EMBEDDER_FOLDER}/") and not name.endswith((MODEL_FILE, DATA_FILE, TOKENIZER_FILE)):
            checked_file(artifact.folder / name, entry.sha256)


def _check_sizes(folder: Path, manifest: Manifest, *, embedder: bool) -> None:
    """Raise ArtifactError unless files have the sizes that the manifest says: the embedder's own, or all the others."""
    for name, entry in manifest.files.items():
        if name.startswith(f"{EMBEDDER_FOLDER}/") is embedder:
            found = (folder / name).stat().st_size
            if found != entry.bytes:
                raise ArtifactError(
                    f"{folder / MANIFEST_FILE}: files: {name} has {found:,} bytes and not {entry.bytes:,}. {BUILD_IT}"
                )


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
