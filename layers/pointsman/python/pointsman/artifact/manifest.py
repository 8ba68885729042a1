"""The manifest of an artifact: what it is, what it was trained on, and the sha256 of every file.

Reading it needs neither numpy nor the embedder, so whatever only tells which artifact is in use starts fast.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pointsman.artifact.integrity import BUILD_IT, read_json, sha256_of
from pointsman.errors import ArtifactError
from pointsman.faults import first_fault
from pointsman.instants import instant_of
from pointsman.routing.view import ViewSettings

FORMAT = "pointsman-artifact"
FORMAT_VERSION = 2
# Artifacts of these are read; one of version 1 has a refinement.npz, or the formula alone.
READABLE_VERSIONS = (1, 2)
MANIFEST_FILE = "manifest.json"


class EmbedderIdentity(BaseModel):
    """Which embedder the weights were trained for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")
    dimensions: int = Field(ge=1, strict=True)


class FileEntry(BaseModel):
    """A file of the artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0, strict=True)


class Manifest(BaseModel):
    """`manifest.json`. `training` and `metrics` are for people and evaluation; of them serving asks only that they are
    plain: finite numbers, texts, and maps and lists of those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["pointsman-artifact"]
    format_version: Literal[1, 2]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    created: str = Field(pattern=r"^\d{4}-\d\d-\d\d")
    embedder: EmbedderIdentity
    view: ViewSettings
    training: Mapping[str, Any] = {}
    metrics: Mapping[str, Any] = {}
    files: Mapping[str, FileEntry]

    @field_validator("created")
    @classmethod
    def _is_a_time(cls, created: str) -> str:
        instant_of(created)
        return created

    @field_validator("training", "metrics")
    @classmethod
    def _is_finite(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        left: list[tuple[str, Any]] = [("", value)]
        while left:
            where, one = left.pop()
            if isinstance(one, float) and not math.isfinite(one):
                raise ValueError(f"{where.lstrip('.')} is {one}, which is no figure")
            if isinstance(one, Mapping):
                left += [(f"{where}.{name}", part) for name, part in one.items()]
            elif isinstance(one, list):
                left += [(f"{where}.{i}", part) for i, part in enumerate(one)]
        return value


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of an artifact folder and its digest; no other file is read.

    Raises:
        ArtifactError: the manifest is missing, damaged, or of another format version.
    """
    path = folder / MANIFEST_FILE
    document = read_json(path)
    found = (document.get("format"), document.get("format_version")) if isinstance(document, dict) else None
    if found not in [(FORMAT, version) for version in READABLE_VERSIONS]:
        raise ArtifactError(
            f"{path}: expected format {FORMAT} version {FORMAT_VERSION}, found {found}. "
            f"Use the artifact of this version of Pointsman. {BUILD_IT}"
        )
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        raise ArtifactError(f"{path}: {first_fault(error)}. {BUILD_IT}") from None
    return manifest, sha256_of(path)


def other_weights(folder: Path, manifest: Manifest) -> Path | None:
    """The weights of a checkout, where the artifact that was built in it holds others; None where it is theirs.

    `layers/artifacts/NAME` is built from `weights/NAME`; an artifact that lies elsewhere has no weights beside it.
    """
    *_, layers, artifacts, name = ("", "", *folder.resolve().parts)
    weights = folder.resolve().parent.parent.parent / "weights" / name
    if (layers, artifacts) != ("layers", "artifacts") or not (weights / MANIFEST_FILE).is_file():
        return None
    files = read_manifest(weights)[0].files
    return None if all(manifest.files.get(file) == entry for file, entry in files.items()) else weights
