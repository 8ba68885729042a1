"""Prices that are hardly meant: another unit, the two swapped, or far from what the price packages say."""

from pointsman.registry.plausibility.findings import Findings, ModelFile, World

# USD per million tokens: half the cheapest and twice the dearest chat model on the market of 2026 (input 0.01 to 30,
# output 0.02 to 180).
LEAST, MOST_INPUT, MOST_OUTPUT = 0.005, 60.0, 360.0
# In a registry of that many other models, a price below a part of their cheapest is remarked on.
ENOUGH, PART = 10, 0.2
NEAR = 0.02


def price_findings(one: ModelFile, world: World) -> Findings:
    """Prices of a model in themselves, and beside those of the packages."""
    rates = one.model.rates
    if rates is None:
        return
    million = {"input": rates.input * 1000, "output": rates.output * 1000}
    odd = False
    for quantity, most in (("input", MOST_INPUT), ("output", MOST_OUTPUT)):
        field, price = _written(one, quantity), million[quantity]
        shown = one.data.get(field, 0)
        if price > most:
            odd = True
            yield one.error(field, f"{shown:g} looks like USD a million: {shown / 1000:g}", _meant(quantity, shown))
        elif 0 < price < LEAST:
            odd = True
            yield one.error(field, *_smaller_unit(field, quantity, shown))
        elif 0 < price < PART * (cheapest := _cheapest_other(one, quantity, world)):
            message, remedy = _smaller_unit(field, quantity, shown)
            yield one.warning(
                field, f"{message}; the cheapest other model costs {cheapest / 1000:g} a thousand", remedy
            )
    if rates.input > rates.output > 0:
        odd = True
        remedy = "Swap input and output; what a model writes is not cheaper than what it reads."
        yield one.error(_written(one, "input"), "dearer than the output", remedy)
    if rates.input == 0 or rates.output == 0:
        remedy = "Say `price: unknown` where nobody has published one; 0 is chosen before everything else."
        yield one.warning(_written(one, "input" if rates.input == 0 else "output"), "free of charge", remedy)
    if rates.cached_input is not None and rates.cached_input > rates.input:
        remedy = "Swap the two; what a cache serves is not dearer."
        yield one.error(_written(one, "cached_input"), "dearer than input that no cache serves", remedy)
    if rates.cache_write is not None and rates.cached_input is not None and rates.cache_write < rates.cached_input:
        remedy = "Swap the two; writing to a cache is not cheaper than reading."
        yield one.error(_written(one, "cache_write"), "cheaper than reading from the cache", remedy)
    for i, window in enumerate(one.model.utc_price_overrides):
        start, end = window.span
        if start == end and len(window.utc_days) == 7:
            field = f"utc_price_overrides.{i}"
            yield one.warning(field, "holds at every hour", "Write these prices as the model's own.")
        elif window.rates == rates:
            field = f"utc_price_overrides.{i}"
            yield one.warning(field, "costs what every other hour costs", "Remove it, or correct its prices.")
    for i, dated in enumerate(one.model.prices):
        if dated.rates == rates and not i and not dated.long_context:
            yield one.warning(f"prices.{i}", "changes nothing", "Remove it, or correct its prices.")
    if not odd:
        yield from _beside_packages(one, million, world)


def _smaller_unit(field: str, quantity: str, shown: float) -> tuple[str, str]:
    meant = shown * 1000
    if field.endswith("1m"):
        return f"{shown:g} looks like USD a thousand", f"Write {meant:g}, or {quantity}_cost_per_1k: {shown:g}."
    return f"{shown:g} looks like USD a token: {meant:g}", f"Write {meant:g}."


def _cheapest_other(one: ModelFile, quantity: str, world: World) -> float:
    """USD per million tokens of the cheapest of the other models; 0 where they are too few to tell."""
    others = [model.rates for name, model in world.models.items() if name != one.model.model_id]
    prices = [price * 1000 for rates in others if rates is not None and (price := getattr(rates, quantity)) > 0]
    return min(prices) if len(prices) >= ENOUGH else 0.0


def _meant(quantity: str, shown: float) -> str:
    return f"Write {shown / 1000:g}, or {quantity}_cost_per_1m: {shown:g}."


def _written(one: ModelFile, quantity: str) -> str:
    """The field that the file wrote a price in."""
    million = f"{quantity}_cost_per_1m"
    return million if million in one.data else f"{quantity}_cost_per_1k"


def _beside_packages(one: ModelFile, million: dict[str, float], world: World) -> Findings:
    listings = world.packages.listings(one.model.model_id, one.model.names)
    priced = [(one, one.input, one.output) for one in listings if one.input is not None and one.output is not None]
    # A package may list the price of the dear hours.
    windows = [rates for window in one.model.utc_price_overrides if (rates := window.rates) is not None]
    ours = [(million["input"], million["output"]), *((rates.input * 1000, rates.output * 1000) for rates in windows)]
    if not priced or any(_near(i, read) and _near(o, written) for _, read, written in priced for i, o in ours):
        return
    listing, read, written = priced[0]
    if _near(million["input"], written) and _near(million["output"], read):
        yield one.error(
            _written(one, "input"), f"input and output are those of {listing.package}, swapped", "Swap them."
        )
        return
    for quantity, theirs in (("input", read), ("output", written)):
        price = million[quantity]
        if theirs and _near(price, theirs * 1000):
            field = _written(one, quantity)
            shown = one.data[field]
            message = f"{shown:g} looks like USD a million ({listing.package} says {theirs:g})"
            yield one.error(field, message, _meant(quantity, shown))
        elif theirs and _near(price * 1000, theirs):
            field = _written(one, quantity)
            message, remedy = _smaller_unit(field, quantity, one.data[field])
            yield one.error(field, f"{message} ({listing.package} says {theirs:g} a million)", remedy)
        elif not _near(price, theirs):
            message = f"{price:g} a million, where {listing.package} says {theirs:g}"
            yield one.warning(_written(one, quantity), message, "Look it up; `pointsman registry update` takes theirs.")


def _near(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= NEAR * max(ours, theirs)
