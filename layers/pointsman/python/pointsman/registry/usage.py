"""What tokens that were used cost by the price list: for calls whose gateway says tokens and no money."""

from datetime import datetime

from pointsman.errors import UnknownModel
from pointsman.registry.catalogue import Registry


def usd_of_usage(
    registry: Registry, name: str, instant: datetime, input_tokens: int, cached_tokens: int, output_tokens: int
) -> float | None:
    """USD of one call of a model (an id, an alias or a candidate's id) at an instant, at list price.

    `cached_tokens` are those of the input that a cache served. What was written to a cache is not told by usage, and is
    priced as input. None where the registry does not know the model, or its price at that time.
    """
    try:
        model = registry.candidate(name).model
    except UnknownModel:  # it has left the registry since
        return None
    prices = model.prices_at(instant)
    if prices is None:
        return None
    rates = prices.rates_for(input_tokens)
    cached = rates.input if rates.cached_input is None else rates.cached_input
    served = min(cached_tokens, input_tokens)
    return ((input_tokens - served) * rates.input + served * cached + output_tokens * rates.output) / 1000.0
