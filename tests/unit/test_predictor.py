"""The predictor is the published formula, and its arrays are checked before they are used."""

import math

import numpy as np
import pytest
from pointsman.routing.predictor import Predictor

from tests.fakes import candidates, fake_artifact, reading

PREDICTOR = fake_artifact().predictor


def test_completion_is_the_published_formula() -> None:
    mu, _ = PREDICTOR.complete(candidates(0.9, 0.3), reading(PREDICTOR, 1.5))
    for capability, p in zip([0.9, 0.3], mu, strict=True):
        assert p == pytest.approx(1 / (1 + math.exp(-(4 * capability - 1 * 1.5 - 1))), abs=1e-6)


def test_a_more_capable_model_is_more_likely_to_complete_and_a_harder_prompt_less() -> None:
    easy, _ = PREDICTOR.complete(candidates(0.3, 0.6, 0.9), reading(PREDICTOR, -1.0))
    hard, _ = PREDICTOR.complete(candidates(0.3, 0.6, 0.9), reading(PREDICTOR, 2.0))
    assert (np.diff(easy) > 0).all()
    assert (hard < easy).all()


def test_sigma_is_the_slope_times_the_error_of_difficulty() -> None:
    mu, sigma = PREDICTOR.complete(candidates(0.5), reading(PREDICTOR, 0.0))
    step = 1e-5
    up, _ = PREDICTOR.complete(candidates(0.5), reading(PREDICTOR, step))
    assert sigma[0] == pytest.approx(abs(up[0] - mu[0]) / step * PREDICTOR.difficulty_sd, rel=1e-3)


def test_difficulty_stays_in_the_range_seen_in_training() -> None:
    far = np.array([[100, 0, 0, 0], [-100, 0, 0, 0]], dtype=np.float32)
    assert PREDICTOR.read(far).difficulty.tolist() == [4.0, -4.0]


def test_extreme_values_overflow_nothing() -> None:
    mu, sigma = PREDICTOR.complete(candidates(0.0, 1.0), reading(PREDICTOR, 4.0))
    assert np.isfinite(mu).all()
    assert np.isfinite(sigma).all()


def test_arrays_survive_a_round_trip() -> None:
    again = Predictor.from_arrays(PREDICTOR.to_arrays(), 4)
    assert again.to_arrays().keys() == PREDICTOR.to_arrays().keys()
    assert (again.a, again.b, again.c, again.difficulty_sd) == (4.0, -1.0, -1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("coefficients", np.zeros(2), "coefficients"),
        ("difficulty_weights", np.zeros(5, np.float32), "difficulty_weights"),
        ("difficulty_weights", np.zeros(4, np.int64), "difficulty_weights"),
        ("capability_mean", np.array(math.nan), "not finite"),
    ],
)
def test_arrays_of_another_shape_or_value_are_refused_by_name(name: str, value: object, message: str) -> None:
    arrays = {**PREDICTOR.to_arrays(), name: value}
    with pytest.raises(ValueError, match=message):
        Predictor.from_arrays(arrays, 4)  # type: ignore[arg-type]


def test_a_missing_array_is_named() -> None:
    arrays = PREDICTOR.to_arrays()
    del arrays["difficulty_sd"]
    with pytest.raises(ValueError, match="difficulty_sd is missing"):
        Predictor.from_arrays(arrays, 4)
