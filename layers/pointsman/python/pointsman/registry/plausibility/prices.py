"""Prices that are hardly meant: another unit, the two swapped, or far from what the price packages say."""

from pointsman.registry.plausibility.findings import Findings, ModelFile, World

# USD per million tokens. On the market of 2026 chat models cost 0.01 to 30 for input and 0.02 to 180 for output.
LEAST, MOST_INPUT, MOST_OUTPUT = 0.001, 100.0, 600.0
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
            if field.endswith("1m"):
                remedy = f"Write {shown * 1000:g}, or {quantity}_cost_per_1k: {shown:g}."
                yield one.error(field, f"{shown:g} looks like USD a thousand", remedy)
            else:
                meant = shown * 1000
                yield one.error(field, f"{shown:g} looks like USD a token: {meant:g}", f"Write {meant:g}.")
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
        if window.rates == rates:
            field = f"utc_price_overrides.{i}"
            yield one.warning(field, "costs what every other hour costs", "Remove it, or correct its prices.")
    for i, dated in enumerate(one.model.prices):
        if dated.rates == rates and not i and not dated.long_context:
            yield one.warning(f"prices.{i}", "changes nothing", "Remove it, or correct its prices.")
    if not odd:
        yield from _beside_packages(one, million, world)


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
        elif not _near(price, theirs):
            message = f"{price:g} a million, where {listing.package} says {theirs:g}"
            yield one.warning(_written(one, quantity), message, "Look it up; `pointsman registry update` takes theirs.")


def _near(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= NEAR * max(ours, theirs)
