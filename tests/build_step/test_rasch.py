"""Joint difficulty and ability: what is comparable across sources, and what is not invented."""

import numpy as np
from numpy.typing import NDArray

from artifacts_build.training.rasch import RaschFit, fit_rasch

RNG = np.random.default_rng(7)
Floats = NDArray[np.float64]


def simulate(difficulty: Floats, ability: Floats, answered: NDArray[np.bool_], source: NDArray[np.intp]) -> RaschFit:
    prompt, model = np.nonzero(answered)
    p = 1 / (1 + np.exp(difficulty[prompt] - ability[model]))
    score = (RNG.random(len(p)) < p).astype(float)
    return fit_rasch(prompt, model, score, source, len(ability))


def test_difficulty_and_ability_are_recovered() -> None:
    difficulty, ability = RNG.normal(0, 1.5, 400), RNG.normal(0, 1, 60)
    fit = simulate(difficulty, ability, np.ones((400, 60), bool), np.zeros(400, int))
    assert np.corrcoef(fit.difficulty, difficulty)[0, 1] > 0.95
    assert np.corrcoef(fit.ability, ability)[0, 1] > 0.98
    assert 1.2 < fit.difficulty_sd < 1.8


def test_sources_answered_by_different_models_are_linked_by_the_shared_ones() -> None:
    # Source 0 is answered by strong models, source 1 by weak ones, and both by ten more; the prompts are alike,
    # so pass rates differ and difficulties must not.
    difficulty = RNG.normal(0, 1, 600)
    ability = np.concatenate([np.full(15, 2.0), np.full(15, -2.0), np.zeros(10)])
    source = np.repeat([0, 1], 300)
    answered = np.zeros((600, 40), bool)
    answered[:300, :15] = answered[300:, 15:30] = answered[:, 30:] = True
    fit = simulate(difficulty, ability, answered, source)
    assert abs(fit.source_mean[0] - fit.source_mean[1]) < 0.5


def test_a_prompt_nobody_tells_much_about_stays_near_its_source() -> None:
    difficulty = np.concatenate([RNG.normal(0, 1.5, 300), [0.0]])
    answered = np.ones((301, 30), bool)
    answered[300, 1:] = False
    fit = simulate(difficulty, np.zeros(30), answered, np.zeros(301, int))
    assert fit.difficulty_variance[300] > 3 * fit.difficulty_variance[:300].mean()
    assert abs(fit.difficulty[300] - fit.source_mean[0]) < 2


def test_prompts_that_all_or_none_complete_have_finite_difficulty() -> None:
    prompt, model = np.divmod(np.arange(40), 20)
    fit = fit_rasch(prompt, model, (prompt == 0).astype(float), np.zeros(2, int), 20)
    assert np.isfinite(fit.difficulty).all()
    assert fit.difficulty[0] < 0 < fit.difficulty[1]
