"""What a model does beyond its published scores, from its outcomes: shrunken offsets by empirical Bayes.

    logit P = base + offset_j + slope_j * difficulty + region_j . r(x) + area_j . s(x)
    offset_j ~ N(0, 0.6^2)    slope_j, region_jk, area_jk ~ N(0, tau^2), one tau a kind

`base` is the formula's logit with the difficulty predicted out of fold. The taus are re-estimated from the posterior
(Laplace approximation), so little evidence moves little. The offset's is not: what holds for a model in one source
carries over to another far less than its spread within a source suggests. With the estimate (1.5) predictions of
sources that were left out got worse than the formula's; 0.6 costs 0.001 of log-loss inside (docs/how-it-decides.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artifacts_build.training.domains import Domains
from artifacts_build.training.rasch import sigmoid

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
OFFSET_SD = 0.6
# Where the re-estimation starts, and the least and most that a standard deviation may become.
SLOPE_SD, REGION_SD, AREA_SD = 0.25, 1.2, 0.5
LEAST_SD, MOST_SD = 0.02, 3.0
ROUNDS, FIRST_STEPS, LATER_STEPS = 3, 12, 4
# A Newton step may move no row's logit by more than this.
LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Residuals:
    """[m, K] and [m]: what a model adds in each domain, its variance there, and its slope on difficulty."""

    residual: Floats
    variance: Floats
    slope: Floats
    sds: dict[str, float]
    new_model_variance: float


def fit_residuals(
    domains: Domains,
    phi: Floats,
    difficulty: Floats,
    base: Floats,
    prompt: Indices,
    model: Indices,
    score: Floats,
    weight: Floats,
    models: int,
    by_domain: bool = True,
) -> Residuals:
    """Fit r responses of m models on n prompts.

    Args:
        phi: [n, K] memberships; difficulty: [n] predicted out of fold; base: [r] logits of the formula.
        by_domain: False fits offset and slope alone.
    """
    areas, regions = int(domains.area.max()) + 1, int(domains.region.max()) + 1
    to_region, to_area = np.eye(regions)[domains.region], np.eye(areas)[domains.area]  # [K, .]
    parts = [np.ones((len(phi), 1)), difficulty[:, None]]
    kinds = [0, 1]
    if by_domain:
        parts += [phi @ to_region, phi @ to_area]
        kinds += [2] * regions + [3] * areas
    features, kind = np.concatenate(parts, axis=1), np.array(kinds)
    sd = np.array([OFFSET_SD, SLOPE_SD, REGION_SD, AREA_SD])[: kind.max() + 1]

    order = np.argsort(model, kind="stable")
    ends = np.searchsorted(model[order], np.arange(models + 1))
    seen = np.flatnonzero(np.diff(ends))
    w, spread = np.zeros((models, len(kind))), np.zeros((models, len(kind)))
    # What a model's coefficients come to in each domain, [K, p]; for the variance at the domain's own difficulty.
    spot = np.zeros((phi.shape[1], len(kind)))
    spot[:, 0] = 1
    if by_domain:
        spot[:, 2:] = np.concatenate([to_region, to_area], axis=1)
    typical = spot.copy()
    typical[:, 1] = (phi.T @ difficulty) / np.maximum(phi.sum(axis=0), 1e-9)
    variance = np.zeros((models, phi.shape[1]))
    for step in range(ROUNDS + 1):
        prior = 1 / sd[kind] ** 2
        for j in seen:
            rows = order[ends[j] : ends[j + 1]]
            steps = FIRST_STEPS if step == 0 else LATER_STEPS
            w[j], hessian = _newton(features[prompt[rows]], base[rows], score[rows], weight[rows], prior, w[j], steps)
            covariance = np.linalg.inv(hessian)
            spread[j] = np.diag(covariance)
            if step == ROUNDS:
                variance[j] = np.einsum("kp,kp->k", typical @ covariance, typical)
        if step < ROUNDS:
            for k in range(1, len(sd)):
                own = kind == k
                moment = float(np.mean(w[seen][:, own] ** 2 + spread[seen][:, own]))
                sd[k] = np.clip(np.sqrt(moment), LEAST_SD, MOST_SD)
    names = ("offset", "slope", "region", "area")[: len(sd)]
    residual = w @ spot.T
    # A new model is one of these, without its outcomes.
    new = float(np.average(np.mean(residual[seen] ** 2 + variance[seen], axis=1))) if len(seen) else OFFSET_SD**2
    sds = {name: round(float(value), 4) for name, value in zip(names, sd, strict=True)}
    return Residuals(residual, variance, w[:, 1], sds, new)


def _newton(
    x: Floats, base: Floats, score: Floats, weight: Floats, prior: Floats, start: Floats, steps: int
) -> tuple[Floats, Floats]:
    """The mode of one model's coefficients, [p], and the Hessian there, [p, p]."""
    w = start
    for _ in range(steps):
        p = sigmoid(base + x @ w)
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x
        hessian[np.diag_indices_from(hessian)] += prior
        move = np.linalg.solve(hessian, x.T @ (weight * (score - p)) - prior * w)
        longest = float(np.abs(x @ move).max())
        w = w + move * min(1.0, LONGEST_STEP / max(longest, 1e-12))
        if longest < 1e-4:
            break
    return w, hessian
