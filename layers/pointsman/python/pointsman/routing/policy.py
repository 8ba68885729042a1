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
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
# `session` and `default` are taken without choosing: what holds a conversation, and what answers unread text.
Reason = Literal["threshold", "value", "fallback", "session", "default", "observed"]


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
    candidate_ids: Sequence[str] | NDArray[np.object_],
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
    among: NDArray[np.bool_] | None = None,
    holding: int | None = None,
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
        among: bool [n], the candidates to choose from, at least one; only for sets of one.
        holding: the place of what holds a conversation. It clears the threshold from the margin below it on, so that a
            conversation does not move to and fro across the bar. Where there are sets, it is not looked at.
    """
    asked = mu if sigma is None or not caution else np.maximum(mu - caution * sigma, 0.0)
    bars = _Bars(completion_threshold, fallback_quality_margin, within, worth_usd, worth_of_a_second)
    if among is not None:
        asked = np.where(among, asked, -np.inf)
    if max_k == 1 or len(candidate_ids) == 1:
        rows, reason = _best(asked, cost, latency, bars, holding=holding)
        place = min(rows.tolist(), key=candidate_ids.__getitem__)
        seconds = float(latency[place])
        return Choice(
            members=(place,),
            expected_quality=float(mu[place]),
            asked_quality=float(asked[place]),
            cost=float(cost[place]),
            latency=None if np.isnan(seconds) else seconds,
            reason=reason,
        )
    # Candidates in the order of their ids: a set's row of ranks then compares as its ids do. Rank n stands for
    # "no member": it completes nothing, costs nothing, takes no time.
    n = len(candidate_ids)
    order = np.array(sorted(range(n), key=candidate_ids.__getitem__))
    sets = candidate_sets(n, min(max_k, n))
    size = (sets < n).sum(axis=1)
    total = np.append(cost[order], 0.0)[sets].sum(axis=1)
    if max_cost_usd is not None:
        allowed = (size == 1) | (total <= max_cost_usd)
        sets, size, total = sets[allowed], size[allowed], total[allowed]
    quality = _completion(asked[order], sets, size)
    slowest = np.append(latency[order], 0.0)[sets].max(axis=1)  # NaN where that of any member is not known
    rows, reason = _best(quality, total, slowest, bars, np.column_stack([size, sets]), latency)
    row = int(rows[0])
    members = sorted((int(order[rank]) for rank in sets[row, : size[row]]), key=lambda i: cost[i])
    return Choice(
        members=tuple(members),
        expected_quality=float(_completion(mu[order], sets[[row]], size[[row]])[0]),
        asked_quality=float(quality[row]),
        cost=float(total[row]),
        latency=None if np.isnan(slowest[row]) else float(slowest[row]),
        reason=reason,
    )


class _Bars(NamedTuple):
    completion_threshold: float
    fallback_quality_margin: float
    within: float | None
    worth_usd: float | None
    worth_of_a_second: float


def _best(
    quality: Floats,
    cost: Floats,
    latency: Floats,
    bars: _Bars,
    sets: Places | None = None,
    of_candidates: Floats | None = None,
    holding: int | None = None,
) -> tuple[Places, Reason]:
    """The places of the best sets of s, and why: several only where they differ in nothing but their ids.

    Args:
        quality: [s]; cost: [s]; latency: [s], NaN: not known.
        sets: [s, 1 + max_k], the sizes and the members, where sets may have several.
        of_candidates: [n], the latency of single candidates, where sets may have several.
        holding: the place whose completion may lie the margin below the threshold.
    """
    reason: Reason = "threshold" if bars.worth_usd is None else "value"
    best = float(quality.max())
    judged = quality
    if holding is not None:
        judged = quality.copy()
        judged[holding] += bars.fallback_quality_margin
    near = best - bars.within if bars.within is not None else -np.inf
    rows = np.flatnonzero((judged >= bars.completion_threshold) & (quality >= near))
    if not len(rows):
        reason = "fallback"
        rows = np.flatnonzero((judged >= best - bars.fallback_quality_margin) & (quality >= near))
    if bars.worth_usd is not None:
        value = bars.worth_usd * quality - cost
        if bars.worth_of_a_second:
            value = value - bars.worth_of_a_second * _waited(latency, of_candidates)
        rows = _lowest(rows, -value)
    # One key after another, each only among what the keys before it left: mostly the first decides.
    rows = _lowest(rows, cost)
    if len(rows) > 1:
        rows = _lowest(rows, np.where(np.isnan(latency), np.inf, latency))
    if len(rows) > 1 and sets is not None:
        rows = _lowest(rows, sets[:, 0])
    if len(rows) > 1:
        rows = _lowest(rows, -quality)
    for member in () if sets is None else sets[:, 1:].T:
        rows = _lowest(rows, member)
    return rows, reason


def _lowest(rows: Places, key: NDArray[Any]) -> Places:
    """Those of the places whose key is lowest."""
    if len(rows) == 1:
        return rows
    left = key[rows]
    lowest: Places = rows[left == left.min()]
    return lowest


def _waited(latency: Floats, of_candidates: Floats | None) -> Floats:
    """Seconds [s]; one that is not known is taken for the slowest candidate that is."""
    known = latency if of_candidates is None else of_candidates
    slowest = float(np.max(known, where=~np.isnan(known), initial=0.0))
    seconds: Floats = np.where(np.isnan(latency), slowest, latency)
    return seconds


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
