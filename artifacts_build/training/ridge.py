"""Ridge regression by streamed normal equations: memory that does not grow with the rows, folds for the price of one.

Every row belongs to a part (a fold, a source). The sums of a part are kept apart, so that a fit without a part is a
subtraction and one solve; nothing is read twice to choose a penalty or to leave a source out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]
CHUNK = 4096


@dataclass(frozen=True)
class Sums:
    """Weighted sums over rows of features f and target y."""

    weight: float
    features: Floats  # [p] sum of w f
    target: float  # sum of w y
    gram: Floats  # [p, p] sum of w f f'
    moment: Floats  # [p] sum of w f y

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in _NAMES))

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) - getattr(other, name) for name in _NAMES))

    def first(self, p: int) -> "Sums":
        """The sums of the first p features alone."""
        return Sums(self.weight, self.features[:p], self.target, self.gram[:p, :p], self.moment[:p])


_NAMES = ("weight", "features", "target", "gram", "moment")


@dataclass(frozen=True)
class RidgeFit:
    """y = f . coefficients + intercept; `precision` is the coefficients' posterior precision, but for a scale."""

    coefficients: Floats  # [p]
    intercept: float
    mean: Floats  # [p] of the features
    precision: Floats  # [p, p]

    def predict(self, features: NDArray[np.floating]) -> Floats:
        """[n] of features [n, p]."""
        predicted: Floats = features @ self.coefficients + self.intercept
        return predicted


def sums_of(features: NDArray[np.floating], target: Floats, weight: Floats) -> Sums:
    """The sums of n rows, a few thousand at a time."""
    p = features.shape[1]
    total = Sums(0.0, np.zeros(p), 0.0, np.zeros((p, p)), np.zeros(p))
    for rows in _chunks(len(target)):
        f, y, w = features[rows].astype(np.float64), target[rows], weight[rows]
        weighted = f * w[:, None]
        total += Sums(float(w.sum()), weighted.sum(axis=0), float(w @ y), weighted.T @ f, weighted.T @ y)
    return total


def solve(sums: Sums, penalty: Floats) -> RidgeFit:
    """The ridge with a penalty [p] for each centred coefficient; the intercept is not penalized."""
    mean = sums.features / sums.weight
    center = sums.target / sums.weight
    precision = sums.gram - sums.weight * np.outer(mean, mean)
    precision[np.diag_indices_from(precision)] += penalty
    coefficients = linalg.solve(precision, sums.moment - sums.weight * mean * center, assume_a="pos")
    return RidgeFit(coefficients, float(center - mean @ coefficients), mean, precision)


def total(parts: Sequence[Sums]) -> Sums:
    """The sums of all parts."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, n, CHUNK))
