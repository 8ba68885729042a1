"""The parts of the fit: each finds what it is for, and little evidence moves little."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.routing.hierarchy import EFFORTS, PublishedScore
from sklearn.linear_model import Ridge

from artifacts_build.training.domains import find_centers
from artifacts_build.training.factors import fit_factors, score_table
from artifacts_build.training.hierarchy import HierarchyFit, Rows, fit_hierarchy
from artifacts_build.training.lengths import fit_lengths
from artifacts_build.training.rasch import fit_rasch, sigmoid
from artifacts_build.training.ridge import solve, sums_of, total

RNG = np.random.default_rng(5)


def test_the_streamed_ridge_is_the_ridge() -> None:
    x, weight = RNG.normal(size=(10_000, 6)), RNG.uniform(0.1, 1, 10_000)
    y = x @ RNG.normal(size=6) + 2 + RNG.normal(size=10_000)
    part = RNG.integers(0, 3, 10_000)
    sums = [sums_of(x[part == k], y[part == k], weight[part == k]) for k in range(3)]
    for fitted, rows in (
        (solve(total(sums), np.full(6, 5.0)), part >= 0),
        (solve(total(sums) - sums[1], np.full(6, 5.0)), part != 1),
    ):
        expected = Ridge(alpha=5.0).fit(x[rows], y[rows], sample_weight=weight[rows])
        np.testing.assert_allclose(fitted.coefficients, expected.coef_, atol=1e-8)
        np.testing.assert_allclose(fitted.predict(x[:5]), expected.predict(x[:5]), atol=1e-8)


def test_a_row_of_weight_two_is_two_rows() -> None:
    prompt, model = (index.ravel() for index in np.indices((40, 6)))
    score = (RNG.random(240) < 0.6).astype(float)
    source = np.zeros(40, dtype=np.intp)
    weighted = fit_rasch(prompt, model, score, source, 6, np.full(240, 2.0))
    repeated = fit_rasch(np.tile(prompt, 2), np.tile(model, 2), np.tile(score, 2), source, 6)
    np.testing.assert_allclose(weighted.difficulty, repeated.difficulty, atol=1e-9)


def test_centers_are_the_clusters_that_are_there() -> None:
    directions = np.linalg.qr(RNG.normal(size=(8, 8)))[0][:4]
    vectors = (np.repeat(directions, 50, axis=0) + RNG.normal(0, 0.05, (200, 8))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    source = np.zeros(200, dtype=np.intp)
    centers = find_centers(vectors, source, 4, seed=1)
    nearest = (vectors @ centers.T).argmax(axis=1).reshape(4, 50)
    assert (nearest == nearest[:, :1]).all()
    assert len(set(nearest[:, 0])) == 4
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, atol=1e-6)
    assert (centers == find_centers(vectors, source, 4, seed=1)).all()


def test_there_are_never_more_centers_than_prompts_can_fill() -> None:
    vectors = RNG.normal(size=(20, 4)).astype(np.float32)
    assert len(find_centers(vectors, np.zeros(20, dtype=np.intp), 64, seed=1)) == 2


MODELS = 40


def hierarchy_of(responses: int, own: float = 0.0, seed: int = 5) -> tuple[HierarchyFit, NDArray[np.float64]]:
    """Models whose ability is 1.5 f, with `own` more or less in the first of two domains; and their f.

    Each answered so many prompts in either domain, and its scores tell f; but the last has scores alone.
    """
    rng = np.random.default_rng(seed)
    f = rng.normal(size=MODELS)
    prompts = 2 * responses
    phi = np.concatenate([np.eye(2)[np.arange(prompts) % 2], np.zeros((prompts, 1))], axis=1)
    prompt, model = (index.ravel() for index in np.indices((prompts, MODELS - 1)))
    sign = np.where(np.arange(MODELS) % 2, 1.0, -1.0)
    p = sigmoid(1.5 * f[model] + own * sign[model] * phi[prompt, 0])
    score = (rng.random(len(p)) < p).astype(float)
    rows = Rows(phi, prompt, model, np.zeros(len(p)), score, np.ones(len(p)))
    information = np.full((MODELS, 1, 1), 100.0)
    return fit_hierarchy(rows, information, 100.0 * f[:, None], np.ones(MODELS, dtype=bool)), f


def test_scores_become_ability_at_the_rate_that_outcomes_show() -> None:
    found, _ = hierarchy_of(200)
    np.testing.assert_allclose(found.loading[:2, 0], 1.5, atol=0.25)
    np.testing.assert_allclose(found.mean[:2], 0, atol=0.2)
    assert len(found.models) == MODELS - 1


def test_what_a_model_does_beyond_its_scores_is_found_in_the_domain_where_it_is() -> None:
    found, _ = hierarchy_of(400, own=1.5)
    up = found.models % 2 == 1
    assert found.own[up, 0].mean() - found.own[~up, 0].mean() == pytest.approx(3.0, abs=0.5)
    assert abs(found.own[:, 1]).mean() < 0.3


def test_few_outcomes_move_a_model_less_and_leave_it_less_certain() -> None:
    few, _ = hierarchy_of(3, own=1.5)
    many, _ = hierarchy_of(400, own=1.5)
    assert abs(few.own[:, 0]).mean() < 0.7 * abs(many.own[:, 0]).mean()
    assert few.own_variance[:, 0].mean() > 2 * many.own_variance[:, 0].mean()
    assert few.information.mean() < many.information.mean()


def test_noise_is_not_taken_for_what_a_model_does_beyond_its_scores() -> None:
    found, _ = hierarchy_of(400)
    assert abs(found.own[:, :2]).mean() < 0.15
    assert np.sqrt(found.variance[:2]).max() < 0.25


def published_scores(models: int = 60) -> tuple[list[list[PublishedScore]], NDArray[np.float64]]:
    """Models with scores on three benchmarks that one factor makes, at two efforts; and the factor."""
    f = RNG.normal(size=models)

    def score(logit: float) -> float:
        return float(sigmoid(np.array(logit + RNG.normal(0, 0.1))))

    return [
        [
            (name, effort, score(mean + loading * (x - (0.8 if effort == "low" else 0.0))))
            for name, mean, loading in (("easy", 2.0, 0.8), ("usual", 0.0, 1.0), ("hard", -2.0, 1.2))
            for effort in ("low", "high")
        ]
        for x in f
    ], f


def test_one_factor_is_found_in_scores_with_the_shift_of_an_effort() -> None:
    published, f = published_scores()
    factors = fit_factors(score_table(published))
    information, evidence, count = factors.of(score_table(published, factors.benchmarks))
    found = (evidence / information[:, :, 0])[:, 0]
    assert abs(np.corrcoef(found, f)[0, 1]) > 0.98
    assert count.tolist() == [6] * len(f)
    scale = factors.loading[factors.benchmarks.index("usual"), 0]
    assert factors.shift[EFFORTS.index("low"), 0] * scale == pytest.approx(-0.8, abs=0.2)
    assert (np.diff(factors.shift[:, 0] * np.sign(scale)) >= 0).all()


def test_a_model_with_few_scores_is_placed_by_those_and_less_certain() -> None:
    published, _ = published_scores()
    factors = fit_factors(score_table(published))
    whole, _, _ = factors.of(score_table(published[:1], factors.benchmarks))
    part, _, count = factors.of(score_table([published[0][:1]], factors.benchmarks))
    assert count[0] == 1
    assert 1 < part[0, 0, 0] < whole[0, 0, 0]


def test_benchmarks_that_few_models_have_are_left_out() -> None:
    published, _ = published_scores(models=7)
    assert score_table(published).benchmarks == ()
    assert fit_factors(score_table(published)).loading.shape == (0, 1)


def test_output_grows_with_difficulty_at_the_rate_that_the_data_shows() -> None:
    difficulty, model = RNG.normal(size=5000), RNG.integers(0, 4, 5000)
    tokens = np.exp(6 + model + 0.3 * difficulty + RNG.normal(0, 0.3, 5000))
    slope, center, rows = fit_lengths(difficulty, model, tokens)
    assert slope == pytest.approx(0.3, abs=0.02)
    assert center == pytest.approx(0, abs=0.05)
    assert rows == 5000
    assert fit_lengths(difficulty, model, np.full(5000, np.nan))[0] == 0
