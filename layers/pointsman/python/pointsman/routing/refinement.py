"""What outcomes teach beyond the published formula; without it, the formula alone is what runs.

    domains        K soft clusters of embeddings: phi_k(x) = softmax_k(sharpness * centers_k . e(x))
    difficulty     w . e(x) + shift . phi(x) + w0, clipped: the formula's, with a shift for each domain
    coefficients   a, b, c of the logistic, fitted to this difficulty
    residuals      a model with outcomes adds residual_m . phi(x) + slope_m * difficulty(x), shrunken by how much
                   is known; a model without outcomes adds nothing
    length         a model writes exp(length_slope * (difficulty - length_center)) times its usual output tokens
    uncertainty    the ridge's posterior for the difficulty, the residual's posterior for a model with outcomes, the
                   spread of such residuals for one without

All arrays; no names but the ids of the models that have outcomes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Places = NDArray[np.intp]

# The arrays of `refinement.npz`; d dimensions of the embedder, K domains, m models with outcomes.
SHAPES: dict[str, tuple[str | int, ...]] = {
    "centers": ("K", "d"),
    "sharpness": (),
    "weights": ("d",),
    "shift": ("K",),
    "bias": (),
    "difficulty_range": (2,),
    "coefficients": (3,),
    "feature_mean": ("d+K",),
    "covariance": ("d+K", "d+K"),
    "residual": ("m", "K"),
    "residual_variance": ("m", "K"),
    "slope": ("m",),
    "model_capability": ("m",),
    "new_model_variance": (),
    "length": (2,),
}
WIDE = ("difficulty_range", "coefficients", "length")  # few numbers, kept in float64
NO_OUTCOMES = -1
# Output lengths were seen over a narrow range of difficulty: no prompt changes them by more than this factor.
MOST_LENGTH_FACTOR = 4.0


@dataclass(frozen=True)
class Refinement:
    """Learned numbers; difficulty, residuals and their variances are in logits."""

    centers: Floats32  # [K, d], unit length
    sharpness: float
    weights: Floats32  # [d]
    shift: Floats32  # [K]
    bias: float
    difficulty_range: Floats  # [2]
    coefficients: Floats  # [3]
    feature_mean: Floats32  # [d + K]
    covariance: Floats32  # [d + K, d + K] of the ridge's coefficients
    residual: Floats32  # [m, K]
    residual_variance: Floats32  # [m, K]
    slope: Floats32  # [m]
    model_capability: Floats32  # [m] that the residuals stand on, whatever is published since
    new_model_variance: float
    length: Floats  # [2]: length_slope and length_center; a slope of 0 where no lengths were known
    model_ids: tuple[str, ...]  # [m]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> "Refinement":
        """The refinement of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        ids = arrays.get("model_ids")
        if ids is None or ids.ndim != 1 or ids.dtype.kind != "U":
            raise ValueError("the array model_ids is missing or holds no text")
        centers = arrays.get("centers")
        domains = len(centers) if centers is not None and centers.ndim == 2 else 0
        sizes = {"d": dimensions, "K": domains, "m": len(ids), "d+K": dimensions + domains}
        checked = checked_arrays(arrays, SHAPES, sizes)
        numbers: dict[str, Any] = {name: checked[name].astype(np.float32) for name in SHAPES}
        numbers |= {name: checked[name].astype(np.float64) for name in WIDE}
        numbers |= {name: float(checked[name]) for name, shape in SHAPES.items() if shape == ()}
        return cls(**numbers, model_ids=tuple(str(name) for name in ids))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads."""
        numbers = {name: np.asarray(getattr(self, name)) for name in SHAPES}
        # Of no ids at all numpy would make an array of numbers.
        return numbers | {"model_ids": np.array(self.model_ids, dtype=str)}

    def memberships(self, vectors: Floats32) -> Floats:
        """phi, float64 [n, K]: how much each embedding, float32 [n, d], belongs to each domain; rows sum to 1."""
        return memberships(vectors, self.centers, self.sharpness)

    def difficulty(self, vectors: Floats32, phi: Floats) -> tuple[Floats, Floats]:
        """The difficulty [n] and its standard deviation [n], in logits, of embeddings and their memberships."""
        raw = vectors.astype(np.float64) @ self.weights + phi @ self.shift + self.bias
        features = np.concatenate([vectors, phi.astype(np.float32)], axis=1) - self.feature_mean
        variance = np.einsum("nf,nf->n", features @ self.covariance, features)
        return np.clip(raw, *self.difficulty_range), np.sqrt(np.maximum(variance, 0)).astype(np.float64)

    def residuals(self, places: Places, phi: Floats, difficulty: Floats) -> tuple[Floats, Floats]:
        """What outcomes add to the logit of r candidates, and its variance, [r] each.

        Args:
            places: [r] of `place_of`.
            phi: [r, K] or [K]; difficulty: [r] or a number.
        """
        if not self.model_ids:
            return np.zeros(places.shape), np.full(places.shape, self.new_model_variance)
        known = places != NO_OUTCOMES
        added = np.einsum("...k,...k->...", self.residual[places], phi) + self.slope[places] * difficulty
        variance = np.einsum("...k,...k->...", self.residual_variance[places], phi)
        return np.where(known, added, 0.0), np.where(known, variance, self.new_model_variance)

    def place_of(self, names: Iterable[str]) -> int:
        """Where the outcomes of a model are, by the first of its names that has some; -1 without."""
        return next((self._places[name] for name in names if name in self._places), NO_OUTCOMES)

    def length_factor(self, difficulty: float) -> float:
        """How many times its usual output tokens a model is expected to write at this difficulty."""
        slope, center = self.length
        factor = np.exp(slope * (difficulty - center))
        return float(np.clip(factor, 1 / MOST_LENGTH_FACTOR, MOST_LENGTH_FACTOR))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.model_ids)}


def memberships(vectors: Floats32, centers: Floats32, sharpness: float) -> Floats:
    """Softmax over the domains of `sharpness` times the cosine, float64 [n, K], of embeddings float32 [n, d]."""
    logits = sharpness * (vectors @ centers.T).astype(np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    phi: Floats = weights / weights.sum(axis=1, keepdims=True)
    return phi
