"""The predictor: P(m, x) = sigmoid(a * capability(m) + b * difficulty(x) + c), refined by outcomes.

The item response form with one slope (Rasch, 1960), with ability read off published benchmarks and item
difficulty predicted from the prompt's embedding. A model that appeared today is predicted from its scores alone.
Without a refinement, or with it switched off, the formula is all that runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays
from pointsman.routing.refinement import NO_OUTCOMES, Places, Refinement

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


@dataclass(frozen=True)
class CandidateFeatures:
    """What the predictor knows of k models before it sees a prompt."""

    capability: Floats  # [k], fractions; the training mean where nothing is published
    places: Places  # [k], where their outcomes are; -1 for none

    def rows(self, models: NDArray[np.intp]) -> "CandidateFeatures":
        """The candidates of r rows of outcomes, by their places among these."""
        return CandidateFeatures(self.capability[models], self.places[models])


@dataclass(frozen=True)
class Reading:
    """What the predictor made of n prompts."""

    difficulty: Floats  # [n], logits
    difficulty_sd: Floats  # [n], logits
    memberships: Floats  # [n, K]; K is 0 without a refinement
    work: Floats | None = None  # [n, W], shares of the kinds of work in the order of `registry.WORK`; None: not known

    def row(self, prompt: int) -> "Reading":
        """The reading of one prompt, whose arrays have no axis of prompts."""
        work = None if self.work is None else self.work[prompt]
        return Reading(self.difficulty[prompt], self.difficulty_sd[prompt], self.memberships[prompt], work)

    def rows(self, prompts: NDArray[np.intp]) -> "Reading":
        """The readings of r prompts, one a row of outcomes."""
        work = None if self.work is None else self.work[prompts]
        return Reading(self.difficulty[prompts], self.difficulty_sd[prompts], self.memberships[prompts], work)


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

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], dimensions: int, refinement: Refinement | None = None
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
        )

    def formula(self) -> "Predictor":
        """The published formula alone, with the refinement switched off."""
        return replace(self, refinement=None)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads; the refinement has a file of its own."""
        return {
            "difficulty_weights": self.difficulty_weights,
            "difficulty_bias": np.array(self.difficulty_bias),
            "difficulty_range": np.array([self.difficulty_low, self.difficulty_high]),
            "difficulty_sd": np.array(self.difficulty_sd),
            "coefficients": np.array([self.a, self.b, self.c]),
            "capability_mean": np.array(self.capability_mean),
        }

    def features(self, models: Sequence[Scored]) -> CandidateFeatures:
        """What is known of k models from their scores and, where the refinement has some, their outcomes."""
        scores = np.array([[model.gpqa_diamond, model.livecodebench] for model in models], dtype=np.float64)
        return self.features_of(scores, [model.names for model in models])

    def features_of(self, scores: Floats, names: Sequence[Sequence[str]]) -> CandidateFeatures:
        """The same from scores [k, 2], fractions with NaN where nothing is published, and the names of each model."""
        scores = scores.reshape(-1, 2)
        count = (~np.isnan(scores)).sum(axis=1)
        mean = np.nansum(scores, axis=1) / np.maximum(count, 1)
        capability = np.where(count > 0, mean, self.capability_mean)
        refinement = self.refinement
        if refinement is None or not refinement.model_ids:
            return CandidateFeatures(capability, np.full(len(scores), NO_OUTCOMES))
        places = np.array([refinement.place_of(of_model) for of_model in names], dtype=np.intp)
        # Outcomes were explained by this capability and a residual: the one is worth nothing without the other.
        capability = np.where(places == NO_OUTCOMES, capability, refinement.model_capability[places])
        return CandidateFeatures(capability, places)

    def read(self, vectors: Floats32) -> Reading:
        """Difficulty, its uncertainty and the domains of embeddings float32 [n, d]; clipped to training's range."""
        if self.refinement is not None:
            phi = self.refinement.memberships(vectors)
            return Reading(*self.refinement.difficulty(vectors, phi), phi)
        raw = vectors.astype(np.float64) @ self.difficulty_weights.astype(np.float64) + self.difficulty_bias
        difficulty = np.clip(raw, self.difficulty_low, self.difficulty_high)
        return Reading(difficulty, np.full(len(vectors), self.difficulty_sd), np.empty((len(vectors), 0)))

    def length_factor(self, difficulty: float) -> float:
        """How many times its usual output tokens a model is expected to write; 1 without a refinement."""
        return 1.0 if self.refinement is None else self.refinement.length_factor(difficulty)

    def complete(self, candidates: CandidateFeatures, reading: Reading) -> tuple[Floats, Floats]:
        """`mu` and `sigma`, float64 [k] each, of k candidates on one prompt (`row`), or on one prompt each (`rows`).

        `mu` is P(complete). `sigma` is its standard deviation from what is not known, by the delta method: the
        difficulty and, with a refinement, the model's own residual.
        """
        difficulty = reading.difficulty
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
