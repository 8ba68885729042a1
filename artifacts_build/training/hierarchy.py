"""Abilities by domain: what published scores say of them, and what outcomes add; by EM with Laplace approximations.

    logit P(row) = base + theta_m . F(x),   F(x) = [phi_1 .. phi_K, difficulty - center]
    theta_m = mean + loading f_m + own_m,   own_m ~ N(0, diag(variance))
    f_m: as its published scores say (factors.py), and a few more factors that no score tells: what domains share beyond
    the scores, so that outcomes in one move a model in those that go with it

`mean`, `loading` and `variance` are learned from models that have both scores and outcomes, each entry from those with
outcomes there, and pulled towards the mean over domains where they are few. Every other model is then given its theta
under them. What is kept of a model's outcomes is what they say of f, and own with its variance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artifacts_build.training.rasch import sigmoid

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

# A model with fewer published scores tells nothing of how scores and outcomes go together.
FEWEST_SCORES = 3
NEWTON_STEPS, EM_ROUNDS, LATER_STEPS = 4, 25, 4
# Priors: with how many models the mean over domains weighs in a loading and in a mean; a variance and its weight.
LOADING_WEIGHT, MEAN_WEIGHT = 2.0, 0.3
VARIANCE, SLOPE_VARIANCE, VARIANCE_WEIGHT = 0.15, 0.03, 6.0
LEAST_VARIANCE = 0.0025
FIRST_OFFSET = 0.4
# A model's entry counts as observed by information / (information + this).
HALF_OBSERVED = 2.0
# A Newton step may move no row's logit by more than this.
LONGEST_STEP = 2.5


@dataclass(frozen=True)
class Rows:
    """r responses, sorted by model: of n prompts and m models."""

    features: Floats  # [n, D]
    prompt: Indices  # [r]
    model: Indices  # [r]
    base: Floats  # [r] logit without ability
    score: Floats  # [r]
    weight: Floats  # [r]


@dataclass(frozen=True)
class HierarchyFit:
    """The learned hierarchy, and what the outcomes of the u models in `models` say."""

    mean: Floats  # [D]
    loading: Floats  # [D, q]
    variance: Floats  # [D]
    models: Indices  # [u]
    information: Floats  # [u, q, q]
    evidence: Floats  # [u, q]
    own: Floats  # [u, D]
    own_variance: Floats  # [u, D]
    learned_from: int


@dataclass(frozen=True)
class _Posterior:
    """Of u models, given the hierarchy."""

    information: Floats
    evidence: Floats
    covariance: Floats  # [u, q, q] of f
    factor: Floats  # [u, q]
    own: Floats  # [u, D]
    gain: Floats  # [u, D, q]: how own falls where f rises
    left: Floats  # [u, D]: variance of own where f is known

    @property
    def own_variance(self) -> Floats:
        """[u, D]"""
        spread: Floats = self.left + np.einsum("udq,uqr,udr->ud", self.gain, self.covariance, self.gain)
        return spread


class _State:
    """What EM moves: the hierarchy, the models' abilities, and the quadratic that stands for each one's outcomes."""

    def __init__(self, rows: Rows, information: Floats, evidence: Floats, hidden: int) -> None:
        self.rows, self.hidden = rows, hidden
        self.models, starts = np.unique(rows.model, return_index=True)
        self.slices = [slice(*ends) for ends in zip(starts, [*starts[1:], len(rows.model)], strict=True)]
        self.prior_information, self.prior_evidence = information[self.models], evidence[self.models]
        d, q = rows.features.shape[1], information.shape[1]
        self.mean, self.loading = np.zeros(d), np.zeros((d, q))
        # Factors that no score tells start apart from each other: the first as an offset, the others at random.
        if hidden:
            self.loading[:-1, q - hidden] = FIRST_OFFSET
            self.loading[:-1, q - hidden + 1 :] = np.random.default_rng(0).normal(0, 0.1, (d - 1, hidden - 1))
        self.variance = np.full(d, 2 * VARIANCE)
        self.variance[-1] = SLOPE_VARIANCE
        self.theta = np.zeros((len(self.models), d))
        self.hessian = np.zeros((len(self.models), d, d))
        self.linear = np.zeros((len(self.models), d))

    def approximate(self, which: Indices) -> None:
        """The log-likelihood of the outcomes of some models around theta: linear . theta - theta' hessian theta / 2."""
        for u in which:
            own = self.slices[u]
            x = self.rows.features[self.rows.prompt[own]]
            p = sigmoid(self.rows.base[own] + x @ self.theta[u])
            weight = self.rows.weight[own]
            self.hessian[u] = (x * (weight * p * (1 - p))[:, None]).T @ x
            self.linear[u] = x.T @ (weight * (self.rows.score[own] - p)) + self.hessian[u] @ self.theta[u]

    def posterior(self, which: Indices) -> _Posterior:
        """f and own of some models."""
        diagonal = np.arange(len(self.mean))
        precision = self.hessian[which].copy()
        precision[:, diagonal, diagonal] += 1 / self.variance
        inverse = np.linalg.inv(precision)
        seen = self.hessian[which] @ self.loading
        pull = self.linear[which] - self.hessian[which] @ self.mean
        gain = inverse @ seen
        information = self.loading.T @ seen - np.swapaxes(seen, 1, 2) @ gain
        evidence = pull @ self.loading - np.einsum("udq,ud->uq", gain, pull)
        covariance = np.asarray(np.linalg.inv(self.prior_information[which] + information), dtype=np.float64)
        factor = np.einsum("uqr,ur->uq", covariance, self.prior_evidence[which] + evidence)
        own = np.einsum("ude,ue->ud", inverse, pull) - np.einsum("udq,uq->ud", gain, factor)
        return _Posterior(information, evidence, covariance, factor, own, gain, np.einsum("udd->ud", inverse))

    def learn(self, which: Indices, found: _Posterior) -> None:
        """The hierarchy that makes the abilities of some models likeliest: of every entry a regression on [1, f]."""
        theta = self.mean + found.factor @ self.loading.T + found.own
        f = np.concatenate([np.ones((len(which), 1)), found.factor], axis=1)
        square = f[:, :, None] * f[:, None, :]
        square[:, 1:, 1:] += found.covariance
        rest = self.loading - found.gain
        cross = theta[:, :, None] * f[:, None, :]
        cross[:, :, 1:] += rest @ found.covariance
        spread = theta**2 + found.left + np.einsum("udq,uqr,udr->ud", rest, found.covariance, rest)
        seen = np.einsum("udd->ud", self.hessian[which])
        weight = seen / (seen + HALF_OBSERVED)
        count = weight.sum(axis=0)
        gram = np.einsum("ud,upq->dpq", weight, square)
        moment = np.einsum("ud,udp->dp", weight, cross)
        penalty = np.full(f.shape[1], LOADING_WEIGHT)
        penalty[0] = MEAN_WEIGHT
        center = np.zeros_like(moment)  # a slope on difficulty has no other to lean on
        center[:-1] = np.average(
            np.concatenate([self.mean[:, None], self.loading], axis=1)[:-1], axis=0, weights=count[:-1] + 1e-9
        )
        line = np.linalg.solve(gram + np.diag(penalty), (moment + penalty * center)[:, :, None])[:, :, 0]
        left = (weight * spread).sum(axis=0) - 2 * np.einsum("dp,dp->d", line, moment)
        left += np.einsum("dp,dpr,dr->d", line, gram, line)
        prior = np.full(len(count), VARIANCE)
        prior[-1] = SLOPE_VARIANCE
        self.variance = np.maximum((left + prior * VARIANCE_WEIGHT) / (count + VARIANCE_WEIGHT), LEAST_VARIANCE)
        self.mean, self.loading = line[:, 0], line[:, 1:]
        self._center(found)

    def _center(self, found: _Posterior) -> None:
        """What no score tells averages 0 with variance 1 over the models: what it does not is the hierarchy's own.

        Without this step EM needs hundreds of times as many rounds, and until then every model without outcomes is
        predicted as one whose hidden factors are far below all others'. Liu, Rubin and Wu, "Parameter expansion to
        accelerate EM", Biometrika 85 (1998).
        """
        if not self.hidden:
            return
        hidden = slice(self.loading.shape[1] - self.hidden, None)
        f = found.factor[:, hidden]
        center = f.mean(axis=0)
        spread = found.covariance[:, hidden, hidden].mean(axis=0) + f.T @ f / len(f) - np.outer(center, center)
        self.mean = self.mean + self.loading[:, hidden] @ center
        self.loading[:, hidden] = self.loading[:, hidden] @ np.linalg.cholesky(spread)

    def move(self, which: Indices, found: _Posterior) -> None:
        """Abilities to where the posterior has them, in steps that keep the approximation honest."""
        target = self.mean + found.factor @ self.loading.T + found.own
        for u, goal in zip(which, target, strict=True):
            step = goal - self.theta[u]
            longest = float(np.abs(self.rows.features[self.rows.prompt[self.slices[u]]] @ step).max())
            self.theta[u] += step * min(1.0, LONGEST_STEP / max(longest, 1e-12))


def fit_hierarchy(rows: Rows, information: Floats, evidence: Floats, learners: Mask, hidden: int = 0) -> HierarchyFit:
    """Fit the hierarchy and every model's place in it.

    Args:
        information: [m, q, q] and evidence: [m, q] of the published scores about f, the prior's included.
        hidden: how many of the q factors, the last, no score tells.
        learners: [m] the models that the hierarchy is learned from; without any, abilities have mean 0 and a variance.
    """
    order = np.argsort(rows.model, kind="stable")
    rows = Rows(
        rows.features, rows.prompt[order], rows.model[order], rows.base[order], rows.score[order], rows.weight[order]
    )
    state = _State(rows, information, evidence, hidden)
    teachers = np.flatnonzero(learners[state.models])
    if len(teachers):
        for _ in range(NEWTON_STEPS):
            state.approximate(teachers)
            for _ in range(EM_ROUNDS):
                state.learn(teachers, state.posterior(teachers))
            state.move(teachers, state.posterior(teachers))
        state.approximate(teachers)
    others = np.flatnonzero(~learners[state.models])
    for _ in range(LATER_STEPS):
        state.approximate(others)
        state.move(others, state.posterior(others))
    found = state.posterior(np.arange(len(state.models)))
    return HierarchyFit(
        state.mean,
        state.loading,
        state.variance,
        state.models,
        found.information,
        found.evidence,
        found.own,
        found.own_variance,
        len(teachers),
    )
