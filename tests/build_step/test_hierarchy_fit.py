"""Fitting the hierarchy: a model that nobody has tried is expected to be like those that were."""

import numpy as np

from artifacts_build.training.hierarchy import Rows, fit_hierarchy
from artifacts_build.training.rasch import sigmoid

MODELS, PROMPTS, DOMAINS, HIDDEN = 40, 400, 6, 3


def test_a_model_without_outcomes_stands_in_the_middle_of_those_with_them() -> None:
    rng = np.random.default_rng(5)
    domain = rng.integers(0, DOMAINS, PROMPTS)
    features = np.concatenate([np.eye(DOMAINS)[domain], rng.normal(size=(PROMPTS, 1))], axis=1)
    # Models differ in how able they are, in all domains alike, and no score tells; all are better than the base says.
    ability = rng.normal(2, 1, MODELS)
    model, prompt = (grid.ravel() for grid in np.meshgrid(np.arange(MODELS), np.arange(PROMPTS), indexing="ij"))
    score = (rng.random(len(model)) < sigmoid(ability[model])).astype(float)
    rows = Rows(features, prompt, model, np.zeros(len(model)), score, np.ones(len(model)))
    factors = 1 + HIDDEN
    fitted = fit_hierarchy(
        rows,
        np.tile(np.eye(factors), (MODELS, 1, 1)),
        np.zeros((MODELS, factors)),
        np.ones(MODELS, dtype=bool),
        HIDDEN,
    )
    assert np.abs(fitted.mean[:-1] - ability.mean()).max() < 0.25
