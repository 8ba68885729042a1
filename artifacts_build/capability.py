"""Capability with one of its two benchmarks missing: imputed from the other by a regression on models that have both.

The means of the two benchmarks differ, so the mean of one alone is not comparable with the mean of both.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST_MODELS = 8
# Without enough models that have both, a missing score is as good as the known one, and its error is this.
UNKNOWN_SD = 0.15


def fit_imputation(gpqa_diamond: Floats, livecodebench: Floats) -> Floats:
    """[2, 3]: slope, intercept and error of LiveCodeBench from GPQA Diamond, and of the reverse.

    Args:
        gpqa_diamond, livecodebench: [k] fractions of k models, NaN where nothing is published.
    """
    both = ~np.isnan(gpqa_diamond) & ~np.isnan(livecodebench)
    if both.sum() < FEWEST_MODELS:
        return np.array([[1.0, 0.0, UNKNOWN_SD], [1.0, 0.0, UNKNOWN_SD]])
    science, code = gpqa_diamond[both], livecodebench[both]
    return np.array([_line(science, code), _line(code, science)])


def _line(x: Floats, y: Floats) -> tuple[float, float, float]:
    slope, intercept = np.polyfit(x, y, 1)
    error = np.sqrt(np.sum((y - slope * x - intercept) ** 2) / max(len(x) - 2, 1))
    return float(slope), float(intercept), float(error)
