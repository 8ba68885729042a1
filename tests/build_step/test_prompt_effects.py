"""Abilities beside how hard a prompt proved: easy prompts make no model able, and P stays what was observed."""

import numpy as np
import pytest

from artifacts_build.training.hierarchy import HierarchyFit, Rows, fit_hierarchy
from artifacts_build.training.prompt_effects import (
    SHARE,
    prompt_effects,
    scale_without,
    with_effects,
    without_effects,
)
from artifacts_build.training.rasch import fit_rasch, sigmoid

MODELS, LARGE, SMALL = 60, 400, 20
FACTORS = 3
# Models of the first half were measured on the large source; of the second half on the small one; ten on both.
BOTH = np.arange(25, 35)


def outcomes() -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows, the source and the difficulty as it is read of each prompt; the small source is easier than it reads."""
    rng = np.random.default_rng(11)
    n = LARGE + SMALL
    source = np.repeat([0, 1], [LARGE, SMALL])
    read = rng.normal(0, 1, n)
    true = read + rng.normal(0, 0.3, n) - 3.0 * (source == 1)
    model, prompt = (grid.ravel() for grid in np.meshgrid(np.arange(MODELS), np.arange(n), indexing="ij"))
    seen = np.where(source[prompt] == 0, model < MODELS // 2, model >= MODELS // 2) | np.isin(model, BOTH)
    model, prompt = model[seen], prompt[seen]
    score = (rng.random(len(model)) < sigmoid(1.0 - true[prompt])).astype(float)  # every model is as able as any other
    features = np.stack([np.ones(n), read], axis=1)
    return Rows(features, prompt, model, -read[prompt], score, np.ones(len(model))), source, read


def fitted_with(effect: np.ndarray, rows: Rows) -> tuple[HierarchyFit, np.ndarray]:
    """The hierarchy for these effects, and the ability [m] of every model in the only domain."""
    everyone = np.ones(MODELS, dtype=bool)
    information, evidence = np.tile(np.eye(FACTORS), (MODELS, 1, 1)), np.zeros((MODELS, FACTORS))
    scale = scale_without(effect, rows)
    found = fit_hierarchy(with_effects(rows, effect, scale), information, evidence, everyone, FACTORS - 1)
    precision = information + found.information
    factor = np.asarray(np.linalg.solve(precision, (evidence + found.evidence)[:, :, None])[:, :, 0], dtype=np.float64)
    found = without_effects(found, rows, scale, factor, everyone)
    theta = found.mean + factor @ found.loading.T + found.own
    return found, theta


def test_models_that_were_measured_on_easy_prompts_alone_do_not_seem_abler_by_it() -> None:
    rows, source, read = outcomes()
    rasch = fit_rasch(rows.prompt, rows.model, rows.score, source, MODELS)
    effect = prompt_effects(rasch.difficulty, np.ones(len(source)), read)
    large, small = np.arange(25), np.arange(35, MODELS)

    def lead(effect: np.ndarray) -> float:
        _, theta = fitted_with(effect, rows)
        return float(theta[small, 0].mean() - theta[large, 0].mean())

    without = lead(np.zeros(len(source)))
    assert without > 1.0
    assert lead(effect) < 0.25 * without
    # The whole effect, were it used, takes the lead away altogether.
    assert abs(lead(effect / SHARE)) < 0.1 * without


def test_an_effect_is_what_outcomes_tell_beyond_the_line_through_what_is_read() -> None:
    read = np.array([-1.0, 0.0, 1.0, 2.0])
    proved = 2 * read + 1
    assert prompt_effects(proved, np.ones(4), read) == pytest.approx(np.zeros(4), abs=1e-12)
    # A prompt that nothing is known of does not move the line.
    off = proved + np.array([0, 0, 0, 3.0])
    found = prompt_effects(off, np.array([1, 1, 1, 1e-9]), read)
    assert found == pytest.approx([0, 0, 0, -3 * SHARE], abs=1e-6)


def test_what_is_predicted_on_the_training_prompts_comes_to_what_was_observed() -> None:
    rows, source, read = outcomes()
    rasch = fit_rasch(rows.prompt, rows.model, rows.score, source, MODELS)
    _, theta = fitted_with(prompt_effects(rasch.difficulty, np.ones(len(source)), read), rows)
    p = sigmoid(rows.base + np.einsum("rd,rd->r", rows.features[rows.prompt], theta[rows.model]))
    assert p.mean() == pytest.approx(rows.score.mean(), abs=0.01)


def test_without_effects_nothing_is_scaled() -> None:
    rows, source, _ = outcomes()
    assert scale_without(np.zeros(len(source)), rows) == 1.0
    # Half of the rows are of prompts with an effect of 2: the mean square is 2.
    two = Rows(rows.features, np.array([0, 1]), np.array([0, 0]), np.zeros(2), np.ones(2), np.ones(2))
    assert scale_without(np.array([2.0, 0.0]), two) == pytest.approx((1 + np.pi / 8 * 2) ** -0.5)


def test_where_all_prompts_read_alike_or_nothing_is_known_there_is_no_effect() -> None:
    proved = np.array([1.0, -2.0, 0.5])
    assert prompt_effects(proved, np.ones(3), np.zeros(3)).tolist() == [0, 0, 0]
    assert prompt_effects(proved, np.zeros(3), np.arange(3.0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("start", [-6.0, -2.0, 0.0, 3.0])
def test_the_level_is_found_from_far_away_and_heavier_rows_count_more(start: float) -> None:
    # One model, one domain: 90 % of 2,000 outcomes completed, the failures weighing three times as much.
    score = (np.arange(2000) % 10 > 0).astype(float)
    zero = np.zeros(2000, dtype=np.intp)
    rows = Rows(np.array([[1.0, 0.0]]), zero, zero, np.full(2000, start), score, np.where(score > 0, 1.0, 3.0))
    fitted = HierarchyFit(
        np.zeros(2),
        np.zeros((2, 1)),
        np.array([0.4, 0.4]),
        np.array([0]),
        np.zeros((1, 1, 1)),
        np.zeros((1, 1)),
        np.zeros((1, 2)),
        np.full((1, 2), 0.8),
        1,
    )
    found = without_effects(fitted, rows, 0.5, np.zeros((1, 1)), np.array([True]))
    assert start + found.mean[0] == pytest.approx(np.log(1800 / 600), abs=0.05)
    assert found.variance == pytest.approx([0.1, 0.1])
    assert found.own_variance[0] == pytest.approx([0.2, 0.2])
    # Without a model to learn from, nothing moves.
    assert without_effects(fitted, rows, 1.0, np.zeros((1, 1)), np.array([False])).mean.tolist() == [0, 0]
