"""Difficulty of a request from its parts: a linear reading, and what is particular to its neighbourhood.

    z          = projection . [e(whole), e(first sentences), e(last sentences), standardized surface]
    near_j     = exp(-gamma |z - landmark_j|^2)
    difficulty = w . z + v . near + w0, clipped to the range of training
    novelty    = 1 - max_j near_j: 0 for what training knew, 1 for what is like nothing of it
    variance   = known + novel * novelty, of a kind of requests as whole, fitted on kinds and sources left out

Landmarks are centres of the training prompts and of the anchors. A linear reading alone cannot say that a bug in a
repository is hard and a sum is not; far from every landmark it is all that is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointsman.artifact.array_shapes import checked_arrays
from pointsman.routing.inputs import Gate, Inputs
from pointsman.routing.surface import NAMES

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

# The arrays of `difficulty.npz`: d dimensions of the embedder, s of the surface, r of z, m landmarks.
SHAPES: dict[str, tuple[str | int, ...]] = {
    "surface_mean": ("s",),
    "surface_scale": ("s",),
    "projection": ("3d+s", "r"),
    "landmarks": ("m", "r"),
    "gamma": (),
    "weights": ("r",),
    "near_weights": ("m",),
    "bias": (),
    "difficulty_range": (2,),
    "variance": (2,),
    "gate_weights": ("d+1", 3),
    "gate_bias": (3,),
}
# A surface feature counts up to so many standard deviations: what no prompt had before teaches nothing.
MOST_DEVIATIONS = 3.0


@dataclass(frozen=True)
class DifficultyHead:
    """Learned numbers; difficulty is in logits."""

    surface_mean: Floats32  # [s]
    surface_scale: Floats32  # [s]
    projection: Floats32  # [3d + s, r]
    landmarks: Floats32  # [m, r]
    gamma: float
    weights: Floats32  # [r]
    near_weights: Floats32  # [m]
    bias: float
    difficulty_range: Floats  # [2]
    variance: Floats  # [2] known and novel
    gate: Gate

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> "DifficultyHead":
        """The head of a file's arrays.

        Raises:
            ValueError: an array is missing, has another shape, or holds something not finite.
        """
        marks = arrays.get("landmarks")
        count, rank = marks.shape if marks is not None and marks.ndim == 2 else (0, 0)
        sizes = {"d+1": dimensions + 1, "s": len(NAMES), "3d+s": 3 * dimensions + len(NAMES), "r": rank, "m": count}
        checked = checked_arrays(arrays, SHAPES, sizes)
        numbers: dict[str, Any] = {name: checked[name].astype(np.float32) for name in SHAPES}
        numbers |= {name: checked[name].astype(np.float64) for name in ("difficulty_range", "variance")}
        numbers |= {name: float(checked[name]) for name, shape in SHAPES.items() if shape == ()}
        gate = Gate(numbers.pop("gate_weights"), numbers.pop("gate_bias"))
        return cls(**numbers, gate=gate)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_arrays` reads."""
        gate = {"gate_weights": self.gate.weights, "gate_bias": self.gate.bias}
        return {name: np.asarray(gate[name] if name in gate else getattr(self, name)) for name in SHAPES}

    def place(self, inputs: Inputs) -> Floats32:
        """z, float32 [n, r]."""
        return projected(inputs, self.surface_mean, self.surface_scale, self.projection)

    def read(self, inputs: Inputs) -> tuple[Floats, Floats, Floats]:
        """The difficulty, its standard deviation, both in logits, and the novelty, float64 [n] each."""
        z = self.place(inputs)
        near = nearness(z, self.landmarks, self.gamma, self._squared)
        raw = (z @ self.weights + near @ self.near_weights).astype(np.float64) + self.bias
        novelty = 1.0 - near.max(axis=1).astype(np.float64)
        known, novel = self.variance
        return np.clip(raw, *self.difficulty_range), np.sqrt(known + novel * novelty), novelty

    @cached_property
    def _squared(self) -> Floats32:
        """[m] squared lengths of the landmarks."""
        return squared(self.landmarks)


def projected(inputs: Inputs, mean: Floats32, scale: Floats32, projection: Floats32) -> Floats32:
    """z, float32 [n, r]: the parts' embeddings and the standardized surface, projected."""
    z: Floats32 = stacked(inputs, mean, scale) @ projection
    return z


def stacked(inputs: Inputs, mean: Floats32, scale: Floats32) -> Floats32:
    """float32 [n, 3d + s]: the parts' embeddings and the surface, standardized and bounded."""
    counted = np.clip((inputs.surface - mean) / scale, -MOST_DEVIATIONS, MOST_DEVIATIONS)
    return np.concatenate([inputs.whole, inputs.first, inputs.last, counted], axis=1)


def nearness(z: Floats32, landmarks: Floats32, gamma: float, lengths: Floats32 | None = None) -> Floats32:
    """float32 [n, m]: 1 at a landmark, falling to 0 with the squared distance; `lengths` [m] are those squared."""
    far = squared(z)[:, None] + (squared(landmarks) if lengths is None else lengths) - 2 * (z @ landmarks.T)
    near: Floats32 = np.exp(-gamma * np.maximum(far, 0))
    return near


def squared(points: Floats32) -> Floats32:
    """float32 [m]: the squared lengths of m points."""
    found: Floats32 = np.einsum("mr,mr->m", points, points)
    return found
