"""The published formula as it stands, fitted to the same training prompts: what the refinements have to beat.

Difficulty is the negative logit of a prompt's smoothed pass rate over whichever models answered it; a ridge predicts
it from the embedding of the whole prompt; the logistic of capability and difficulty is fitted on the true
difficulty; sigma is a constant.
"""

import numpy as np
from pointsman.routing.predictor import Predictor

from artifacts_build.datasets import folds
from artifacts_build.datasets.outcomes import Floats, Outcomes
from artifacts_build.evaluation.experiment import Mask
from artifacts_build.training.formula import RIDGE_PENALTIES, fit_logistic
from artifacts_build.training.frame import FOLDS, Embedded
from artifacts_build.training.ridge import solve, sums_of, total

# Of a pass rate: half an outcome of each kind is added.
SMOOTHING = 0.5


def fit_published(data: Outcomes, embedded: Embedded, train: Mask, seed: int) -> Predictor:
    """The formula on the prompts of the mask `train` [n]; the ridge's penalty is chosen by cross-validation."""
    difficulty = pass_rate_difficulty(data)
    answered = np.bincount(data.response_prompt, minlength=len(data.prompts)) > 0
    used = np.flatnonzero(train & answered)
    x, y = embedded.prompts.whole[used], difficulty[used]
    fold = folds(data.prompt_group[used], FOLDS, seed)
    parts = [sums_of(x[fold == k], y[fold == k], np.ones((fold == k).sum())) for k in range(FOLDS) if (fold == k).any()]
    kept = [k for k in range(FOLDS) if (fold == k).any()]
    whole, d = total(parts), x.shape[1]
    errors = {}
    for penalty in RIDGE_PENALTIES:
        errors[penalty] = sum(
            float(np.sum((y[fold == k] - solve(whole - part, np.full(d, penalty)).predict(x[fold == k])) ** 2))
            for k, part in zip(kept, parts, strict=True)
        )
    best = min(errors, key=errors.__getitem__)
    ridge = solve(whole, np.full(d, best))
    rows = data.scored() & train[data.response_prompt]
    a, b, c = fit_logistic(
        np.stack([data.capability[data.response_model[rows]], difficulty[data.response_prompt[rows]]], axis=1),
        data.score[rows],
    )
    models = np.unique(data.response_model[rows])
    base = {data.base_models[m]: data.capability[m] for m in models}
    return Predictor(
        difficulty_weights=ridge.coefficients.astype(np.float32),
        difficulty_bias=ridge.intercept,
        difficulty_low=float(y.min()),
        difficulty_high=float(y.max()),
        difficulty_sd=float(np.sqrt(errors[best] / len(y))),
        a=a,
        b=b,
        c=c,
        capability_mean=float(np.mean(list(base.values()))),
    )


def pass_rate_difficulty(data: Outcomes) -> Floats:
    """[n]: -logit of each prompt's smoothed pass rate; 0 where nothing is known."""
    n = len(data.prompts)
    passed = np.bincount(data.response_prompt, data.score, n)
    asked = np.bincount(data.response_prompt, minlength=n)
    difficulty: Floats = np.log((asked - passed + SMOOTHING) / (passed + SMOOTHING))
    return difficulty
