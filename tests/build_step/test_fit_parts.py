"""The parts of the fit: each finds what it is for, and little evidence moves little."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from artifacts_build.training.domains import Domains, find_domains
from artifacts_build.training.lengths import fit_lengths
from artifacts_build.training.rasch import fit_rasch, sigmoid
from artifacts_build.training.residuals import Residuals, fit_residuals
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


def test_domains_are_the_clusters_that_are_there() -> None:
    directions = np.linalg.qr(RNG.normal(size=(8, 8)))[0][:4]
    vectors = (np.repeat(directions, 50, axis=0) + RNG.normal(0, 0.05, (200, 8))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = find_domains(vectors, 4, seed=1)
    nearest = found.memberships(vectors).argmax(axis=1).reshape(4, 50)
    assert (nearest == nearest[:, :1]).all()
    assert len(set(nearest[:, 0])) == 4
    np.testing.assert_allclose(found.memberships(vectors).sum(axis=1), 1)
    again = find_domains(vectors, 4, seed=1)
    assert (found.centers == again.centers).all()


def test_there_are_never_more_domains_than_prompts_can_fill() -> None:
    assert len(find_domains(RNG.normal(size=(20, 4)).astype(np.float32), 64, seed=1).centers) == 2


def residuals_of(responses: int, truth: float, models: int = 30) -> Residuals:
    """Models whose residual is `truth` in one of two domains and nothing in the other, seen `responses` times each."""
    domains = Domains(np.eye(2, dtype=np.float32), np.array([0, 1]), np.array([0, 1]))
    prompts = 2 * responses
    phi = np.eye(2)[np.arange(prompts) % 2]
    prompt, model = (index.ravel() for index in np.indices((prompts, models)))
    base = np.zeros(len(prompt))
    sign = np.where(np.arange(models) % 2, 1.0, -1.0)
    p = sigmoid(truth * sign[model] * phi[prompt, 0])
    score = (RNG.random(len(p)) < p).astype(float)
    return fit_residuals(domains, phi, np.zeros(prompts), base, prompt, model, score, np.ones(len(p)), models + 1)


def test_a_residual_is_found_in_the_domain_where_it_is() -> None:
    found = residuals_of(400, 1.5)
    assert found.residual[1::2, 0].mean() == pytest.approx(1.5, abs=0.25)
    assert found.residual[0:-1:2, 0].mean() == pytest.approx(-1.5, abs=0.25)
    assert abs(found.residual[:-1, 1]).mean() < 0.2


def test_little_evidence_moves_little_and_is_less_certain() -> None:
    few, many = residuals_of(2, 1.5), residuals_of(400, 1.5)
    assert abs(few.residual[:-1, 0]).mean() < 0.8 * abs(many.residual[:-1, 0]).mean()
    assert few.variance[:-1].mean() > 5 * many.variance[:-1].mean()


def test_a_model_without_responses_has_no_residual() -> None:
    found = residuals_of(20, 1.5)
    assert (found.residual[-1] == 0).all()
    assert found.slope[-1] == 0


def test_noise_is_not_taken_for_residuals() -> None:
    found = residuals_of(300, 0.0)
    assert abs(found.residual[:-1]).mean() < 0.1
    assert found.new_model_variance < 0.1


def test_output_grows_with_difficulty_at_the_rate_that_the_data_shows() -> None:
    difficulty, model = RNG.normal(size=5000), RNG.integers(0, 4, 5000)
    tokens = np.exp(6 + model + 0.3 * difficulty + RNG.normal(0, 0.3, 5000))
    slope, center, rows = fit_lengths(difficulty, model, tokens)
    assert slope == pytest.approx(0.3, abs=0.02)
    assert center == pytest.approx(0, abs=0.05)
    assert rows == 5000
    assert fit_lengths(difficulty, model, np.full(5000, np.nan))[0] == 0
