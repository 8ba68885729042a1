"""Fitting the difficulty head (pointsman/routing/difficulty.py): outcomes and anchors to one reading of a request.

1. z: the leading directions of the inputs of anchors and of a sample of prompts in which small sources count
2. landmarks: centres of the anchors and of that sample
3. weights: a ridge on z and on the nearness to landmarks, the latter in the metric of the kernel, so that the penalty
   is that of kernel ridge regression. Prompts weigh by how well their difficulty is known, anchors by `ANCHOR_WEIGHT`
4. variance: how far off a kind of prompts is as a whole, by novelty: kinds predicted out of fold, and sources left out

Everything runs in one thread from one seed, so that the same input gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.difficulty import DifficultyHead, nearness, stacked
from pointsman.routing.inputs import Gate, Inputs
from scipy import linalg
from scipy.optimize import nnls
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from artifacts_build.training.ridge import RidgeFit, Sums, solve, sums_of, total

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

# Chosen by anchors of other authors, prompts held out and sources left out (docs/results-difficulty.md).
PART_SHARES = (0.4, 0.3, 0.3)  # of the squared distance: the whole, its first and its last sentences
SURFACE_SHARE = 0.3
RANK = 160
ANCHOR_LANDMARKS, PROMPT_LANDMARKS = 900, 500
GAMMA = 1.0
LINEAR = 0.3  # scale of z beside the kernel's features
PENALTY = 2.0
ANCHOR_WEIGHT = 5.0
SAMPLE = 8000
JITTER = 1e-4
# Kinds for the variance: clusters within sources, with enough prompts to know their mean error.
KINDS, FEWEST_PROMPTS = 32, 30
LEAST_VARIANCE = 0.05


@dataclass(frozen=True)
class Prompts:
    """n training prompts with the difficulty that outcomes tell."""

    inputs: Inputs  # [n]
    stems: Inputs  # [n] of multiple-choice prompts without their options, anything elsewhere
    has_stem: Mask  # [n]
    difficulty: Floats  # [n], logits
    known: Floats  # [n], how well it is known, 0 to 1
    fold: Indices  # [n]
    source: Indices  # [n]


@dataclass(frozen=True)
class Levels:
    """Anchors as the fit takes them."""

    inputs: Inputs  # [a]
    difficulty: Floats  # [a], logits
    fold: Indices  # [a] twins and languages of one task in one fold


@dataclass(frozen=True)
class DifficultyFit:
    """A head, and what it reads of requests that it was not fitted on."""

    head: DifficultyHead
    out_of_fold: Floats  # [n]
    out_of_fold_sd: Floats  # [n]
    anchors_out_of_fold: Floats  # [a]
    error: float  # mean squared, weighted by what is known
    r2: float


@dataclass(frozen=True)
class _Space:
    """Where requests lie: z, landmarks, and the kernel's features."""

    mean: Floats32
    scale: Floats32
    projection: Floats32
    landmarks: Floats32
    whiten: Floats  # [m, m]

    def place(self, inputs: Inputs) -> Floats32:
        z: Floats32 = stacked(inputs, self.mean, self.scale) @ self.projection
        return z

    def features(self, z: Floats32) -> Floats32:
        near = nearness(z, self.landmarks, GAMMA) @ self.whiten.astype(np.float32)
        features: Floats32 = np.concatenate([LINEAR * z, near], axis=1)
        return features


def fit_difficulty(prompts: Prompts, anchors: Levels | None, gate: Gate, seed: int) -> DifficultyFit:
    """Fit the head; without anchors, on outcomes alone."""
    with threadpool_limits(1):
        return _fit(prompts, anchors, gate, seed)


def _fit(prompts: Prompts, anchors: Levels | None, gate: Gate, seed: int) -> DifficultyFit:
    space = _space(prompts, anchors, seed)
    z = space.place(prompts.inputs)
    features = space.features(z)
    parts = _prompt_sums(prompts, features, space, prompts.fold)
    levels = _level_sums(anchors, space) if anchors is not None else []
    penalty = np.full(features.shape[1], PENALTY)
    whole = solve(total([*parts, *levels]), penalty)

    out_of_fold = np.empty(len(z))
    for k in range(len(parts)):
        rest = [*parts[:k], *parts[k + 1 :], *levels]
        inside = prompts.fold == k
        out_of_fold[inside] = solve(total(rest), penalty).predict(features[inside])
    anchored = np.empty(0)
    if anchors is not None:
        of_anchors = space.features(space.place(anchors.inputs))
        anchored = np.empty(len(of_anchors))
        for k in range(len(levels)):
            inside = anchors.fold == k
            rest = [*parts, *levels[:k], *levels[k + 1 :]]
            anchored[inside] = solve(total(rest), penalty).predict(of_anchors[inside])

    known = prompts.known
    error = float(np.average((prompts.difficulty - out_of_fold) ** 2, weights=known))
    spread = float(np.average((prompts.difficulty - np.average(prompts.difficulty, weights=known)) ** 2, weights=known))
    head = _head(space, whole, gate, np.concatenate([out_of_fold, anchored]))
    variance = _variance(prompts, z, features, space, levels, out_of_fold, penalty, seed)
    head = replace(head, variance=variance)
    _, sd, _ = head.read(prompts.inputs)
    low, high = head.difficulty_range
    return DifficultyFit(head, np.clip(out_of_fold, low, high), sd, anchored, error, 1 - error / spread)


def _space(prompts: Prompts, anchors: Levels | None, seed: int) -> _Space:
    rng = np.random.default_rng(seed)
    # A source counts by the root of its size: the largest would leave the others no landmark.
    share = 1 / np.sqrt(np.bincount(prompts.source)[prompts.source])
    size = min(SAMPLE, len(share))
    sample = prompts.inputs.rows(rng.choice(len(share), size, replace=False, p=share / share.sum()).astype(np.intp))
    shown = anchors.inputs if anchors is not None else sample
    mean = shown.surface.mean(axis=0)
    scale = np.maximum(shown.surface.std(axis=0), 0.05)
    d, s = sample.whole.shape[1], sample.surface.shape[1]
    shares = np.concatenate([np.full(d, part) for part in PART_SHARES] + [np.full(s, SURFACE_SHARE / s)])
    shares = np.sqrt(shares).astype(np.float32)
    rows = stacked(sample, mean, scale) * shares
    moment = rows.T @ rows / len(rows)
    if anchors is not None:
        levels = stacked(anchors.inputs, mean, scale) * shares
        moment = (moment + levels.T @ levels / len(levels)) / 2
    rank = min(RANK, len(moment))
    _, directions = linalg.eigh(moment.astype(np.float64), subset_by_index=[len(moment) - rank, len(moment) - 1])
    projection = (shares[:, None] * directions[:, ::-1]).astype(np.float32)
    z = stacked(sample, mean, scale) @ projection
    landmarks = [_centres(z, PROMPT_LANDMARKS, seed)]
    if anchors is not None:
        landmarks.insert(0, _centres(stacked(anchors.inputs, mean, scale) @ projection, ANCHOR_LANDMARKS, seed))
    marks = np.concatenate(landmarks)
    kernel = nearness(marks, marks, GAMMA).astype(np.float64)
    values, vectors = np.linalg.eigh(kernel + JITTER * np.eye(len(marks)))
    return _Space(mean, scale, projection, marks, vectors / np.sqrt(np.maximum(values, JITTER / 2)))


def _centres(z: Floats32, count: int, seed: int) -> Floats32:
    count = max(1, min(count, len(z) // 2))
    found = MiniBatchKMeans(count, n_init=1, random_state=seed, batch_size=2048, max_iter=20).fit(z)
    centres: Floats32 = found.cluster_centers_.astype(np.float32)
    return centres


def _prompt_sums(prompts: Prompts, features: Floats32, space: _Space, part: Indices) -> list[Sums]:
    """The normal equations of each part; a multiple-choice prompt counts half with its options and half without."""
    share = np.where(prompts.has_stem, prompts.known / 2, prompts.known)
    y = prompts.difficulty
    sums = []
    for k in range(int(part.max()) + 1):
        own, stems = part == k, (part == k) & prompts.has_stem
        found = sums_of(features[own], y[own], share[own])
        if stems.any():
            found += sums_of(space.features(space.place(prompts.stems.rows(stems))), y[stems], share[stems])
        sums.append(found)
    return sums


def _level_sums(anchors: Levels, space: _Space) -> list[Sums]:
    features = space.features(space.place(anchors.inputs))
    weight = np.full(len(features), ANCHOR_WEIGHT)
    return [
        sums_of(features[inside], anchors.difficulty[inside], weight[inside])
        for inside in (anchors.fold == k for k in range(int(anchors.fold.max()) + 1))
    ]


def _head(space: _Space, fit: RidgeFit, gate: Gate, seen: Floats) -> DifficultyHead:
    rank = space.projection.shape[1]
    return DifficultyHead(
        surface_mean=space.mean,
        surface_scale=space.scale,
        projection=space.projection,
        landmarks=space.landmarks,
        gamma=GAMMA,
        weights=(LINEAR * fit.coefficients[:rank]).astype(np.float32),
        near_weights=(space.whiten @ fit.coefficients[rank:]).astype(np.float32),
        bias=fit.intercept,
        difficulty_range=np.array([seen.min(), seen.max()]),
        variance=np.array([1.0, 0.0]),
        gate=gate,
    )


def _variance(
    prompts: Prompts,
    z: Floats32,
    features: Floats32,
    space: _Space,
    levels: Sequence[Sums],
    out_of_fold: Floats,
    penalty: Floats,
    seed: int,
) -> Floats:
    """[2]: how far off a kind as a whole is, squared: where it is known, and what novelty adds.

    A line through the squared mean errors of kinds, less what chance gives, at the novelty that they have: out of
    fold, and with their whole source left out, when landmarks that stand for that source alone do not count.
    """
    near = nearness(z, space.landmarks, GAMMA)
    kind = MiniBatchKMeans(min(KINDS, len(z)), n_init=1, random_state=seed).fit_predict(z)
    nearest = near.argmax(axis=1)
    sources = _prompt_sums(prompts, features, space, prompts.source)
    owner = np.full(len(space.landmarks), -1)
    for j in np.unique(nearest):
        counts = np.bincount(prompts.source[nearest == j])
        if counts.max() > counts.sum() / 2:
            owner[j] = counts.argmax()
    novelty, excess = [], []
    for s in range(len(sources)):
        inside = prompts.source == s
        rest = total([*sources[:s], *sources[s + 1 :], *levels]) if len(sources) + len(levels) > 1 else sources[s]
        without = solve(rest, penalty).predict(features[inside])
        unseen = 1 - near[inside][:, owner != s].max(axis=1)
        for k in np.unique(kind[inside]):
            at = np.flatnonzero(inside)[kind[inside] == k]
            if len(at) < FEWEST_PROMPTS:
                continue
            rows = kind[inside] == k
            weight = prompts.known[at]
            for predicted, new in ((out_of_fold[at], 1 - near[at].max(axis=1)), (without[rows], unseen[rows])):
                off = prompts.difficulty[at] - predicted
                mean = np.average(off, weights=weight)
                chance = np.average((off - mean) ** 2, weights=weight) * (weight**2).sum() / weight.sum() ** 2
                novelty.append(float(np.average(new, weights=weight)))
                excess.append(float(mean**2 - chance))
    if not novelty:
        return np.array([float(np.average((prompts.difficulty - out_of_fold) ** 2, weights=prompts.known)), 0.0])
    line, _ = nnls(np.stack([np.ones(len(novelty)), novelty], axis=1), np.array(excess))
    return np.array([max(line[0], LEAST_VARIANCE), line[1]])
