"""Cost against completion: what a router reaches at which cost.

A setting of a router (a threshold, say) gives a point: mean cost and mean completion. Between two settings one may
toss a coin, so what a router reaches is the non-decreasing concave hull of its points (RouterBench: Hu et al., 2024,
arXiv:2403.12031, calls it the non-decreasing convex hull). Always taking the cheapest model is open to every router.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Hull:
    """Corners of a hull: cost rises, and completion with it."""

    cost: Floats  # [c]
    completion: Floats  # [c]

    def completion_at(self, cost: float) -> float:
        """The completion that `cost` buys; what the cheapest corner gives where it buys less than that."""
        return float(np.interp(cost, self.cost, self.completion))

    def cost_at(self, completion: float) -> float:
        """The least cost of a completion; infinite where it is never reached."""
        if completion > self.completion[-1] + 1e-12:
            return float("inf")
        return float(np.interp(completion, self.completion, self.cost))

    def area(self, low: float, high: float) -> float:
        """AIQ: the mean completion over costs from `low` to `high`, the area over the range."""
        inner = self.cost[(self.cost > low) & (self.cost < high)]
        at = np.concatenate([[low], inner, [high]])
        height = np.interp(at, self.cost, self.completion)
        return float(np.sum(np.diff(at) * (height[1:] + height[:-1]) / 2) / (high - low)) if high > low else height[0]


def hull(cost: Floats, completion: Floats) -> Hull:
    """The hull of t points."""
    order = np.lexsort([-completion, cost])
    corners: list[tuple[float, float]] = []
    for x, y in zip(cost[order].tolist(), completion[order].tolist(), strict=True):
        if corners and y <= corners[-1][1]:
            continue
        while len(corners) > 1 and _below(corners[-2], corners[-1], (x, y)):
            corners.pop()
        if corners and x <= corners[-1][0]:
            corners.pop()
        corners.append((x, y))
    return Hull(np.array([x for x, _ in corners]), np.array([y for _, y in corners]))


def route(mu: Floats, cost: Floats, threshold: float, margin: float) -> Indices:
    """[n]: the model the policy takes for each of n prompts, one model a prompt (`pointsman.routing.policy`, max_k 1).

    The cheapest of those whose `mu` [n, k] clears the threshold; where none does, the cheapest within `margin` of the
    best. Of equally cheap ones the likelier, then the first.
    """
    clears = mu >= threshold
    none = ~clears.any(axis=1)
    clears[none] = mu[none] >= mu[none].max(axis=1, keepdims=True) - margin
    price = np.where(clears, cost, np.inf)
    cheapest = price == price.min(axis=1, keepdims=True)
    chosen: Indices = np.where(cheapest, mu, -1.0).argmax(axis=1)
    return chosen


def _below(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b is on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])
