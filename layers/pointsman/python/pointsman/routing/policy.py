"""The policy: the cheapest set of candidates whose expected completion clears the bars, or the one worth most.

A set completes if any of its members does, independently: P(set) = 1 - prod(1 - P(member)). It costs the sum
of its members and takes as long as the slowest. With caution, what is judged is not P(complete) but a lower bound:
P less `caution` standard deviations, and no less than 0.

    bars    the completion threshold; `within`: no further than this below the best set. Where no set clears the
            threshold, what is within the margin of the best is taken instead.
    choice  without a worth, the cheapest; with one, the highest worth * P - cost - worth of a second * latency.
    ties    lower cost, lower latency, fewer members, higher completion, then candidate id.

A latency that is not known loses ties, and counts as the slowest known one where seconds have a worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Reason = Literal["threshold", "value", "fallback"]


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
    candidate_ids: Sequence[str],
    mu: Floats,
    cost: Floats,
    latency: Floats,
    *,
    completion_threshold: float,
    fallback_quality_margin: float,
    max_k: int,
    caution: float = 0.0,
    sigma: Floats | None = None,
    within: float | None = None,
    worth_usd: float | None = None,
    worth_of_a_second: float = 0.0,
    max_cost_usd: float | None = None,
) -> Choice:
    """The set to serve a prompt, from n >= 1 candidates.

    Args:
        candidate_ids: n ids, for the last tie-break.
        mu: float64 [n], P(complete).
        cost: float64 [n], USD.
        latency: float64 [n], seconds; NaN where unknown.
        sigma: float64 [n], the standard deviation of `mu`; needed where there is caution.
        within: how far below the best set's completion a choice may lie; None is any.
        worth_usd: what a completed request is worth; None asks for the cheapest.
        worth_of_a_second: USD, what a second of waiting costs; only where there is a worth.
        max_cost_usd: what a set of several may cost at most; single candidates have been looked at before.
    """
    n = len(candidate_ids)
    asked = mu if sigma is None or not caution else np.maximum(mu - caution * sigma, 0.0)
    known = ~np.isnan(latency)
    slow = np.where(known, latency, np.inf)
    waited = np.where(known, latency, latency[known].max(initial=0.0)) if worth_of_a_second else None
    if max_k == 1 or n == 1:  # the sets are the candidates, in whichever order
        order: Places | None = None
        sets = None
        quality, total, slowest = asked, cost, slow
        size = np.ones(n, dtype=np.intp)
    else:
        # Candidates in the order of their ids: a set's row of ranks then compares as its ids do. Rank n stands for
        # "no member": it completes nothing, costs nothing, takes no time.
        order = np.array(sorted(range(n), key=candidate_ids.__getitem__))
        sets = candidate_sets(n, min(max_k, n))
        size = (sets < n).sum(axis=1)
        quality = _completion(asked[order], sets, size)
        total = np.append(cost[order], 0.0)[sets].sum(axis=1)
        slowest = np.append(slow[order], 0.0)[sets].max(axis=1)
        if waited is not None:
            waited = np.append(waited[order], 0.0)[sets].max(axis=1)

    if max_cost_usd is not None and sets is not None:
        kept = (size == 1) | (total <= max_cost_usd)
        sets, size, quality, total, slowest = sets[kept], size[kept], quality[kept], total[kept], slowest[kept]
        waited = None if waited is None else waited[kept]
    clears = quality >= completion_threshold
    best = float(quality.max())
    reason: Reason = "threshold" if worth_usd is None else "value"
    if not clears.any():
        reason = "fallback"
        clears = quality >= best - fallback_quality_margin
    if within is not None:  # the best itself always clears both bars, so something is left
        clears &= quality >= best - within
    rows = np.flatnonzero(clears)
    keys = [total, slowest, size, -quality]
    if worth_usd is not None:
        value = worth_usd * quality - total
        if waited is not None:
            value = value - worth_of_a_second * waited
        keys.insert(0, -value)
    if sets is not None:
        keys.extend(sets.T)
    # One key after another, each only among what the keys before it left: mostly the first decides.
    for key in keys:
        left = key[rows]
        rows = rows[left == left.min()]
        if len(rows) == 1:
            break
    if sets is None or order is None:
        row = min(rows.tolist(), key=candidate_ids.__getitem__)
        members, expected = [row], float(mu[row])
    else:
        row = int(rows[0])
        members = sorted((int(order[rank]) for rank in sets[row, : size[row]]), key=lambda i: cost[i])
        expected = float(_completion(mu[order], sets[[row]], size[[row]])[0])
    return Choice(
        members=tuple(members),
        expected_quality=expected,
        asked_quality=float(quality[row]),
        cost=float(total[row]),
        latency=None if np.isinf(slowest[row]) else float(slowest[row]),
        reason=reason,
    )


def _completion(p: Floats, sets: Places, size: Places) -> Floats:
    """[sets] P(any member completes), of probabilities in the order of the ranks."""
    miss = np.append(1.0 - p, 1.0)[sets].prod(axis=1)
    # A set of one completes with exactly its member's probability, not with 1 - (1 - P) of it.
    return np.where(size == 1, np.append(p, 0.0)[sets[:, 0]], 1.0 - miss)


@lru_cache(maxsize=64)
def candidate_sets(n: int, max_k: int) -> Places:
    """intp [sets, max_k]: every set of 1..max_k of n candidates; a free place holds n."""
    rows = [(*members, *([n] * (max_k - k))) for k in range(1, max_k + 1) for members in combinations(range(n), k)]
    return np.array(rows, dtype=np.intp).reshape(len(rows), max_k)
