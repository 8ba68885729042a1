"""What published scores have in common: a factor model with missing entries, by EM.

    logit(score of model i on benchmark j at effort e) = m_j + l_j . (f_i + g_e) + noise
    f_i ~ N(0, I)    noise ~ N(0, v_j)

Tipping and Bishop, "Probabilistic principal component analysis", JRSS B 61 (1999), with a noise of each benchmark's own
(factor analysis) and with the effort's shift. A model with three scores has a wide f, one with thirty a narrow one.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pointsman.registry import CAPABILITY_BENCHMARKS
from pointsman.routing.hierarchy import EFFORTS, STRONG, PublishedScore, level_of, logit_of

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
FACTORS = 1
FEWEST_MODELS = 8
ROUNDS = 80
# Parts of a benchmark beside the whole, and ratings: they would count the same evidence several times.
PASSED_OVER = re.compile(r"^omniscience_(accuracy_|index)|elo|^gert|^livebench_202[45]")
# Priors: of a loading around 0, of a shift around 0, and of a noise variance (with how many scores it weighs).
LOADING_PENALTY, SHIFT_PENALTY = 0.5, 2.0
NOISE, NOISE_COUNT = 0.1, 4.0


@dataclass(frozen=True)
class ScoreTable:
    """s scores of u models on J benchmarks; a mean where several were published for one effort."""

    benchmarks: tuple[str, ...]
    model: Indices  # [s]
    benchmark: Indices  # [s]
    level: Indices  # [s] of EFFORTS
    logit: Floats  # [s]
    models: int


@dataclass(frozen=True)
class Factors:
    """The fitted model; `information` and `evidence` of a model give f = information^-1 evidence."""

    benchmarks: tuple[str, ...]
    mean: Floats  # [J]
    loading: Floats  # [J, q]
    variance: Floats  # [J]
    shift: Floats  # [E, q]

    def with_hidden(self, count: int) -> "Factors":
        """The same with more factors that no score tells."""
        none = ((0, 0), (0, count))
        return Factors(self.benchmarks, self.mean, np.pad(self.loading, none), self.variance, np.pad(self.shift, none))

    def of(self, table: ScoreTable) -> tuple[Floats, Floats, Indices]:
        """Information [u, q, q] and evidence [u, q] about f, the prior's included, and how many scores [u]."""
        own = self.loading[table.benchmark]
        weight = 1 / self.variance[table.benchmark]
        off = table.logit - self.mean[table.benchmark] - np.einsum("sq,sq->s", own, self.shift[table.level])
        information = np.tile(np.eye(own.shape[1]), (table.models, 1, 1))
        evidence = np.zeros((table.models, own.shape[1]))
        np.add.at(information, table.model, own[:, :, None] * own[:, None, :] * weight[:, None, None])
        np.add.at(evidence, table.model, own * (off * weight)[:, None])
        return information, evidence, np.bincount(table.model, minlength=table.models)


def score_table(published: Sequence[Sequence[PublishedScore]], benchmarks: Sequence[str] | None = None) -> ScoreTable:
    """The scores of u models, on the `benchmarks`, or else on those that enough of the models have."""
    if benchmarks is None:
        count = Counter(name for scores in published for name in {name for name, _, _ in scores})
        enough = {name: 2 if name in CAPABILITY_BENCHMARKS else FEWEST_MODELS for name in count}
        benchmarks = sorted(n for n, k in count.items() if k >= enough[n] and not PASSED_OVER.search(n))
    place = {name: j for j, name in enumerate(benchmarks)}
    cells: dict[tuple[int, int, int], list[float]] = {}
    for u, scores in enumerate(published):
        for name, effort, fraction in scores:
            if name in place:
                cells.setdefault((u, place[name], level_of(effort, scores)), []).append(fraction)
    at = np.array(sorted(cells), dtype=np.intp).reshape(-1, 3)
    logit = np.array([logit_of(float(np.mean(cells[u, j, e]))) for u, j, e in at.tolist()])
    return ScoreTable(tuple(benchmarks), at[:, 0], at[:, 1], at[:, 2], logit, len(published))


def fit_factors(table: ScoreTable, count: int = FACTORS) -> Factors:
    """Fit the model; without any benchmark there is nothing in it, and every f stays at its prior."""
    j, e, y = table.benchmark, table.level, table.logit
    benchmarks, efforts = len(table.benchmarks), len(EFFORTS)
    times = np.bincount(j, minlength=benchmarks).astype(float)
    mean = np.bincount(j, y, benchmarks) / np.maximum(times, 1)
    spread = np.sqrt(np.bincount(j, (y - mean[j]) ** 2, benchmarks) / np.maximum(times, 1))
    loading = 0.2 * np.random.default_rng(0).standard_normal((benchmarks, count))
    loading[:, 0] = np.maximum(spread, 0.2)
    fitted = Factors(table.benchmarks, mean, loading, np.full(benchmarks, 0.2), np.zeros((efforts, count)))
    diagonal = np.arange(1, count + 1)
    for _ in range(ROUNDS if benchmarks else 0):
        information, evidence, _ = fitted.of(table)
        covariance = np.linalg.inv(information)
        factor = np.einsum("uqr,ur->uq", covariance, evidence)[table.model]
        own = fitted.loading[j]
        # Loadings and means: of every benchmark a regression of its scores on [1, f].
        z = np.concatenate([np.ones((len(y), 1)), factor + fitted.shift[e]], axis=1)
        moment = z[:, :, None] * z[:, None, :]
        moment[:, 1:, 1:] += covariance[table.model]
        gram, cross = np.zeros((benchmarks, count + 1, count + 1)), np.zeros((benchmarks, count + 1))
        np.add.at(gram, j, moment)
        np.add.at(cross, j, z * y[:, None])
        penalized = gram.copy()
        penalized[:, diagonal, diagonal] += LOADING_PENALTY
        line = np.asarray(np.linalg.solve(penalized, cross[:, :, None])[:, :, 0], dtype=np.float64)
        left = np.bincount(j, y**2, benchmarks) - 2 * np.einsum("jp,jp->j", line, cross)
        left += np.einsum("jp,jpr,jr->j", line, gram, line)
        # Shifts: what is left of the scores at an effort, by their loadings.
        rest = (y - fitted.mean[j] - np.einsum("sq,sq->s", own, factor)) / fitted.variance[j]
        shift = np.zeros((efforts, count))
        for level in np.unique(e):
            here = e == level
            weighted = own[here] / fitted.variance[j[here], None]
            shift[level] = np.linalg.solve(
                weighted.T @ own[here] + SHIFT_PENALTY * np.eye(count), own[here].T @ rest[here]
            )
        shift -= shift[STRONG]
        noise = (left + NOISE * NOISE_COUNT) / (times + NOISE_COUNT)
        fitted = Factors(table.benchmarks, line[:, 0], line[:, 1:], noise, _rising(shift, line[:, 1:]))
    return fitted


def _rising(shift: Floats, loading: Floats) -> Floats:
    """Shifts that never fall as effort rises, along the direction in which scores rise; levels nobody measured too."""
    if shift.shape[1] != 1:
        return shift
    sign = 1.0 if loading.sum() >= 0 else -1.0
    along = sign * shift[:, 0]
    below = np.minimum.accumulate(np.minimum(along[: STRONG + 1], 0)[::-1])[::-1]
    above = np.maximum.accumulate(np.maximum(along[STRONG:], 0))
    return sign * np.concatenate([below, above[1:]])[:, None]
