"""The predictor: P(m, x) = sigmoid(a * capability(m) + b * difficulty(x) + c), refined by outcomes.

The item response form with one slope (Rasch, 1960), with ability read off published benchmarks and item
difficulty predicted from the prompt's embedding. A model that appeared today is predicted from its scores alone.
Without what was learned beyond it (`Learned`, or the `Refinement` of older artifacts), or with that switched off by
`formula()`, the formula is all that runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays
from pointsman.registry.capability import CAPABILITY_BENCHMARKS, capability_of
from pointsman.routing.difficulty import DifficultyHead
from pointsman.routing.hierarchy import Abilities, Hierarchy, PublishedScore
from pointsman.routing.inputs import Inputs
from pointsman.routing.refinement import NO_OUTCOMES, Places, Refinement
from pointsman.routing.work import WorkMix

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

# The arrays of `predictor.npz` and their shapes; d is the embedder's dimensions.
SHAPES: dict[str, tuple[str | int, ...]] = {
    "difficulty_weights": ("d",),
    "difficulty_bias": (),
    "difficulty_range": (2,),
    "difficulty_sd": (),
    "coefficients": (3,),
    "capability_mean": (),
}


class Scored(Protocol):
    """A model with names and published scores, such as one of the registry."""

    @property
    def names(self) -> Sequence[str]:
        """Its id and aliases."""

    @property
    def gpqa_diamond(self) -> float | None:
        """A fraction, or None."""

    @property
    def livecodebench(self) -> float | None:
        """A fraction, or None."""

    @property
    def effort(self) -> str | None:
        """The effort it runs at; None is the model's strongest."""

    @property
    def figures(self) -> Sequence[PublishedScore]:
        """All that is published of the model, at any effort: benchmark, effort or None, fraction."""


@dataclass(frozen=True)
class Learned:
    """What is learned beyond the formula: reading difficulty, abilities by kind of prompt, and kinds of work."""

    difficulty: DifficultyHead
    hierarchy: Hierarchy
    work: WorkMix


@dataclass(frozen=True)
class CandidateFeatures:
    """What the predictor knows of k models before it sees a prompt."""

    capability: Floats  # [k], fractions; the training mean where nothing is published
    places: Places  # [k], where their outcomes are; -1 for none
    abilities: Abilities | None = None

    def rows(self, models: NDArray[np.intp]) -> "CandidateFeatures":
        """The candidates of r rows of outcomes, by their places among these."""
        abilities = None if self.abilities is None else self.abilities.rows(models)
        return CandidateFeatures(self.capability[models], self.places[models], abilities)


@dataclass(frozen=True)
class Reading:
    """What the predictor made of n prompts."""

    difficulty: Floats  # [n], logits
    difficulty_sd: Floats  # [n], logits
    memberships: Floats  # [n, K]; K is 0 for the formula alone
    work: Floats | None = None  # [n, W], shares of the kinds of work in the order of `registry.WORK`; None: not known
    novelty: Floats | None = None  # [n], 0 to 1: how unlike all training prompts; None: not known

    def row(self, prompt: int) -> "Reading":
        """The reading of one prompt, whose arrays have no axis of prompts."""
        return self._of(prompt)

    def rows(self, prompts: NDArray[np.intp]) -> "Reading":
        """The readings of r prompts, one a row of outcomes."""
        return self._of(prompts)

    def _of(self, at: int | NDArray[np.intp]) -> "Reading":
        work = None if self.work is None else self.work[at]
        novelty = None if self.novelty is None else self.novelty[at]
        return Reading(self.difficulty[at], self.difficulty_sd[at], self.memberships[at], work, novelty)


@dataclass(frozen=True)
class Predictor:
    """Learned numbers. Difficulty is in logits; capability is a fraction in [0, 1]."""

    difficulty_weights: Floats32
    difficulty_bias: float
    difficulty_low: float
    difficulty_high: float
    difficulty_sd: float
    a: float
    b: float
    c: float
    capability_mean: float
    refinement: Refinement | None = None
    learned: Learned | None = None

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        dimensions: int,
        refinement: Refinement | None = None,
        learned: Learned | None = None,
    ) -> "Predictor":
        """The predictor of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        arrays = checked_arrays(arrays, SHAPES, {"d": dimensions})
        a, b, c = (float(value) for value in arrays["coefficients"])
        low, high = (float(value) for value in arrays["difficulty_range"])
        return cls(
            difficulty_weights=arrays["difficulty_weights"].astype(np.float32),
            difficulty_bias=float(arrays["difficulty_bias"]),
            difficulty_low=low,
            difficulty_high=high,
            difficulty_sd=float(arrays["difficulty_sd"]),
            a=a,
            b=b,
            c=c,
            capability_mean=float(arrays["capability_mean"]),
            refinement=refinement,
            learned=learned,
        )

    def formula(self) -> "Predictor":
        """The published formula alone, with all that was learned beyond it switched off."""
        return replace(self, refinement=None, learned=None)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads; what is learned beyond them has files of its own."""
        return {
            "difficulty_weights": self.difficulty_weights,
            "difficulty_bias": np.array(self.difficulty_bias),
            "difficulty_range": np.array([self.difficulty_low, self.difficulty_high]),
            "difficulty_sd": np.array(self.difficulty_sd),
            "coefficients": np.array([self.a, self.b, self.c]),
            "capability_mean": np.array(self.capability_mean),
        }

    def features(self, models: Sequence[Scored]) -> CandidateFeatures:
        """What is known of k models from their scores and, where the artifact has some, their outcomes."""
        scores = np.array([[model.gpqa_diamond, model.livecodebench] for model in models], dtype=np.float64)
        names = [model.names for model in models]
        if self.learned is None:
            return self.features_of(scores, names)
        capability = self.capability_of(scores)
        efforts = [model.effort for model in models]
        abilities = self.learned.hierarchy.abilities(capability, [model.figures for model in models], efforts, names)
        return CandidateFeatures(capability, np.where(abilities.known, 0, NO_OUTCOMES), abilities)

    def features_of(
        self,
        scores: Floats,
        names: Sequence[Sequence[str]],
        published: Sequence[Sequence[PublishedScore]] | None = None,
    ) -> CandidateFeatures:
        """The same from scores [k, 2], fractions with NaN where nothing is published, and the names of each model.

        Args:
            published: of each, every published score, the two among them; without it there are only the two.
        """
        scores = scores.reshape(-1, 2)
        capability = self.capability_of(scores)
        if self.learned is not None:
            figures = published if published is not None else [_two(pair) for pair in scores]
            efforts = [None] * len(capability)
            abilities = self.learned.hierarchy.abilities(capability, figures, efforts, names)
            return CandidateFeatures(capability, np.where(abilities.known, 0, NO_OUTCOMES), abilities)
        refinement = self.refinement
        if refinement is None or not refinement.model_ids:
            return CandidateFeatures(capability, np.full(len(scores), NO_OUTCOMES))
        places = np.array([refinement.place_of(of_model) for of_model in names], dtype=np.intp)
        # Outcomes were explained by this capability and a residual: the one is worth nothing without the other.
        capability = np.where(places == NO_OUTCOMES, capability, refinement.model_capability[places])
        return CandidateFeatures(capability, places)

    def capability_of(self, scores: Floats) -> Floats:
        """[k]: the mean of the scores [k, 2] that are known; the training mean where none is."""
        known = [capability_of(*pair) for pair in scores.reshape(-1, 2)]
        return np.array([self.capability_mean if one is None else one for one in known], dtype=np.float64)

    def read(self, inputs: Inputs | Floats32) -> Reading:
        """Difficulty, its uncertainty, domains and work of n requests, or of embeddings [n, d] of their views."""
        inputs = inputs if isinstance(inputs, Inputs) else Inputs.of_vectors(inputs)
        vectors, n = inputs.whole, len(inputs)
        if self.learned is not None:
            phi, novelty = self.learned.hierarchy.memberships(vectors)
            difficulty, sd, _ = self.learned.difficulty.read(inputs)
            return Reading(difficulty, sd, phi, self.learned.work.shares(vectors), novelty)
        if self.refinement is not None:
            phi = self.refinement.memberships(vectors)
            return Reading(*self.refinement.difficulty(vectors, phi), phi)
        raw = vectors.astype(np.float64) @ self.difficulty_weights.astype(np.float64) + self.difficulty_bias
        difficulty = np.clip(raw, self.difficulty_low, self.difficulty_high)
        return Reading(difficulty, np.full(n, self.difficulty_sd), np.empty((n, 0)))

    def length_factor(self, difficulty: float) -> float:
        """How many times its usual output tokens a model is expected to write; 1 for the formula alone."""
        if self.learned is not None:
            return self.learned.work.length_factor(difficulty)
        return 1.0 if self.refinement is None else self.refinement.length_factor(difficulty)

    def complete(self, candidates: CandidateFeatures, reading: Reading) -> tuple[Floats, Floats]:
        """`mu` and `sigma`, float64 [k] each, of k candidates on one prompt (`row`), or on one prompt each (`rows`).

        `mu` is P(complete). `sigma` is its standard deviation from what is not known, by the delta method: the
        difficulty and, with what outcomes taught, the model's ability there. Where prompts are unlike all training
        prompts `mu` itself is drawn towards 1/2: the mean of a logistic over a normal logit (MacKay, 1992).
        """
        difficulty = reading.difficulty
        if self.learned is not None:
            if candidates.abilities is None or reading.work is None or reading.novelty is None:
                raise ValueError("the candidates or the reading were made by another predictor")
            logit, variance, unsure = self.learned.hierarchy.logits(
                candidates.abilities,
                reading.memberships,
                reading.novelty,
                reading.work,
                difficulty,
                reading.difficulty_sd,
            )
            mu = _sigmoid(logit / np.sqrt(1 + np.pi / 8 * unsure))
            return mu, mu * (1.0 - mu) * np.sqrt(variance)
        if self.refinement is None:
            mu = _sigmoid(self.a * candidates.capability + self.b * difficulty + self.c)
            return mu, mu * (1.0 - mu) * abs(self.b) * reading.difficulty_sd
        a, b, c = self.refinement.coefficients
        residual, variance = self.refinement.residuals(candidates.places, reading.memberships, difficulty)
        mu = _sigmoid(a * candidates.capability + b * difficulty + c + residual)
        spread = np.sqrt((b * reading.difficulty_sd) ** 2 + variance)
        return mu, mu * (1.0 - mu) * spread


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        p: Floats = 1.0 / (1.0 + np.exp(-x))
    return p


def _two(scores: Floats) -> list[PublishedScore]:
    """A pair of scores as figures."""
    return [(name, None, float(x)) for name, x in zip(CAPABILITY_BENCHMARKS, scores, strict=True) if not np.isnan(x)]
