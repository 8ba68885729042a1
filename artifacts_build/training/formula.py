"""The published formula: difficulty by ridge regression on the embedding, and a, b, c by a logistic regression.

The logistic regression takes difficulty as predicted *out of fold*, as it will be used; fitted on the true difficulty
it would be overconfident. A multiple-choice prompt is learned from twice, with and without its options, at half weight
each, so that the form of a benchmark is not taken for difficulty.
"""

from dataclasses import dataclass

import numpy as np
from pointsman.routing.predictor import Predictor
from sklearn.linear_model import LogisticRegression

from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.training.frame import Floats, Training
from artifacts_build.training.ridge import RidgeFit, Sums, solve, sums_of, total

RIDGE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Ridge:
    """A ridge with its penalty, and what it predicts of training prompts that it did not see."""

    fit: RidgeFit
    out_of_fold: Floats  # [n]
    error: float
    penalty: float


def fit_ridge(training: Training) -> Ridge:
    """The ridge on the embedding alone, with the penalty that predicts best out of fold."""
    share = np.where(training.has_stem, training.known / 2, training.known)
    y, stem = training.rasch.difficulty, training.has_stem
    sums: list[Sums] = []
    for k in range(int(training.fold.max()) + 1):
        own, own_stems = training.fold == k, (training.fold == k) & stem
        sums.append(
            sums_of(training.vectors[own], y[own], share[own])
            + sums_of(training.stems[own_stems], y[own_stems], share[own_stems])
        )
    whole, d = total(sums), training.vectors.shape[1]
    best: Ridge | None = None
    for penalty in RIDGE_PENALTIES:
        predicted = np.empty(len(y))
        for k, part in enumerate(sums):
            inside = training.fold == k
            predicted[inside] = solve(whole - part, np.full(d, penalty)).predict(training.vectors[inside])
        error = float(np.average((y - predicted) ** 2, weights=training.known))
        if best is None or error < best.error:
            best = Ridge(solve(whole, np.full(d, penalty)), predicted, error, penalty)
    assert best is not None
    return best


def fit_formula(data: Outcomes, training: Training, ridge: Ridge) -> Predictor:
    """The published formula alone: contract 1."""
    usable = ~np.isnan(data.capability[training.model])
    difficulty = ridge.out_of_fold
    features = np.stack([data.capability[training.model[usable]], difficulty[training.prompt[usable]]], axis=1)
    a, b, c = fit_logistic(features, training.score[usable], training.weight[usable])
    return Predictor(
        difficulty_weights=ridge.fit.coefficients.astype(np.float32),
        difficulty_bias=ridge.fit.intercept,
        difficulty_low=float(difficulty.min()),
        difficulty_high=float(difficulty.max()),
        difficulty_sd=float(np.sqrt(ridge.error)),
        a=a,
        b=b,
        c=c,
        capability_mean=float(np.mean(list(known_capabilities(data, training).values()))),
    )


def known_capabilities(data: Outcomes, training: Training) -> dict[str, float]:
    """The capability of each base model that was trained on and has one; ids of one base model count once."""
    models = [m for m in np.unique(training.model) if not np.isnan(data.capability[m])]
    return {data.base_models[m]: float(data.capability[m]) for m in models}


def fit_logistic(features: Floats, score: Floats, weight: Floats | None = None) -> tuple[float, ...]:
    """a, b, c of P = sigmoid(a * capability + b * difficulty + c); fractional scores count as both outcomes."""
    weight = np.ones(len(score)) if weight is None else weight
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        np.concatenate([features, features]),
        np.repeat([1, 0], len(score)),
        sample_weight=np.concatenate([score * weight, (1 - score) * weight]),
    )
    return (*(float(value) for value in fitted.coef_[0]), float(fitted.intercept_[0]))


def r2(training: Training, error: float) -> float:
    """The share of the variance of difficulty that a mean squared error leaves explained."""
    y, known = training.rasch.difficulty, training.known
    return 1 - error / float(np.average((y - np.average(y, weights=known)) ** 2, weights=known))


def scores_of(data: Outcomes) -> Floats:
    """[m, 2]: the formula's two scores of every model, as fractions; NaN where nothing is published."""
    return np.stack([data.gpqa_diamond, data.livecodebench], axis=1)
