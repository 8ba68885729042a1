"""How hard a prompt proved beyond what is read of it, so that no model is taken to be able for having had easy ones.

Difficulty read from a prompt is off by as much for every model that was given it. Models that were measured on one
small source alone, whose prompts are easier than they look, would all seem abler than those that were measured
elsewhere or not at all. So abilities are learned with a share of what outcomes told of each prompt:

    logit P(row) = (b * difficulty + c) / scale + share * effect(prompt) + theta . F(prompt)

`effect` is the difficulty that all models' outcomes give the prompt (rasch.py) beyond the regression on what is read of
it. Serving knows no effect, so what was learned goes back to the scale without it: over effects of mean square v the
mean of a logistic is about that of a logit times 1 / sqrt(1 + pi/8 v) (MacKay, 1992). What all models' abilities have
in common, of each domain and the slope, is then fitted anew to the same outcomes, everything else held.

A model that shares its source with no other loses ability, too: nothing tells the one's from the other's.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from artifacts_build.training.hierarchy import HierarchyFit, Rows
from artifacts_build.training.rasch import sigmoid

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The more of it, the better models never seen are told apart; and the worse are known sources whose text does not show
# their level, for what models did there was all that told it. Chosen on models and on prompts left out
# (docs/results-predictions.md).
SHARE = 0.35
# The precision with which a domain's level stays where it was, in 1 / logits squared.
LEVEL_WEIGHT = 1.0
# No round moves a level by more than this, in logits: far from the best one a Newton step has no bounds.
LONGEST_STEP = 2.0
ROWS_AT_ONCE, ROUNDS = 20_000, 8


def prompt_effects(proved: Floats, known: Floats, difficulty: Floats) -> Floats:
    """The share [n] in logits, positive where a prompt is easier than is read of it.

    Args:
        proved: [n] difficulty by outcomes alone, and `known`: [n] how well, 0 to 1.
        difficulty: [n] as it is read, out of fold.

    Where all prompts read alike, or nothing is known of any, there is no line to be off, and no effect.
    """
    easy = -proved
    if not known.any() or np.ptp(difficulty) == 0:
        return np.zeros(len(difficulty))
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
        learners: [m], the models whose responses say at which level a domain is; without any it stays where it is.
    """
    place = np.full(len(learners), -1)
    place[fitted.models] = np.arange(len(fitted.models))
    kept = learners[rows.model]
    prompt, model = rows.prompt[kept], place[rows.model[kept]]
    theta = scale * (fitted.mean + factor @ fitted.loading.T + fitted.own)
    ability = rows.base[kept]
    for at in _slices(len(prompt)):
        ability[at] += np.einsum("rd,rd->r", rows.features[prompt[at]], theta[model[at]])
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
        step = np.linalg.solve(curve, slope)
        level += step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
    return level


def _slices(rows: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]
