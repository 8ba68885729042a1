"""Kinds of work from embeddings of labelled tasks and anchors, and the slope of length on difficulty: `WorkMix`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.work import KINDS, WorkMix
from sklearn.linear_model import LogisticRegression

from artifacts_build.training.lengths import fit_lengths

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
# Of each kind at most so many prompts; a kind weighs by the root of its prompts, an annotated anchor so many of them.
MOST_PROMPTS = 800
ANCHOR_WEIGHT = 3.0
INVERSE_PENALTY = 3.0


def fit_work(
    vectors: Floats32,
    kinds: Sequence[str | None],
    anchors: Floats32,
    anchor_kinds: Sequence[str | None],
    difficulty: Floats,
    row_prompt: NDArray[np.intp],
    row_model: NDArray[np.intp],
    row_tokens: Floats,
    seed: int,
) -> WorkMix:
    """Fit kinds of work to n prompts and a anchors with kinds (None: not known), and the slope of length to r rows."""
    weights, bias = _classifier(vectors, kinds, anchors, anchor_kinds, seed)
    slope, center, _ = fit_lengths(difficulty[row_prompt], row_model, row_tokens)
    return WorkMix(weights, bias, np.array([slope, center]))


def _classifier(
    vectors: Floats32, kinds: Sequence[str | None], anchors: Floats32, anchor_kinds: Sequence[str | None], seed: int
) -> tuple[Floats32, Floats]:
    """Weights [d, W] and bias [W]; a kind without examples is never a prompt's, and without any all are alike."""
    d = vectors.shape[1]
    place = {kind: i for i, kind in enumerate(KINDS)}
    label = np.array([place.get(str(kind), -1) for kind in kinds], dtype=np.intp)
    of_anchor = np.array([place.get(str(kind), -1) for kind in anchor_kinds], dtype=np.intp)
    generator = np.random.default_rng(seed)
    rows = [generator.permutation(np.flatnonzero(label == k))[:MOST_PROMPTS] for k in range(len(KINDS))]
    own = np.concatenate(rows).astype(np.intp)
    weight = np.concatenate([np.full(len(r), MOST_PROMPTS**0.5 / max(len(r), 1) ** 0.5) for r in rows])
    known = of_anchor >= 0
    x = np.concatenate([vectors[own], anchors.reshape(-1, d)[known]])
    y = np.concatenate([label[own], of_anchor[known]])
    present = np.unique(y)
    weights, bias = np.zeros((d, len(KINDS))), np.zeros(len(KINDS))
    if len(present) > 1:
        fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=300).fit(
            x, y, sample_weight=np.concatenate([weight, np.full(int(known.sum()), ANCHOR_WEIGHT)])
        )
        rising = fitted.coef_, fitted.intercept_
        if len(present) == 2:  # two kinds are fitted as one line
            rising = np.concatenate([-rising[0], rising[0]]) / 2, np.concatenate([-rising[1], rising[1]]) / 2
        weights[:, present], bias[present] = rising[0].T, rising[1]
        absent = np.setdiff1d(np.arange(len(KINDS)), present)
        bias[absent] = -20.0
    return weights.astype(np.float32), bias
