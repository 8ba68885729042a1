"""What a request costs: tokens x price, in USD, float64.

Prices are per 1,000 tokens and are resolved at one UTC instant for the whole request.
"""

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pointsman.registry import Model

Floats = NDArray[np.float64]


def prices_at(model: Model, instant: datetime) -> tuple[float, float]:
    """USD per 1,000 input and output tokens of a model at an instant (UTC); infinite where its price is not known."""
    prices = model.prices_at(instant)
    return (math.inf, math.inf) if prices is None else (prices.input, prices.output)


def cost_usd(prices: NDArray[np.float64], tokens_in: NDArray[np.int64], tokens_out: NDArray[np.int64]) -> Floats:
    """USD [k] of one request: `(input tokens x input price + output tokens x output price) / 1000`.

    Args:
        prices: [2, k], USD per 1,000 input and output tokens.
        tokens_in: [k], tokens the model reads.
        tokens_out: [k], tokens it writes.
    """
    usd: Floats = (tokens_in * prices[0] + tokens_out * prices[1]) / 1000.0
    return usd
