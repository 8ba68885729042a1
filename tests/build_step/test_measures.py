"""The measures agree with cases worked out by hand."""

import math

import numpy as np
import pytest

from artifacts_build.evaluation.measures import auc, expected_calibration_error, log_loss, measure


def test_perfect_calibration_has_no_error() -> None:
    score = np.array([1.0, 0, 1, 0])
    assert expected_calibration_error(np.full(4, 0.5), score) == 0


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    predicted = np.array([0.9, 0.9, 0.1, 0.1])
    score = np.array([1.0, 0.0, 0.0, 0.0])
    assert expected_calibration_error(predicted, score) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_certainty_is_in_the_last_bin() -> None:
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_log_loss_of_a_coin_is_log_2_also_for_fractional_scores() -> None:
    assert log_loss(np.full(3, 0.5), np.array([0.0, 1.0, 0.3])) == pytest.approx(math.log(2))


def test_auc_is_none_where_there_is_nothing_to_tell_apart() -> None:
    assert auc(np.array([0.1, 0.9]), np.array([1.0, 1.0])) is None
    assert auc(np.array([0.1, 0.9]), np.array([0.0, 1.0])) == 1.0


def test_a_measurement_states_its_base_rate() -> None:
    found = measure(np.array([0.2, 0.8]), np.array([0.0, 1.0]))
    assert found["responses"] == 2
    assert found["base_rate_log_loss"] == pytest.approx(math.log(2), abs=1e-4)
