"""How able a model is, by kind of prompt: one hierarchy from published scores to outcomes.

    domains    K soft clusters of embeddings: phi_k(x) = softmax_k(sharpness * centers_k . e(x))
    factors    published scores share a few: logit(score_j) = m_j + l_j . (f + shift_effort) + noise,  f ~ N(0, I).
               Any subset of them gives f with a covariance; what is missing is what f says. The last of f no score
               tells: what domains share beyond the scores
    ability    of a model in a domain, in logits: theta_k = mean_k + loading_k . f + own_k, own_k ~ N(0, variance_k).
               A last one is its slope on difficulty
    outcomes   move f and own_k from there: a model with three scores and one with 5,000 outcomes are the same kind
               of thing, with more or less variance
    P          sigmoid(b * difficulty + c + theta . phi(x) + slope * max(difficulty - center, -1)), less what is
               not known

A model with GPQA Diamond and LiveCodeBench alone, or nothing, has theta_k = a * capability: the published formula.

Far from all training prompts the level of a source is not known. There the logit is pulled towards what such a model
typically reaches in that kind of work by published scores, and the variance between sources is integrated over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays
from pointsman.registry.capability import CAPABILITY_BENCHMARKS

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Places = NDArray[np.intp]
# A published score: its benchmark, the effort it was measured at or None, and its fraction.
PublishedScore = tuple[str, str | None, float]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# A score that names no effort is of the model's strongest, which is at least this; outcomes stand there too.
STRONG = EFFORTS.index("high")
NO_OUTCOMES = -1
# Scores at 0 and at 1 say no more than these.
LEAST_SCORE, MOST_SCORE = 0.005, 0.995
# What a level of effort away from a candidate's own adds to the variance of a score there, times its loading squared.
DRIFT = 0.05
# A slope was learned where benchmarks are. Drawn on as a line to easier prompts, it would make the models that hold out
# best on hard ones the worst on trivial ones.
LEAST_OFF = -1.0

# The arrays of `hierarchy.npz`: d dimensions, K domains, D = K + 1 abilities, q factors, J benchmarks, m models with
# outcomes, E efforts, W kinds of work.
SHAPES: dict[str, tuple[str | int, ...]] = {
    "centers": ("K", "d"),
    "sharpness": (),
    "coefficients": (3,),
    "difficulty_center": (),
    "mean": ("D",),
    "loading": ("D", "q"),
    "variance": ("D",),
    "formula_variance": (),
    "score_mean": ("J",),
    "score_loading": ("J", "q"),
    "score_variance": ("J",),
    "effort_shift": ("E", "q"),
    "scored": ("m", "q", "q"),
    "scored_evidence": ("m", "q"),
    "information": ("m", "q", "q"),
    "evidence": ("m", "q"),
    "own": ("m", "D"),
    "own_variance": ("m", "D"),
    "typical_mean": ("W",),
    "typical_loading": ("W", "q"),
    "typical_own": ("D",),
    "typical_variance": ("W",),
    "typical_pull": ("W",),
    "novelty_range": (2,),
}
LARGE = ("centers", "own", "own_variance")  # kept in float32
TEXTS = ("benchmarks", "model_ids")


@dataclass(frozen=True)
class Abilities:
    """What the hierarchy says of k candidates before it sees a prompt."""

    mean: Floats  # [k, D]
    variance: Floats  # [k, D] of what is a domain's own
    covariance: Floats  # [k, q, q] of the factors, which every domain shares
    formula_variance: Floats  # [k]: of a candidate that the formula predicts, in every domain; else 0
    typical: Floats  # [k, W]: the logit it typically reaches in a kind of work that no training prompt resembles
    known: NDArray[np.bool_]  # [k]: whether outcomes moved it

    def rows(self, candidates: NDArray[np.intp]) -> "Abilities":
        """Those of r rows of outcomes, by their places among these."""
        return Abilities(*(getattr(self, name)[candidates] for name in ABILITIES))


ABILITIES = ("mean", "variance", "covariance", "formula_variance", "typical", "known")


@dataclass(frozen=True)
class Hierarchy:
    """Learned numbers; abilities and their variances are in logits."""

    centers: Floats32
    sharpness: float
    coefficients: Floats  # a, b, c
    difficulty_center: float
    mean: Floats
    loading: Floats
    variance: Floats
    formula_variance: float
    score_mean: Floats
    score_loading: Floats
    score_variance: Floats
    effort_shift: Floats
    scored: Floats  # information about f that the published scores held in training, the prior's included
    scored_evidence: Floats
    information: Floats  # of outcomes about f
    evidence: Floats
    own: Floats32
    own_variance: Floats32
    typical_mean: Floats
    typical_loading: Floats
    typical_own: Floats  # [D]: the mean domains of agent work, where a candidate's own part counts too
    typical_variance: Floats  # between sources of a kind of work
    typical_pull: Floats  # 0 to 1: how far a prompt like no other is pulled to the typical level
    novelty_range: Floats  # the nearness to a training centre at which a prompt is wholly new, and not new at all
    benchmarks: tuple[str, ...]
    model_ids: tuple[str, ...]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> "Hierarchy":
        """The hierarchy of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        for name in TEXTS:
            if name not in arrays or arrays[name].ndim != 1 or arrays[name].dtype.kind != "U":
                raise ValueError(f"the array {name} is missing or holds no text")

        def size(name: str, axis: int) -> int:
            return arrays[name].shape[axis] if name in arrays and arrays[name].ndim > axis else 0

        domains = size("centers", 0)
        sizes = {"d": dimensions, "K": domains, "D": domains + 1, "q": size("loading", 1), "W": size("typical_mean", 0)}
        sizes |= {"J": len(arrays["benchmarks"]), "m": len(arrays["model_ids"]), "E": len(EFFORTS)}
        checked = checked_arrays(arrays, SHAPES, sizes)
        numbers: dict[str, Any] = {
            name: checked[name].astype(np.float32 if name in LARGE else np.float64) for name in SHAPES
        }
        numbers |= {name: float(checked[name]) for name, shape in SHAPES.items() if shape == ()}
        numbers |= {name: tuple(str(text) for text in arrays[name]) for name in TEXTS}
        return cls(**numbers)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads."""
        numbers = {name: np.asarray(getattr(self, name)) for name in SHAPES}
        # Of no names at all numpy would make an array of numbers.
        return numbers | {name: np.array(getattr(self, name), dtype=str) for name in TEXTS}

    def memberships(self, vectors: Floats32) -> tuple[Floats, Floats]:
        """phi, float64 [n, K], rows that sum to 1, and how new each prompt is [n], of embeddings float32 [n, d]."""
        cosine = (vectors @ self.centers.T).astype(np.float64)
        far, near = self.novelty_range
        novelty = np.clip((near - cosine.max(axis=1)) / (near - far), 0, 1)
        logits = self.sharpness * cosine
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True), novelty

    def abilities(
        self,
        capability: Floats,
        scores: Sequence[Sequence[PublishedScore]],
        efforts: Sequence[str | None],
        names: Sequence[Sequence[str]],
    ) -> Abilities:
        """What is known of k candidates.

        Args:
            capability: [k] fractions, the training mean where nothing is published.
            scores: of each, what is published of the model, at any effort.
            efforts: of each, the effort it runs at; None is the model's strongest.
            names: of each, its id and aliases, which outcomes may be kept under.
        """
        k, size = len(names), self.loading.shape[1]
        factor, covariance = np.zeros((k, size)), np.zeros((k, size, size))
        places = np.array([self.place_of(of_model) for of_model in names], dtype=np.intp).reshape(k)
        plain = np.zeros(k, dtype=bool)
        for i, (published, effort) in enumerate(zip(scores, efforts, strict=True)):
            level = level_of(effort, published)
            information, evidence = self._from_scores(published, level)
            if (u := places[i]) != NO_OUTCOMES:
                # Outcomes were explained by the scores of their day: fewer of them than then tell nothing new.
                if np.trace(information) < np.trace(self.scored[u]):
                    information, evidence = self.scored[u], self.scored_evidence[u]
                information, evidence = information + self.information[u], evidence + self.evidence[u]
            covariance[i] = np.linalg.inv(information)
            factor[i] = covariance[i] @ evidence + self.effort_shift[level]
            plain[i] = places[i] == NO_OUTCOMES and not any(self._tells(name) for name, _, _ in published)
        factor = _rising(factor, efforts, names, self.loading)
        known = places != NO_OUTCOMES
        own = np.where(known[:, None], self.own[places] if len(self.own) else np.zeros((1, len(self.mean))), 0.0)
        own_variance = np.where(known[:, None], self.own_variance[places] if len(self.own) else 0.0, self.variance)
        mean = self.mean + factor @ self.loading.T + own
        # The published formula: capability alone, the same in every domain, and no slope of its own.
        mean[plain, :-1], mean[plain, -1] = self.coefficients[0] * capability[plain, None], 0.0
        typical = self.typical_mean + factor @ self.typical_loading.T + (own @ self.typical_own)[:, None]
        return Abilities(mean, own_variance, covariance, np.where(plain, self.formula_variance, 0.0), typical, known)

    def logits(
        self,
        abilities: Abilities,
        phi: Floats,
        novelty: Floats,
        work: Floats,
        difficulty: Floats,
        difficulty_sd: Floats,
    ) -> tuple[Floats, Floats, Floats]:
        """Logit [r], its variance [r], and the part of the variance that P is to be shrunken by [r].

        Args:
            phi: [r, K] or [K]; work: [r, W] or [W]; the others [r] or numbers.
        """
        _, b, c = self.coefficients
        off = np.maximum(difficulty - self.difficulty_center, LEAST_OFF)
        ability, slope = abilities.mean[:, :-1], abilities.mean[:, -1]
        logit = b * difficulty + c + _dots(ability, phi) + slope * off
        shared = phi @ self.loading[:-1] + np.asarray(off)[..., None] * self.loading[-1]
        shared = np.broadcast_to(shared, (len(ability), shared.shape[-1]))
        variance = np.einsum("rq,rqs,rs->r", shared, abilities.covariance, shared) + abilities.formula_variance
        variance = variance + _dots(abilities.variance[:, :-1], phi**2) + abilities.variance[:, -1] * off**2
        pull = np.asarray(novelty)[..., None] * work * self.typical_pull
        share = pull.sum(axis=-1)
        towards = _dots(abilities.typical, pull)
        between = novelty * (work @ self.typical_variance)
        logit = logit * (1 - share) + towards
        return logit, variance + (b * difficulty_sd) ** 2 + between, variance + between

    def place_of(self, names: Iterable[str]) -> int:
        """Where the outcomes of a model are, by the first of its names that has some; -1 without."""
        return next((self._places[name] for name in names if name in self._places), NO_OUTCOMES)

    def _from_scores(self, published: Sequence[PublishedScore], level: int) -> tuple[Floats, Floats]:
        """Information [q, q] and evidence [q] about f, the prior's included, for a candidate at a level of effort."""
        size = self.loading.shape[1]
        information, evidence = np.eye(size), np.zeros(size)
        for name, effort, fraction in published:
            j = self._benchmarks.get(name)
            if j is None:
                continue
            at, own = level_of(effort, published), self.score_loading[j]
            y = logit_of(fraction) - self.score_mean[j] - own @ self.effort_shift[at]
            weight = 1 / (self.score_variance[j] + DRIFT * abs(at - level) * float(own @ own))
            information = information + weight * np.outer(own, own)
            evidence = evidence + weight * y * own
        return information, evidence

    def _tells(self, benchmark: str) -> bool:
        """Whether a score says more than the formula's own two."""
        return benchmark in self._benchmarks and benchmark not in CAPABILITY_BENCHMARKS

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.model_ids)}

    @cached_property
    def _benchmarks(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.benchmarks)}


def level_of(effort: str | None, published: Sequence[PublishedScore] = ()) -> int:
    """The place of an effort among EFFORTS; for None the strongest that a model's scores name, at least STRONG."""
    if effort in EFFORTS:
        return EFFORTS.index(effort)
    if effort is not None:
        return STRONG  # `thinking` and names that nobody knows
    return max([STRONG, *(EFFORTS.index(name) for _, name, _ in published if name in EFFORTS)])


def logit_of(fraction: float) -> float:
    """The logit of a published score."""
    p = min(max(fraction, LEAST_SCORE), MOST_SCORE)
    return float(np.log(p / (1 - p)))


def _rising(factor: Floats, efforts: Sequence[str | None], names: Sequence[Sequence[str]], loading: Floats) -> Floats:
    """The factors with those of one model never falling as its effort rises, in the direction that abilities rise in.

    Neighbouring levels that are in the wrong order share their mean (pool adjacent violators).
    """
    direction = loading[:-1].mean(axis=0)
    length = float(np.linalg.norm(direction))
    if length == 0:
        return factor
    direction = direction / length
    by_model: dict[str, list[int]] = {}
    for i, (of_model, effort) in enumerate(zip(names, efforts, strict=True)):
        if effort is not None and of_model:
            by_model.setdefault(of_model[0], []).append(i)
    factor = factor.copy()
    for places in by_model.values():
        ordered = sorted(places, key=lambda i: level_of(efforts[i]))
        along = factor[ordered] @ direction
        factor[ordered] += (_pooled(along) - along)[:, None] * direction
    return factor


def _pooled(values: Floats) -> Floats:
    """The non-decreasing sequence nearest to [n] values."""
    blocks: list[tuple[float, int]] = []
    for value in values.tolist():
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (first, n), (second, m) = blocks[-2:]
            blocks[-2:] = [((first * n + second * m) / (n + m), n + m)]
    return np.repeat([value for value, _ in blocks], [count for _, count in blocks])


def _dots(left: Floats, right: Floats) -> Floats:
    """The inner products of the rows of [r, n] with those of [r, n], or with one [n]."""
    dots: Floats = left @ right if right.ndim == 1 else np.einsum("rn,rn->r", left, right)
    return dots
