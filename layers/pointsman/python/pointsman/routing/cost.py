"""What a request costs each candidate: tokens x price, in USD, float64, part by part.

    input   what no cache serves, at the input price; what of it a cache is to keep, at the price of writing to it
    cached  what a cache serves, at the cached price; where no cached price is published, at the input price
    output  what is expected to be written

A request with more input than a tier of a price list is priced at that tier as a whole. Prices are per 1,000 tokens and
hold for one UTC minute: lists change by the day and windows open by the minute, so nothing moves within one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from pointsman.errors import UnknownModel
from pointsman.registry import ModelAtEffort, PriceList, Rates, Registry

Floats = NDArray[np.float64]
Row = tuple[float, float, float, float]

# Costs are told, and compared, to so many significant digits.
DIGITS = 7
_POWERS = np.array([float(f"1e{power}") for power in range(23)])  # the powers of ten that a double holds exactly


@dataclass(frozen=True)
class Prices:
    """What k candidates charge at one minute; NaN where a price is not known."""

    base: Floats  # [4, k], USD per 1,000 input, cached and output tokens, and per 1,000 written to a cache
    tiers: tuple[tuple[int, int, Row], ...]  # (more input than this, place, its rates), ascending
    known: NDArray[np.bool_]  # [k]


@dataclass(frozen=True)
class Costs:
    """USD [k] by part. `total` is what candidates are compared by; it is rounded, and its parts are not."""

    input: Floats
    cached: Floats
    output: Floats
    total: Floats


def prices_of(candidates: Sequence[ModelAtEffort], instant: datetime) -> Prices:
    """The prices of k candidates at an instant."""
    lists: dict[str, PriceList | None] = {}
    for one in candidates:
        if one.model_id not in lists:
            lists[one.model_id] = one.model.prices_at(instant)
    rows, tiers, known = [], [], []
    for place, one in enumerate(candidates):
        priced = lists[one.model_id]
        known.append(priced is not None)
        rows.append((np.nan,) * 4 if priced is None else _rates(priced.base))
        tiers += [] if priced is None else [(above, place, _rates(rates)) for above, rates in priced.tiers]
    return Prices(np.array(rows).T, tuple(sorted(tiers)), np.array(known))


def minute_of(instant: datetime) -> int:
    """The minute of an instant, counted from 1970."""
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()) // 60


def costs_of(
    prices: Prices, tokens_in: Floats, cached: int | Floats, tokens_out: Floats, kept: Floats | None = None
) -> Costs:
    """What a request costs each of k candidates.

    Args:
        tokens_in: [k], tokens of the whole request as each counts them, 1 or more.
        cached: how many of them a cache will serve, of all or [k] of each; never more than there are.
        tokens_out: [k], tokens each is expected to write.
        kept: [k], how many of them each one's cache will hold afterwards; what is new among them is paid as written.
    """
    rates = prices.base
    most = tokens_in.max()
    if prices.tiers and most > prices.tiers[0][0]:
        rates = rates.copy()
        for above, place, of_tier in prices.tiers:
            if tokens_in[place] > above:
                rates[:, place] = of_tier
    if np.any(cached):
        served = np.minimum(tokens_in, cached)
        read, reread = (tokens_in - served) * rates[0] / 1000.0, served * rates[1] / 1000.0
    else:
        served = np.zeros(len(tokens_in))
        read, reread = tokens_in * rates[0] / 1000.0, served
    if kept is not None:
        read = read + np.clip(np.minimum(kept, tokens_in) - served, 0.0, None) * (rates[3] - rates[0]) / 1000.0
    written = tokens_out * rates[2] / 1000.0
    return Costs(read, reread, written, rounded(read + reread + written))


def usd_of_usage(
    registry: Registry, name: str, instant: datetime, input_tokens: int, cached_tokens: int, output_tokens: int
) -> float | None:
    """USD of one call that was made, of a model (an id, an alias or a candidate's id) at an instant, at list price.

    `cached_tokens` are those of the input that a cache served. What was written to a cache is not told by usage, and is
    priced as input. None where the registry does not know the model, or its price at that time.
    """
    try:
        prices = prices_of([registry.candidate(name)], instant)
    except UnknownModel:  # it has left the registry since
        return None
    if not prices.known[0]:
        return None
    costs = costs_of(prices, np.array([float(input_tokens)]), cached_tokens, np.array([float(output_tokens)]))
    return float((costs.input + costs.cached + costs.output)[0])


def rounded(values: Floats) -> Floats:
    """Values to `DIGITS` significant digits: as short as they can be told, and still what was compared."""
    size = np.log10(np.where(values > 0, values, 1.0))
    # Dividing by a power of ten, and not multiplying, gives the double that is nearest to the short decimal.
    scale = _POWERS[np.clip(DIGITS - 1 - np.floor(size), 0, 22).astype(np.intp)]
    short: Floats = np.rint(values * scale) / scale
    return short


def _rates(rates: Rates) -> Row:
    cached = rates.input if rates.cached_input is None else rates.cached_input
    kept = rates.input if rates.cache_write is None else rates.cache_write
    return rates.input, cached, rates.output, kept
