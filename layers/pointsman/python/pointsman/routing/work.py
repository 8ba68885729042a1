"""Which kinds of work a prompt is, and how much longer than usual its answers are.

work      softmax(weights . e(x) + bias) over the kinds that the registry knows; rows sum to 1
length    a model writes exp(slope * (difficulty - center)) times its usual output tokens in a kind of work
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays
from pointsman.registry.fields import WORK

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

# The arrays of `work.npz`: d dimensions of the embedder, W kinds of work.
SHAPES: dict[str, tuple[str | int, ...]] = {"weights": ("d", "W"), "bias": ("W",), "length": (2,)}
KINDS = tuple(str(kind) for kind in WORK)
# Lengths were seen over a narrow range of difficulty: no prompt changes them by more than this factor.
MOST_FACTOR = 4.0


@dataclass(frozen=True)
class WorkMix:
    """Learned numbers."""

    weights: Floats32  # [d, W]
    bias: Floats  # [W]
    length: Floats  # [2]: slope per logit of difficulty, and the difficulty of a usual length

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> "WorkMix":
        """The mix of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        checked = checked_arrays(arrays, SHAPES, {"d": dimensions, "W": len(KINDS)})
        return cls(
            checked["weights"].astype(np.float32),
            checked["bias"].astype(np.float64),
            checked["length"].astype(np.float64),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads."""
        return {name: np.asarray(getattr(self, name)) for name in SHAPES}

    def shares(self, vectors: Floats32) -> Floats:
        """float64 [n, W], rows that sum to 1, of embeddings float32 [n, d]."""
        logits = (vectors @ self.weights).astype(np.float64) + self.bias
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def length_factor(self, difficulty: float) -> float:
        """How many times its usual output tokens a model is expected to write at this difficulty."""
        slope, center = self.length
        return float(np.clip(np.exp(slope * (difficulty - center)), 1 / MOST_FACTOR, MOST_FACTOR))
