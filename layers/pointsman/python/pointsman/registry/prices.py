"""What tokens cost: price lists with their units, tiers by size, hours and dates.

A file writes USD per 1,000 tokens or per million, one unit a block; once read, every block is per 1,000.
What is not known is None, never 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pointsman.faults import Misfit, Misfits
from pointsman.registry.fields import Clock, Day, Price, PricePerMillion, Tokens, Weekday

UNITS = ("per_1k", "per_1m")
QUANTITIES = ("input", "output", "cached_input", "cache_write")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Rates:
    """USD per 1,000 tokens; a cache price that is not known is None."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True)
class PriceList:
    """The rates that hold at one instant, and those of larger inputs: (more input tokens than this, rates)."""

    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()

    @property
    def input(self) -> float:
        """USD per 1,000 input tokens of a request below every tier."""
        return self.base.input

    @property
    def output(self) -> float:
        """USD per 1,000 output tokens of a request below every tier."""
        return self.base.output

    @property
    def cached_input(self) -> float | None:
        """USD per 1,000 input tokens that a cache serves, below every tier; None where it is not known."""
        return self.base.cached_input

    @property
    def cache_write(self) -> float | None:
        """USD per 1,000 input tokens written to a cache, below every tier; None where it is not known."""
        return self.base.cache_write

    def rates_for(self, input_tokens: float) -> Rates:
        """The rates of a whole request with this many input tokens: those of the highest tier that it exceeds."""
        rates = self.base
        for above, dearer in self.tiers:
            if input_tokens > above:
                rates = dearer
        return rates


class PriceFields(BaseModel):
    """The fields of a block of prices, in one of the two units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_cost_per_1k: Price | None = None
    output_cost_per_1k: Price | None = None
    cached_input_cost_per_1k: Price | None = None
    cache_write_cost_per_1k: Price | None = None
    input_cost_per_1m: PricePerMillion | None = None
    output_cost_per_1m: PricePerMillion | None = None
    cached_input_cost_per_1m: PricePerMillion | None = None
    cache_write_cost_per_1m: Annotated[PricePerMillion | None, Field(validate_default=True)] = None

    @field_validator("cache_write_cost_per_1m")
    @classmethod
    def _one_unit(cls, per_million: float | None, info: ValidationInfo) -> float | None:
        given = {**info.data, "cache_write_cost_per_1m": per_million}
        thousand = [q for q in QUANTITIES if given.get(f"{q}_cost_per_1k") is not None]
        million = [q for q in QUANTITIES if given.get(f"{q}_cost_per_1m") is not None]
        if thousand and million:
            remedy = f"Write all prices of the block like {thousand[0]}_cost_per_1k, or all per_1m."
            raise Misfits(
                *(
                    Misfit(
                        "two units in one block of prices", remedy, f"{q}_cost_per_1m", None, given[f"{q}_cost_per_1m"]
                    )
                    for q in million
                )
            )
        cls._complete(given)
        return per_million

    @classmethod
    def _complete(cls, given: Mapping[str, Any]) -> None:
        """Refuse a block without its two prices; a price that is there and wrong has a fault already."""
        raise_for_missing(given, "Add it, or write all prices of the block per_1m.")

    @model_validator(mode="after")
    def _per_thousand(self) -> Self:
        for quantity in QUANTITIES:
            million = getattr(self, f"{quantity}_cost_per_1m")
            if million is not None:
                # By decimal places, so that 0.15 a million is the 0.00015 a thousand that a file would say.
                self.__dict__[f"{quantity}_cost_per_1k"] = float(Decimal(repr(million)) / 1000)
                self.__dict__[f"{quantity}_cost_per_1m"] = None
        return self

    @property
    def rates(self) -> Rates | None:
        """The block's rates; None where no price is given."""
        if self.input_cost_per_1k is None or self.output_cost_per_1k is None:
            return None
        return Rates(
            self.input_cost_per_1k,
            self.output_cost_per_1k,
            self.cached_input_cost_per_1k,
            self.cache_write_cost_per_1k,
        )


def raise_for_missing(given: Mapping[str, Any], remedy: str) -> None:
    """Raise a fault for each of the input and the output price that a block does not give in either unit."""
    lacking = [
        quantity
        for quantity in ("input", "output")
        if all(f"{quantity}_cost_{unit}" in given and given[f"{quantity}_cost_{unit}"] is None for unit in UNITS)
    ]
    if lacking:
        raise Misfits(*(Misfit("no price", remedy, f"{quantity}_cost_per_1k") for quantity in lacking))


class PriceWindow(PriceFields):
    """Prices that hold at certain hours (UTC). A window whose end is not after its start runs past midnight."""

    utc_start: Clock
    utc_end: Clock
    utc_days: Annotated[tuple[Weekday, ...], Field(min_length=1)]

    @cached_property
    def span(self) -> tuple[time, time]:
        """Its start and end, time of day in UTC."""
        return time.fromisoformat(self.utc_start), time.fromisoformat(self.utc_end)

    def is_open(self, instant: datetime) -> bool:
        """Whether it holds at an instant (UTC): start included, end excluded.

        A window past midnight belongs to the day on which it starts; one of equal start and end lasts a day.
        """
        start, end = self.span
        now = instant.time()
        today = _DAYS[instant.weekday()] in self.utc_days
        if start < end:
            return today and start <= now < end
        yesterday = _DAYS[(instant - timedelta(days=1)).weekday()] in self.utc_days
        return (today and now >= start) or (yesterday and now < end)


class LongContext(PriceFields):
    """Prices of a whole request with more than `above` input tokens."""

    above: Tokens


class DatedPrices(PriceFields):
    """The price list from a day on (UTC), in place of everything that held before it."""

    since: Annotated[Day, Field(alias="from")]
    long_context: tuple[LongContext, ...] = ()
    utc_price_overrides: tuple[PriceWindow, ...] = ()

    @field_validator("long_context")
    @classmethod
    def _tiers_fit(cls, tiers: tuple[LongContext, ...], info: ValidationInfo) -> tuple[LongContext, ...]:
        check_tiers(tiers, info.data, None)
        return tiers

    def at(self, instant: datetime) -> PriceList:
        """What holds at an instant (UTC)."""
        rates = self.rates
        assert rates is not None, "a block without prices is refused when it is read"
        return price_list(rates, self.long_context, self.utc_price_overrides, instant)


def price_list(
    base: Rates, tiers: Sequence[LongContext], windows: Sequence[PriceWindow], instant: datetime
) -> PriceList:
    """The price list at an instant (UTC).

    The first open window wins. A tier then costs as many times the window's price as it costs of the base price.
    """
    instant = instant.astimezone(UTC) if instant.tzinfo else instant
    dearer = tuple((tier.above, rates) for tier in tiers if (rates := tier.rates) is not None)
    window = next((window for window in windows if window.is_open(instant)), None)
    opened = None if window is None else window.rates
    if opened is None:
        return PriceList(base, dearer)
    opened = Rates(
        opened.input,
        opened.output,
        # A window that does not say what a cache costs moves it as it moves the input.
        _scaled(base.cached_input, opened.input, base.input) if opened.cached_input is None else opened.cached_input,
        _scaled(base.cache_write, opened.input, base.input) if opened.cache_write is None else opened.cache_write,
    )
    scaled = tuple(
        (
            above,
            Rates(
                _scaled(rates.input, opened.input, base.input) or 0.0,
                _scaled(rates.output, opened.output, base.output) or 0.0,
                _scaled(rates.cached_input, opened.input, base.input),
                _scaled(rates.cache_write, opened.input, base.input),
            ),
        )
        for above, rates in dearer
    )
    return PriceList(opened, scaled)


def _scaled(price: float | None, new: float, old: float) -> float | None:
    if price is None:
        return None
    return price * new / old if old else price


def check_tiers(tiers: Sequence[LongContext], base: Mapping[str, Any], context_length: int | None) -> None:
    """Refuse tiers that never apply, or whose prices fall with size.

    Raises:
        Misfits: for every such tier.
    """
    found: list[Misfit] = []
    below = {quantity: _per_thousand_of(base, quantity) for quantity in QUANTITIES}
    last = 0
    for i, tier in enumerate(tiers):
        if tier.above <= last:
            remedy = "Order the tiers from the smallest `above` to the largest, each once."
            found.append(Misfit(f"not above the tier before it ({last:,})", remedy, None, f"{i}.above", tier.above))
        if context_length is not None and tier.above >= context_length:
            message = f"never applies: the context holds {context_length:,} tokens"
            found.append(Misfit(message, "Remove the tier, or correct the size.", None, f"{i}.above", tier.above))
        for quantity in QUANTITIES:
            price, before = getattr(tier, f"{quantity}_cost_per_1k"), below[quantity]
            if price is not None and before is not None and price < before:
                message = f"cheaper than below {tier.above:,} tokens ({before:g} per 1,000)"
                remedy = "Prices of larger inputs are never lower: correct one of the two."
                found.append(Misfit(message, remedy, None, f"{i}.{quantity}_cost_per_1k", price))
            below[quantity] = before if price is None else price
        last = max(last, tier.above)
    if found:
        raise Misfits(*found)


def check_dates(dated: Sequence[DatedPrices]) -> None:
    """Refuse price lists that are not in the order of their dates.

    Raises:
        Misfits: for every list that starts no later than the one before it.
    """
    found = [
        Misfit(
            f"not after the list before it ({first.since})",
            "Order the lists by date.",
            None,
            f"{i}.from",
            str(then.since),
        )
        for i, (first, then) in enumerate(pairwise(dated), 1)
        if then.since <= first.since
    ]
    if found:
        raise Misfits(*found)


def _per_thousand_of(data: Mapping[str, Any], quantity: str) -> float | None:
    thousand, million = data.get(f"{quantity}_cost_per_1k"), data.get(f"{quantity}_cost_per_1m")
    if thousand is not None:
        return float(thousand)
    return None if million is None else float(Decimal(repr(million)) / 1000)
