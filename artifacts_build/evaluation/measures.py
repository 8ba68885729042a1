"""How good a prediction of completion is: AUC, log-loss, Brier score, expected calibration error."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]
Measures = Mapping[str, float | int | None]
BINS = 15


def expected_calibration_error(predicted: Floats, score: Floats, bins: int = BINS) -> float:
    """Mean distance of predicted and observed rates over equally wide bins, weighted by their size.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
    """
    bin_of = np.minimum((predicted * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, predicted - score, bins)
    return float(np.abs(gaps).sum() / len(score))


def log_loss(predicted: Floats, score: Floats) -> float:
    """Mean -log likelihood in nats; scores in [0, 1] count as fractional outcomes."""
    p = np.clip(predicted, 1e-9, 1 - 1e-9)
    return float(-np.mean(score * np.log(p) + (1 - score) * np.log(1 - p)))


def auc(predicted: Floats, score: Floats) -> float | None:
    """Area under the ROC curve of completing (score of at least 1/2); None where all rows are alike."""
    completed = score >= 0.5
    if completed.all() or not completed.any():
        return None
    return float(roc_auc_score(completed, predicted))


def measure(predicted: Floats, score: Floats) -> Measures:
    """Every measure of r predictions, with the base rate's log-loss to compare with."""
    rate = float(score.mean())
    area = auc(predicted, score)
    return {
        "responses": len(score),
        "completion_rate": round(rate, 4),
        "predicted_rate": round(float(predicted.mean()), 4),
        "auc": None if area is None else round(area, 4),
        "log_loss": round(log_loss(predicted, score), 4),
        "base_rate_log_loss": round(log_loss(np.full(len(score), rate), score), 4),
        "brier": round(float(np.mean((predicted - score) ** 2)), 4),
        "expected_calibration_error": round(expected_calibration_error(predicted, score), 4),
    }
