"""The policy: the cheapest set of candidates whose expected completion clears the threshold.

A set completes if any of its members does, independently: P(set) = 1 - prod(1 - P(member)). It costs the sum
of its members and takes as long as the slowest. Ties: lower latency, fewer members, higher completion, then
model id. Where no set clears the threshold, the cheapest within the margin of the best one is taken. With caution,
what must clear it is not P(complete) but a lower bound: P less `caution` standard deviations, and no less than 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Reason = Literal["threshold", "fallback"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen set: indices of its members, cheapest first, and what is expected of it."""

    members: tuple[int, ...]
    expected_quality: float
    asked_quality: float  # what was compared with the threshold: the same, or the lower bound with caution
    cost: float
    latency: float | None
    reason: Reason


def choose(
    model_ids: Sequence[str],
    mu: Floats,
    cost: Floats,
    latency: Floats,
    *,
    completion_threshold: float,
    fallback_quality_margin: float,
    max_k: int,
    caution: float = 0.0,
    sigma: Floats | None = None,
) -> Choice:
    """The set to serve a prompt, from n >= 1 candidates.

    Args:
        model_ids: n ids, for the last tie-break.
        mu: float64 [n], P(complete).
        cost: float64 [n], USD.
        latency: float64 [n], seconds; NaN where unknown, which loses ties.
        sigma: float64 [n], the standard deviation of `mu`; needed where there is caution.
    """
    # Candidates in the order of their ids: a set's row of ranks then compares as its ids do.
    order = np.array(sorted(range(len(model_ids)), key=model_ids.__getitem__))
    sets = candidate_sets(len(model_ids), min(max_k, len(model_ids)))
    asked = mu if sigma is None else np.maximum(mu - caution * sigma, 0.0)
    # Rank n stands for "no member": it completes nothing, costs nothing, takes no time.
    size = (sets < len(model_ids)).sum(axis=1)
    quality = _completion(asked[order], sets, size)
    total = np.append(cost[order], 0.0)[sets].sum(axis=1)
    slowest = np.append(np.where(np.isnan(latency), np.inf, latency)[order], 0.0)[sets].max(axis=1)

    clears = quality >= completion_threshold
    reason: Reason = "threshold" if clears.any() else "fallback"
    if reason == "fallback":
        clears = quality >= quality.max() - fallback_quality_margin
    rows = np.flatnonzero(clears)
    # One key after another, each only among what the keys before it left: mostly the first decides.
    for key in (total, slowest, size, -quality, *sets.T):
        rows = rows[key[rows] == key[rows].min()]
        if len(rows) == 1:
            break
    best = rows[0]
    members = sorted((int(order[rank]) for rank in sets[best, : size[best]]), key=lambda i: cost[i])
    return Choice(
        members=tuple(members),
        expected_quality=float(_completion(mu[order], sets[[best]], size[[best]])[0]),
        asked_quality=float(quality[best]),
        cost=float(total[best]),
        latency=None if np.isinf(slowest[best]) else float(slowest[best]),
        reason=reason,
    )


def _completion(p: Floats, sets: NDArray[np.intp], size: NDArray[np.intp]) -> Floats:
    """[sets] P(any member completes), of probabilities in the order of the ranks."""
    miss = np.append(1.0 - p, 1.0)[sets].prod(axis=1)
    # A set of one completes with exactly its member's probability, not with 1 - (1 - P) of it.
    return np.where(size == 1, np.append(p, 0.0)[sets[:, 0]], 1.0 - miss)


@lru_cache(maxsize=64)
def candidate_sets(n: int, max_k: int) -> NDArray[np.intp]:
    """intp [sets, max_k]: every set of 1..max_k of n candidates; a free place holds n."""
    rows = [(*members, *([n] * (max_k - k))) for k in range(1, max_k + 1) for members in combinations(range(n), k)]
    return np.array(rows, dtype=np.intp).reshape(len(rows), max_k)
