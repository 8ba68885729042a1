"""How many tokens a model writes, by difficulty: log tokens = level of the model + slope * difficulty.

Only the slope is learned; the level of a model that is routed to comes from its registry file. A row counts where its
tokens are known. Few datasets have tokens, so the slope is pulled towards 0 and says for how many rows it stands.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
FEWEST_ROWS = 200
# Of one row, in log tokens, and of the slope before any row is seen.
ROW_SD, SLOPE_SD = 0.7, 0.3


def fit_lengths(difficulty: Floats, model: Indices, tokens: Floats) -> tuple[float, float, int]:
    """Slope, the difficulty at which a model writes its usual length, and the number of rows.

    Args:
        difficulty: [r] of each row's prompt, predicted out of fold, logits.
        model: [r] index of the model.
        tokens: [r] output tokens, NaN where they are not known.
    """
    rows = tokens > 0
    count = int(rows.sum())
    center = float(difficulty.mean()) if len(difficulty) else 0.0
    if count < FEWEST_ROWS:
        return 0.0, center, count
    x, y, of = difficulty[rows], np.log(tokens[rows]), model[rows]
    _, of = np.unique(of, return_inverse=True)
    size = np.bincount(of)
    x, y = x - (np.bincount(of, x) / size)[of], y - (np.bincount(of, y) / size)[of]
    return float(x @ y / (x @ x + (ROW_SD / SLOPE_SD) ** 2)), center, count
