"""The inputs of many requests, read as serving reads them; embeddings come from the cache where it has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pointsman.embedders import Embedder
from pointsman.routing.conversation import conversation_of_text
from pointsman.routing.inputs import Gate, Inputs, subject_of
from pointsman.routing.parts import parts_of
from pointsman.routing.surface import NAMES, surface
from pointsman.routing.view import ViewSettings

from artifacts_build.training.anchors import Anchors
from artifacts_build.training.embeddings import embed_prompts

Vectors = NDArray[np.float32]


class Embed(Protocol):
    """Embeds texts through the view."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, d]."""


@dataclass(frozen=True)
class EmbeddedAnchors:
    """Anchors with the embeddings of their turns; which turns are judged, only a gate says."""

    anchors: Anchors
    replies: Vectors  # [t, d]
    embedder: Embedder
    embed: Embed

    def inputs(self, gate: Gate) -> Inputs:
        """The inputs [n] of the anchors, read through a gate."""
        subjects = [subject_of(turns, self.embedder, gate) for turns in self.anchors.turns]
        return _inputs(subjects, self.embed)


def embed_inputs(texts: Sequence[str], embedder: Embedder, view: ViewSettings, cache: Path) -> Inputs:
    """The inputs of n texts, each a request of one turn."""
    return _inputs(texts, _through(embedder, view, cache))


def embed_subjects(texts: Sequence[str], embedder: Embedder, gate: Gate, view: ViewSettings, cache: Path) -> Inputs:
    """The inputs of n texts of which some may be transcripts: what serving judges of them."""
    subjects = []
    for text in texts:
        turns = conversation_of_text(text)
        subjects.append(text if len(turns) < 2 else subject_of(turns, embedder, gate))
    return _inputs(subjects, _through(embedder, view, cache))


def embed_anchors(anchors: Anchors, embedder: Embedder, view: ViewSettings, cache: Path) -> EmbeddedAnchors:
    """Anchors ready to be fitted on."""
    embed = _through(embedder, view, cache)
    return EmbeddedAnchors(anchors, embed(anchors.replies), embedder, embed)


def scattered(inputs: Inputs, mask: NDArray[np.bool_]) -> Inputs:
    """Inputs [n] that are those given where the mask is set, and zeros elsewhere."""

    def spread(values: Vectors) -> Vectors:
        wide = np.zeros((len(mask), values.shape[1]), dtype=np.float32)
        wide[mask] = values
        return wide

    return Inputs(spread(inputs.whole), spread(inputs.first), spread(inputs.last), spread(inputs.surface))


def _through(embedder: Embedder, view: ViewSettings, cache: Path) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        return embed_prompts(texts, embedder, view, cache)

    return embed


def _inputs(texts: Sequence[str], embed: Embed) -> Inputs:
    parts = [parts_of(text) for text in texts]
    n = len(parts)
    vectors = embed([*texts, *(part.first for part in parts), *(part.last for part in parts)])
    counted = [surface(part.whole, part.last) for part in parts] or np.empty((0, len(NAMES)), dtype=np.float32)
    return Inputs(vectors[:n], vectors[n : 2 * n], vectors[2 * n :], np.array(counted, dtype=np.float32))
