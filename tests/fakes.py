"""Stand-ins behind the project's own seams: an embedder without a model, an artifact without a file."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pointsman.artifact.load import Artifact
from pointsman.artifact.manifest import Manifest
from pointsman.embedders.base import Vectors
from pointsman.routing.predictor import CandidateFeatures, Predictor, Reading
from pointsman.routing.view import ViewSettings

TOKEN = re.compile(r"\w+|[^\w\s]")


class FakeEmbedder:
    """A token is a word or a mark; a text with "hard" in it points one way, others another."""

    name = "fake"
    fingerprint = "f" * 64
    dimensions = 4
    max_tokens = 512
    special_tokens = 2

    def __init__(self) -> None:
        self.embedded: list[int] = []

    def tokenize(self, text: str) -> list[int]:
        words = [int.from_bytes(hashlib.sha256(w.encode()).digest()[:4]) for w in TOKEN.findall(text)]
        return [1, *words, 2]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in TOKEN.finditer(text)]

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        self.embedded.extend(len(ids) for ids in tokens)
        hard = self.tokenize("hard")[1]
        return np.array([[float(hard in ids), 1.0, 0.0, 0.0] for ids in tokens], dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.embed_tokens([self.tokenize(text) for text in texts])


def fake_artifact(view: ViewSettings | None = None) -> Artifact:
    """Weights for the fake embedder: difficulty is 3 for a prompt with "hard" in it and -1 otherwise."""
    manifest = Manifest.model_validate(
        {
            "format": "pointsman-artifact",
            "format_version": 1,
            "name": "fake",
            "created": "2026-01-01",
            "embedder": {"name": "fake", "fingerprint": "f" * 64, "dimensions": 4},
            "view": view or ViewSettings(max_tokens=64, head_tokens=8, tail_tokens=8),
            "files": {},
        }
    )
    predictor = Predictor(
        difficulty_weights=np.array([4, 0, 0, 0], dtype=np.float32),
        difficulty_bias=-1.0,
        difficulty_low=-4.0,
        difficulty_high=4.0,
        difficulty_sd=1.0,
        a=4.0,
        b=-1.0,
        c=-1.0,
        capability_mean=0.4,
    )
    return Artifact(Path("fake"), manifest, "d" * 64, predictor)


def candidates(*capability: float) -> CandidateFeatures:
    """Models of these capabilities, without outcomes."""
    k = len(capability)
    return CandidateFeatures(np.array(capability), np.full(k, -1))


def reading(predictor: Predictor, difficulty: float) -> Reading:
    """What the formula makes of one prompt of this difficulty."""
    return Reading(np.array(difficulty), np.array(predictor.difficulty_sd), np.empty(0))
