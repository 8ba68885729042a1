"""What a candidate will write: output tokens by candidate, kind of work and difficulty, with a spread.

    expected = sum over kinds of work (share of the kind * tokens[kind, candidate]) * length factor of the difficulty

Where the mix of kinds is not known, the geometric mean over the kinds stands for the sum: lengths are spread over three
orders of magnitude, and their arithmetic mean is that of the longest kind. Tokens come from the registry. A cell that
nobody published is filled in by log tokens = candidate + kind, fitted to all that are known; a candidate without any
figure is taken to be like the mean of its level of effort.

Answers spread log-normally around what is expected. A request's limit caps the forecast and never raises it; that a
limit cuts an answer off lowers P(complete) by the chance that it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, exp, log, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pointsman.registry import WORK

Floats = NDArray[np.float64]

# Standard deviation of the natural log of output tokens around a forecast: what published means of one candidate and
# kind of work differ by between benchmarks (882 means of 85 candidates). Of single answers nothing is published.
LOG_SD = 0.88
P90 = 1.2815515655446004  # the standard normal's 90 % quantile
# What a candidate writes where nothing at all is known of anyone.
UNKNOWN_TOKENS = 512.0
# A whole task of many answers: no limit of one answer cuts it off.
WHOLE_TASK = WORK.index("agentic_coding")
_SWEEPS = 50


class Writing(Protocol):
    """A candidate whose output tokens may be known."""

    @property
    def candidate_id(self) -> str:
        """Its id."""

    @property
    def effort(self) -> str | None:
        """Its level of effort."""

    @property
    def output_tokens(self) -> Mapping[str, float]:
        """Mean output tokens by kind of work, as far as they are known."""


@dataclass(frozen=True)
class Lengths:
    """What a registry knows of how much its candidates write: log tokens = candidate + kind where nobody measured."""

    kinds: Floats  # [W] log tokens, 0 on average
    levels: Mapping[str | None, float]  # log tokens of a candidate of a level, None: of any

    def table(self, candidates: Sequence[Writing]) -> Floats:
        """Tokens [W, k] of k candidates by kind of work, in the order of `WORK`."""
        known = _log_tokens(candidates)
        of_level = [self.levels.get(one.effort, self.levels[None]) for one in candidates]
        own = np.where(np.isnan(known).all(axis=0), of_level, _means(known - self.kinds[:, None], axis=0))
        return np.exp(np.where(np.isnan(known), self.kinds[:, None] + own, known))


def fit_lengths(candidates: Sequence[Writing]) -> Lengths:
    """The lengths of a registry's candidates, by least squares on the logs of the tokens that are known.

    A kind that nobody measured is as long as the mean kind.
    """
    known = _log_tokens(candidates)
    kinds = np.zeros(len(WORK))
    if np.isnan(known).all():
        return Lengths(kinds, {None: log(UNKNOWN_TOKENS)})
    own = np.zeros(len(candidates))
    for _ in range(_SWEEPS):
        own = _means(known - kinds[:, None], axis=0)
        kinds = _means(known - own, axis=1)
        kinds = np.where(np.isnan(kinds), np.nanmean(kinds), kinds)
        kinds -= kinds.mean()
    own = _means(known - kinds[:, None], axis=0)
    measured = ~np.isnan(own)
    by_level: dict[str | None, list[float]] = {}
    for candidate, tokens, is_known in zip(candidates, own.tolist(), measured.tolist(), strict=True):
        if is_known:
            by_level.setdefault(candidate.effort, []).append(tokens)
    levels: dict[str | None, float] = {level: sum(found) / len(found) for level, found in by_level.items()}
    return Lengths(kinds, {**levels, None: float(own[measured].mean())})


@dataclass(frozen=True)
class Forecast:
    """Output tokens of k candidates for one request; [k] each but the spread."""

    expected: Floats
    p90: Floats
    fits: Floats | None  # P(the answer ends before the request's limit); None without a limit


def forecast(tokens: Floats, typical: Floats, work: Floats | None, length_factor: float, limit: int | None) -> Forecast:
    """What k candidates will write.

    Args:
        tokens: [W, k] by kind of work; typical: [k], the geometric means over the kinds.
        work: [W], the shares of the kinds, or None where the mix is not known.
        length_factor: how many times its usual length an answer has at this difficulty.
        limit: the most that the request lets a model write, reasoning included.
    """
    expected = np.maximum(1.0, (typical if work is None else work @ tokens) * length_factor)
    p90 = expected * exp(P90 * LOG_SD - LOG_SD**2 / 2)
    if limit is None:
        return Forecast(np.rint(expected), np.rint(p90), None)
    one_answer, share = expected, 1.0
    if work is not None:
        share = float(1.0 - work[WHOLE_TASK])
        answers = work.copy()
        answers[WHOLE_TASK] = 0.0
        one_answer = (answers @ tokens) * length_factor / max(share, 1e-9)
    fits = 1.0 - share * (1.0 - _below(limit, one_answer))
    return Forecast(np.rint(np.minimum(expected, limit)), np.rint(np.minimum(p90, limit)), fits)


def _below(limit: int, expected: Floats) -> Floats:
    """P(a log-normal answer of these expected lengths [k] has at most `limit` tokens)."""
    z = (log(limit) - np.log(np.maximum(expected, 1e-9)) + LOG_SD**2 / 2) / LOG_SD / sqrt(2)
    return np.array([0.5 * (1.0 + erf(x)) for x in z.tolist()])


def _log_tokens(candidates: Sequence[Writing]) -> Floats:
    """[W, k] of what is known, NaN elsewhere."""
    rows = [[one.output_tokens.get(kind, np.nan) for one in candidates] for kind in WORK]
    return np.log(np.array(rows, dtype=np.float64).reshape(len(WORK), len(candidates)))


def _means(values: Floats, axis: int) -> Floats:
    """Means along an axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    means: Floats = np.where(known, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan)
    return means
