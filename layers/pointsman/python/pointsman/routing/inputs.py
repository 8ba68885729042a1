"""What the difficulty of a request is read from: embeddings of its parts, and its surface.

Of a conversation the last request is judged, in the light of what came before: a turn that only says "go on" stands
for what it continues, one that changes an earlier request is read together with it, and any other stands alone.
Which it is, the gate tells from the turn's own embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointsman.embedders import Embedder
from pointsman.routing.conversation import Turn
from pointsman.routing.parts import parts_of
from pointsman.routing.surface import NAMES, surface
from pointsman.routing.view import View, ViewSettings, select_view

Floats32 = NDArray[np.float32]

# How a turn is to be read: by itself, with what came before, or as what came before.
ALONE, TOGETHER, BEFORE = range(3)
# A longer turn is a request of its own, and no more turns of the user than these are looked back through.
LONGEST_REPLY, MOST_TURNS = 300, 6


@dataclass(frozen=True)
class Gate:
    """A logistic regression on the embedding of a user's turn and its length: alone, together, before."""

    weights: Floats32  # [d + 1, 3]
    bias: Floats32  # [3]

    def reading(self, texts: Sequence[str], vectors: Floats32) -> NDArray[np.intp]:
        """ALONE, TOGETHER or BEFORE [n] of n turns and their embeddings [n, d]."""
        chosen: NDArray[np.intp] = (gate_features(texts, vectors) @ self.weights + self.bias).argmax(axis=1)
        return chosen


@dataclass(frozen=True)
class Inputs:
    """What is read of n requests."""

    whole: Floats32  # [n, d] embeddings of the view
    first: Floats32  # [n, d] of the first sentences
    last: Floats32  # [n, d] of the last sentences
    surface: Floats32  # [n, s]

    def __len__(self) -> int:
        return len(self.whole)

    @classmethod
    def of_vectors(cls, vectors: Floats32) -> "Inputs":
        """Inputs of which only embeddings [n, d] are known: the parts are the whole, and the surface is empty."""
        return cls(vectors, vectors, vectors, np.zeros((len(vectors), len(NAMES)), dtype=np.float32))

    def rows(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> "Inputs":
        """The inputs of some of the requests, by place or mask."""
        return Inputs(self.whole[places], self.first[places], self.last[places], self.surface[places])


class Request(NamedTuple):
    """What was read of one request."""

    inputs: Inputs  # of one
    view: View
    subject: str  # the text that is judged


def read_request(
    turns: Sequence[Turn],
    embedder: Embedder,
    settings: ViewSettings,
    gate: Gate,
    token_ids: Sequence[int] | None = None,
) -> Request:
    """The inputs of a conversation of one or more turns.

    Args:
        token_ids: those of the subject, where the caller has them: it is the only turn's text.
    """
    subject = subject_of(turns, embedder, gate)
    view = select_view(subject, settings, embedder, token_ids)
    parts = parts_of(subject)
    whole = embedder.embed([view.text]) if view.token_ids is None else embedder.embed_tokens([view.token_ids])
    known = {view.text: whole}
    # One at a time: padding costs more than a batch gains, and a vector's last bits stay its own.
    for part in (parts.first, parts.last):
        if part not in known:
            known[part] = embedder.embed([part])
    counted = surface(subject, parts.last)[None]
    return Request(Inputs(whole, known[parts.first], known[parts.last], counted), view, subject)


def subject_of(turns: Sequence[Turn], embedder: Embedder, gate: Gate) -> str:
    """The text that is judged: the last request of the user, with or as what it continues."""
    own = [turn.text for turn in turns if turn.role == "user"] or [turn.text for turn in turns]
    read: list[str] = []
    for i, text in enumerate(reversed(own)):
        if i + 1 == len(own) or i + 1 == MOST_TURNS or len(text) > LONGEST_REPLY:
            return "\n".join([text, *read])
        how = gate.reading([text], embedder.embed([text]))[0]
        if how != BEFORE:
            read.insert(0, text)
        if how == ALONE:
            break
    return "\n".join(read)


def gate_features(texts: Sequence[str], vectors: Floats32) -> Floats32:
    """float32 [n, d + 1] of turns and their embeddings [n, d]."""
    length = np.log1p(np.array([[len(text)] for text in texts], dtype=np.float32).reshape(-1, 1)) / 4
    features: Floats32 = np.concatenate([vectors * 3, length], axis=1).astype(np.float32)
    return features
