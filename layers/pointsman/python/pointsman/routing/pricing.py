"""What a request costs: tokens x price, in USD, float64.

Prices are per 1,000 tokens and are resolved at one UTC instant for the whole request.
"""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pointsman.registry import Model, PriceWindow

Floats = NDArray[np.float64]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def prices_at(model: Model, instant: datetime) -> tuple[float, float]:
    """USD per 1,000 input and output tokens of a model at an instant (UTC); the first open window wins."""
    for window in model.utc_price_overrides:
        if is_open(window, instant):
            return window.input_cost_per_1k, window.output_cost_per_1k
    return model.input_cost_per_1k, model.output_cost_per_1k


def is_open(window: PriceWindow, instant: datetime) -> bool:
    """Whether a price window holds at an instant (UTC): start included, end excluded.

    A window past midnight belongs to the day on which it starts; one of equal start and end lasts a day.
    """
    start, end = window.span
    now = instant.time()
    today = _DAYS[instant.weekday()] in window.utc_days
    if start < end:
        return today and start <= now < end
    yesterday = _DAYS[(instant - timedelta(days=1)).weekday()] in window.utc_days
    return (today and now >= start) or (yesterday and now < end)


def cost_usd(prices: NDArray[np.float64], tokens_in: NDArray[np.int64], tokens_out: NDArray[np.int64]) -> Floats:
    """USD [k] of one request: `(input tokens x input price + output tokens x output price) / 1000`.

    Args:
        prices: [2, k], USD per 1,000 input and output tokens.
        tokens_in: [k], tokens the model reads.
        tokens_out: [k], tokens it writes.
    """
    usd: Floats = (tokens_in * prices[0] + tokens_out * prices[1]) / 1000.0
    return usd
