"""The gate: how a turn of a conversation is to be read, learned from annotated turns."""

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.inputs import ALONE, LONGEST_REPLY, Gate, gate_features
from sklearn.linear_model import LogisticRegression

from artifacts_build.training.anchors import Anchors

PENALTY = 0.5
# A first request stands alone; there are more of them than of turns, and they are not what the gate is about.
REQUEST_WEIGHT = 0.3

Vectors = NDArray[np.float32]


def fit_gate(anchors: Anchors, replies: Vectors, requests: Vectors) -> Gate:
    """The gate from embeddings [t, d] of the annotated turns and [n, d] of the anchors' last requests of the user."""
    texts = [next(turn.text for turn in reversed(turns) if turn.role == "user") for turns in anchors.turns]
    single = np.array([len(turns) == 1 and len(turns[0].text) <= LONGEST_REPLY for turns in anchors.turns])
    first = [text for text, alone in zip(texts, single, strict=True) if alone]
    features = np.concatenate([gate_features(anchors.replies, replies), gate_features(first, requests[single])])
    how = np.concatenate([anchors.how, np.full(len(first), ALONE)])
    weight = np.concatenate([np.ones(len(anchors.replies)), np.full(len(first), REQUEST_WEIGHT)])
    fitted = LogisticRegression(C=1 / PENALTY, max_iter=3000).fit(features, how, sample_weight=weight)
    return Gate(fitted.coef_.T.astype(np.float32), fitted.intercept_.astype(np.float32))
