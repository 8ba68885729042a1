"""The predictor: P(m, x) = sigmoid(a * capability(m) + b * difficulty(x) + c).

The item response form with one slope (Rasch, 1960), with ability read off published benchmarks and item
difficulty predicted from the prompt's embedding. Nothing here knows a model by name: one that appeared
today is predicted from its scores alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The arrays of `predictor.npz` and their shapes; d is the embedder's dimensions.
SHAPES = {
    "difficulty_weights": ("d",),
    "difficulty_bias": (),
    "difficulty_range": (2,),
    "difficulty_sd": (),
    "coefficients": (3,),
    "capability_mean": (),
}


@dataclass(frozen=True)
class Predictor:
    """Learned numbers. Difficulty is in logits; capability is a fraction in [0, 1]."""

    difficulty_weights: NDArray[np.float32]
    difficulty_bias: float
    difficulty_low: float
    difficulty_high: float
    difficulty_sd: float
    a: float
    b: float
    c: float
    capability_mean: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> "Predictor":
        """The predictor of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        for name, shape in SHAPES.items():
            wanted = tuple(dimensions if size == "d" else size for size in shape)
            if name not in arrays:
                raise ValueError(f"the array {name} is missing")
            if arrays[name].shape != wanted or arrays[name].dtype.kind != "f":
                found = f"{arrays[name].dtype}{list(arrays[name].shape)}"
                raise ValueError(f"the array {name} is {found}, not floats of shape {list(wanted)}")
            if not np.isfinite(arrays[name]).all():
                raise ValueError(f"the array {name} holds a value that is not finite")
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
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads."""
        return {
            "difficulty_weights": self.difficulty_weights,
            "difficulty_bias": np.array(self.difficulty_bias),
            "difficulty_range": np.array([self.difficulty_low, self.difficulty_high]),
            "difficulty_sd": np.array(self.difficulty_sd),
            "coefficients": np.array([self.a, self.b, self.c]),
            "capability_mean": np.array(self.capability_mean),
        }

    def difficulty(self, vectors: NDArray[np.float32]) -> Floats:
        """float64 [n], logits, of embeddings float32 [n, d]; clipped to the range seen in training."""
        raw = vectors.astype(np.float64) @ self.difficulty_weights.astype(np.float64) + self.difficulty_bias
        return np.clip(raw, self.difficulty_low, self.difficulty_high)

    def complete(self, capability: Floats, difficulty: float | Floats) -> tuple[Floats, Floats]:
        """`mu` and `sigma`, float64 [k] each, for candidates of these capabilities on one prompt, or on k.

        `mu` is P(complete). `sigma` is its standard deviation from not knowing the difficulty exactly: the
        delta method, |dP/d difficulty| times the out-of-fold error of the predicted difficulty.
        """
        mu = 1.0 / (1.0 + np.exp(-(self.a * capability + self.b * difficulty + self.c)))
        return mu, mu * (1.0 - mu) * abs(self.b) * self.difficulty_sd
