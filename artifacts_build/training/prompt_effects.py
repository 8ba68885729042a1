"""How hard a prompt proved beyond what is read of it, so that no model is taken to be able for having had easy ones.

Difficulty read from a prompt is off by as much for every model that was given it. Models that were measured on one
small source alone, whose prompts are easier than they look, would all seem abler than those that were measured
elsewhere or not at all. So abilities are learned with a share of what outcomes told of each prompt:

    logit P(row) = (b * difficulty + c) / scale + share * effect(prompt) + theta . F(prompt)

`effect` is the difficulty that all models' outcomes give the prompt (rasch.py) beyond the regression on what is read of
it. Serving knows no effect, so what was learned goes back to the scale without it: over a normal effect of variance v
the mean of a logistic is that of a logit times 1 / sqrt(1 + pi/8 v) (MacKay, 1992), and the level of each domain is
fitted anew to the same outcomes, everything else held.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from artifacts_build.training.hierarchy import HierarchyFit, Rows
from artifacts_build.training.rasch import sigmoid

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The whole effect makes models never seen best predicted, and sources that look like nothing else worst: what models
# showed there is all that tells of their level. Chosen on models and on prompts left out (docs/results-predictions.md).
SHARE = 0.35
# With how many outcomes' weight a domain's level stays where it was.
LEVEL_WEIGHT = 1.0
ROWS_AT_ONCE, ROUNDS = 20_000, 8


def prompt_effects(proved: Floats, known: Floats, difficulty: Floats) -> Floats:
    """The share [n] in logits, positive where a prompt is easier than is read of it.

    Args:
        proved: [n] difficulty by outcomes alone, and `known`: [n] how well, 0 to 1.
        difficulty: [n] as it is read, out of fold.
    """
    easy = -proved
    read = np.stack([difficulty, np.ones_like(difficulty)], axis=1)
    line = np.linalg.solve((read * known[:, None]).T @ read, (read * known[:, None]).T @ easy)
    effect: Floats = SHARE * (easy - read @ line)
    return effect


def scale_without(effect: Floats, rows: Rows) -> float:
    """What logits are to be multiplied by where the effect [n] of a prompt is not known."""
    times = np.bincount(rows.prompt, minlength=len(effect))
    return float(1 / np.sqrt(1 + np.pi / 8 * np.average(effect**2, weights=times)))


def with_effects(rows: Rows, effect: Floats, scale: float) -> Rows:
    """The rows for abilities as they are where the effect of a prompt is known."""
    return replace(rows, base=rows.base / scale + effect[rows.prompt])


def without_effects(fitted: HierarchyFit, rows: Rows, scale: float, factor: Floats, learners: Mask) -> HierarchyFit:
    """What was learned with effects, for prompts whose effect nobody knows.

    Args:
        rows: of every response, their base without effects.
        factor: [u, q] of the models of `fitted`.
        learners: [m], the models whose responses say at which level a domain is.
    """
    place = np.full(len(learners), -1)
    place[fitted.models] = np.arange(len(fitted.models))
    kept = learners[rows.model]
    if not kept.any():
        kept = np.ones_like(kept)
    prompt, model = rows.prompt[kept], place[rows.model[kept]]
    theta = scale * (fitted.mean + factor @ fitted.loading.T + fitted.own)
    ability = rows.base[kept] + np.concatenate(
        [np.einsum("rd,rd->r", rows.features[prompt[at]], theta[model[at]]) for at in _slices(len(prompt))]
    )
    level = _levels(rows.features, prompt, ability, rows.score[kept], rows.weight[kept])
    return replace(
        fitted,
        mean=scale * fitted.mean + level,
        loading=scale * fitted.loading,
        variance=scale**2 * fitted.variance,
        own=scale * fitted.own,
        own_variance=scale**2 * fitted.own_variance,
    )


def _levels(features: Floats, prompt: NDArray[np.intp], logit: Floats, score: Floats, weight: Floats) -> Floats:
    """[D] what is to be added to every model's abilities: a logistic regression with the `logit` [r] held."""
    level = np.zeros(features.shape[1])
    for _ in range(ROUNDS):
        slope, curve = -LEVEL_WEIGHT * level, np.eye(len(level)) * LEVEL_WEIGHT
        for at in _slices(len(prompt)):
            x = features[prompt[at]]
            p = sigmoid(logit[at] + x @ level)
            slope += x.T @ (weight[at] * (score[at] - p))
            curve += (x * (weight[at] * p * (1 - p))[:, None]).T @ x
        level += np.linalg.solve(curve, slope)
    return level


def _slices(rows: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]
