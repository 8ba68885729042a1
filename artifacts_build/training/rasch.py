"""Joint difficulty and ability: a Rasch model with Gaussian priors, fitted to all sources at once.

    logit P(model j completes prompt i) = ability_j - difficulty_i
    ability_j ~ N(0, ability_sd^2)        difficulty_i ~ N(mean of its source, difficulty_sd^2)

A pass rate compares prompts that different models answered; difficulty fitted together with ability does
not, where models are shared between sources. A source that shares none is centred by the priors. The means
of the sources and both standard deviations are re-estimated from the posterior (empirical Bayes, Laplace
approximation). Scores in [0, 1] count as fractional outcomes, and a row counts as often as its weight says.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class RaschFit:
    """Posterior of a fit, in logits."""

    difficulty: Floats  # [n]
    difficulty_variance: Floats  # [n]
    ability: Floats  # [m]
    source_mean: Floats  # [s]
    difficulty_sd: float
    ability_sd: float


def fit_rasch(
    prompt: Indices,
    model: Indices,
    score: Floats,
    source: Indices,
    models: int,
    weight: Floats | None = None,
    rounds: int = 200,
    tolerance: float = 1e-4,
) -> RaschFit:
    """Fit r responses of m models on n prompts.

    Args:
        prompt: [r] index of the prompt, 0..n-1.
        model: [r] index of the model, 0..m-1.
        score: [r] in [0, 1].
        source: [n] index of each prompt's source, 0..s-1.
        models: m; a model without responses keeps ability 0.
        weight: [r] > 0; 1 where it is not given.
    """
    n, sources = len(source), int(source.max()) + 1
    weight = np.ones(len(score)) if weight is None else weight
    difficulty, ability = np.zeros(n), np.zeros(models)
    mean = np.zeros(sources)
    difficulty_sd, ability_sd = 1.5, 1.5
    per_source = np.bincount(source, minlength=sources)
    for _ in range(rounds):
        before = difficulty
        # One Newton step for all difficulties, then one for all abilities; each is a sum of 1-D problems.
        p = sigmoid(ability[model] - difficulty[prompt])
        info = np.bincount(prompt, weight * p * (1 - p), n) + difficulty_sd**-2
        slope = np.bincount(prompt, weight * (p - score), n) - (difficulty - mean[source]) / difficulty_sd**2
        difficulty = difficulty + np.clip(slope / info, -1, 1)
        variance = 1 / info
        p = sigmoid(ability[model] - difficulty[prompt])
        ability_info = np.bincount(model, weight * p * (1 - p), models) + ability_sd**-2
        ability_slope = np.bincount(model, weight * (score - p), models) - ability / ability_sd**2
        ability = ability + np.clip(ability_slope / ability_info, -1, 1)
        mean = np.bincount(source, difficulty, sources) / np.maximum(per_source, 1)
        difficulty_sd = float(np.sqrt(np.mean((difficulty - mean[source]) ** 2 + variance)))
        ability_sd = float(np.sqrt(np.mean(ability**2 + 1 / ability_info)))
        if np.max(np.abs(difficulty - before)) < tolerance:
            break
    return RaschFit(difficulty, variance, ability, mean, difficulty_sd, ability_sd)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), elementwise."""
    return 1.0 / (1.0 + np.exp(-x))
