"""What a request costs: tokens x price, in USD, float64.

Prices are per 1,000 tokens and are resolved at one UTC instant for the whole request.
"""

from datetime import datetime, timedelta

from pointsman.registry import Model, PriceWindow

DEFAULT_OUTPUT_TOKENS = 512
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


def output_tokens(model: Model, max_output_tokens: int | None) -> int:
    """Tokens the model is expected to write: its own expectation, else the request's limit, else 512."""
    return model.expected_output_tokens or max_output_tokens or DEFAULT_OUTPUT_TOKENS


def input_tokens(model: Model, counted: int) -> int:
    """Tokens the model is expected to count for a prompt of `counted` tokens of the embedder."""
    return max(1, round(counted * model.input_token_factor))


def cost_usd(prices: tuple[float, float], tokens_in: int, tokens_out: int) -> float:
    """USD of one request: `(input tokens x input price + output tokens x output price) / 1000`."""
    return (tokens_in * prices[0] + tokens_out * prices[1]) / 1000.0
