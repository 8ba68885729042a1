"""Prices: in the unit that a price list has, by size, by hour and by date; what is not known is not free."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pointsman.errors import RegistryError
from pointsman.registry import Model, load_registry
from pointsman.registry.prices import LongContext, PriceWindow, Rates, price_list

from tests.conftest import WriteRegistry, model_yaml

AUTO = {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/one]\n"}
BLOCK = "input_cost_per_1k: 0.001\noutput_cost_per_1k: 0.004\n"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def written(write: WriteRegistry, prices: str = BLOCK) -> Path:
    text = model_yaml("acme/one").replace("input_cost_per_1k: 0.001000\noutput_cost_per_1k: 0.001000\n", "")
    return write({"one.yaml": text + prices}, AUTO)


def model(write: WriteRegistry, prices: str) -> Model:
    return load_registry(written(write, prices)).model("acme/one")


def faults(folder: Path) -> dict[str, str]:
    with pytest.raises(RegistryError) as raised:
        load_registry(folder)
    return {f.field.split(": ")[-1]: f"{f.message} | {f.remedy} | {f.value}" for f in raised.value.faults}


def test_prices_a_million_are_those_a_thousand(write_registry: WriteRegistry) -> None:
    million = model(
        write_registry, "input_cost_per_1m: 0.15\noutput_cost_per_1m: 0.6\ncached_input_cost_per_1m: 0.003\n"
    )
    assert (million.input_cost_per_1k, million.output_cost_per_1k) == (0.00015, 0.0006)
    assert million.cached_input_cost_per_1k == 0.000003
    assert million.input_cost_per_1m is None


LONG = (
    "long_context:\n"
    "  - {above: 1000, input_cost_per_1k: 0.002, output_cost_per_1k: 0.006, cached_input_cost_per_1k: 0.0002}\n"
)


def test_a_larger_input_costs_the_whole_request_at_the_tiers_price(write_registry: WriteRegistry) -> None:
    prices = model(write_registry, f"{BLOCK}{LONG}").prices_at(NOON)
    assert prices is not None
    assert (prices.rates_for(1000).input, prices.rates_for(1001).input) == (0.001, 0.002)
    assert prices.rates_for(1001).cached_input == 0.0002
    assert prices.cached_input is None


DATED = (
    "prices:\n"
    "  - {from: 2026-11-20, input_cost_per_1m: 3, output_cost_per_1m: 9}\n"
    "  - {from: 2026-12-01, input_cost_per_1m: 5, output_cost_per_1m: 15, cache_write_cost_per_1m: 6}\n"
)


@pytest.mark.parametrize(
    ("day", "price"), [("2026-11-19", 0.001), ("2026-11-20", 0.003), ("2026-11-30", 0.003), ("2026-12-01", 0.005)]
)
def test_a_dated_price_list_holds_from_its_day_on(write_registry: WriteRegistry, day: str, price: float) -> None:
    dated = model(write_registry, f"{BLOCK}{DATED}")
    at = datetime.fromisoformat(f"{day}T00:00+00:00")
    prices = dated.prices_at(at)
    assert prices is not None
    assert prices.input == price
    assert prices.cache_write == (0.006 if day == "2026-12-01" else None)
    assert dated.price_changes


def test_at_a_dearer_hour_caches_and_tiers_cost_as_much_more(write_registry: WriteRegistry) -> None:
    window = (
        "utc_price_overrides: [{utc_start: '10:00', utc_end: '14:00', utc_days: [monday], "
        "input_cost_per_1k: 0.002, output_cost_per_1k: 0.008}]\n"
    )
    both = model(write_registry, f"{BLOCK}cached_input_cost_per_1k: 0.0001\n{LONG}{window}")
    prices, usual = both.prices_at(NOON), both.prices_at(NOON.replace(hour=15))
    assert prices is not None
    assert usual is not None
    assert (usual.input, prices.input, prices.output) == (0.001, 0.002, 0.008)
    assert prices.cached_input == pytest.approx(0.0002)
    assert prices.rates_for(2000).input == pytest.approx(0.004)
    assert prices.rates_for(2000).output == pytest.approx(0.012)


def test_a_price_that_is_not_known_is_said_to_be_so(write_registry: WriteRegistry) -> None:
    unknown = model(write_registry, "price: unknown\n")
    assert (unknown.price_known, unknown.prices_at(NOON), unknown.rates) == (False, None, None)


@pytest.mark.parametrize(
    ("prices", "field", "said"),
    [
        ("", "input_cost_per_1k", "no price | Add it (per_1k or per_1m), or say `price: unknown`."),
        ("input_cost_per_1k: 0.001\n", "output_cost_per_1k", "no price"),
        (f"{BLOCK}input_cost_per_1m: 1\n", "input_cost_per_1m", "two units in one block"),
        ("input_cost_per_1k: 0.001\noutput_cost_per_1m: 4\n", "output_cost_per_1m", "two units | Write all prices"),
        (f"{BLOCK}price: unknown\n", "input_cost_per_1k", "Remove `price: unknown`, or the prices"),
        ("price: free\n", "price", "'unknown'"),
        (
            f"{BLOCK}long_context: [{{above: 100000, input_cost_per_1k: 0.002, output_cost_per_1k: 0.004}}]",
            "long_context.0.above",
            "never applies: the context holds 100,000 tokens",
        ),
        (
            f"{BLOCK}long_context: [{{above: 1000, input_cost_per_1k: 0.0005, output_cost_per_1k: 0.004}}]",
            "long_context.0.input_cost_per_1k",
            "cheaper than below 1,000 tokens",
        ),
        (
            f"{BLOCK}long_context: [{{above: 900, input_cost_per_1k: 0.002, output_cost_per_1k: 0.004}},"
            " {above: 800, input_cost_per_1k: 0.003, output_cost_per_1k: 0.005}]",
            "long_context.1.above",
            "not above the tier before it (900)",
        ),
        (
            f"{BLOCK}long_context: [{{above: 900, input_cost_per_1k: 0.002}}]",
            "long_context.0.output_cost_per_1k",
            "no price",
        ),
        (
            f"{BLOCK}prices: [{{from: 2026-12-01, input_cost_per_1k: 1, output_cost_per_1k: 1}},"
            " {from: 2026-12-01, input_cost_per_1k: 2, output_cost_per_1k: 2}]",
            "prices.1.from",
            "Order the lists by date",
        ),
        (
            f"{BLOCK}prices: [{{from: 2026-12-01, input_cost_per_1k: 1, output_cost_per_1k: 1, long_context: "
            "[{above: 5, input_cost_per_1k: 0.5, output_cost_per_1k: 1}]}]",
            "prices.0.long_context.0.input_cost_per_1k",
            "cheaper than below 5 tokens",
        ),
        (
            f"{BLOCK}prices: [{{from: soon, input_cost_per_1k: 1, output_cost_per_1k: 1}}]",
            "prices.0.from",
            "YYYY-MM-DD",
        ),
    ],
)
def test_prices_that_do_not_fit_are_named_with_field_value_and_remedy(
    write_registry: WriteRegistry, prices: str, field: str, said: str
) -> None:
    found = faults(written(write_registry, prices))
    assert all(part in found[field] for part in said.split(" | "))


@pytest.mark.parametrize(
    ("prices", "field", "message", "remedy", "value"),
    [
        (
            f"{BLOCK}long_context: [{{above: 900, input_cost_per_1k: 0.002}}]",
            "long_context.0.output_cost_per_1k",
            "no price",
            "Add it, or write all prices of the block per_1m.",
            "null",
        ),
        (
            f"{BLOCK}long_context: [{{above: 900, input_cost_per_1k: 0.002, output_cost_per_1k: 0.004}},"
            " {above: 900, input_cost_per_1k: 0.002, output_cost_per_1k: 0.004}]",
            "long_context.1.above",
            "not above the tier before it (900)",
            "Order the tiers from the smallest `above` to the largest, each once.",
            900,
        ),
        (
            f"{BLOCK}long_context: [{{above: 100000, input_cost_per_1k: 0.002, output_cost_per_1k: 0.004}}]",
            "long_context.0.above",
            "never applies: the context holds 100,000 tokens",
            "Remove the tier, or correct the size.",
            100000,
        ),
        (
            f"{BLOCK}long_context: [{{above: 1000, input_cost_per_1k: 0.0005, output_cost_per_1k: 0.004}}]",
            "long_context.0.input_cost_per_1k",
            "cheaper than below 1,000 tokens (0.001 per 1,000)",
            "Prices of larger inputs are never lower: correct one of the two.",
            0.0005,
        ),
        (
            f"{BLOCK}prices: [{{from: 2026-12-02, input_cost_per_1k: 1, output_cost_per_1k: 1}},"
            " {from: 2026-12-01, input_cost_per_1k: 2, output_cost_per_1k: 2}]",
            "prices.1.from",
            "not after the list before it (2026-12-02)",
            "Order the lists by date.",
            "2026-12-01",
        ),
        (
            "input_cost_per_1m: 1\noutput_cost_per_1m: 4\n"
            "long_context: [{above: 1000, input_cost_per_1m: 0.9, output_cost_per_1m: 4}]",
            "long_context.0.input_cost_per_1k",
            "cheaper than below 1,000 tokens (0.001 per 1,000)",
            "Prices of larger inputs are never lower: correct one of the two.",
            0.0009,
        ),
    ],
)
def test_a_price_that_does_not_fit_is_told_in_whole_sentences(
    write_registry: WriteRegistry, prices: str, field: str, message: str, remedy: str, value: object
) -> None:
    assert faults(written(write_registry, prices))[field] == f"{message} | {remedy} | {value}"


def test_a_price_below_a_tier_that_does_not_say_it_is_the_one_before(write_registry: WriteRegistry) -> None:
    said_before = "cached_input_cost_per_1k: 0.0002\n"
    tier = "{{above: {0}, input_cost_per_1k: 0.002, output_cost_per_1k: 0.006{1}}}"
    silent, cheaper = tier.format(1000, ""), tier.format(2000, ", cached_input_cost_per_1k: 0.0001")
    found = faults(written(write_registry, f"{BLOCK}{said_before}long_context: [{silent}, {cheaper}]"))
    assert "cheaper than below 2,000 tokens (0.0002 per 1,000)" in found["long_context.1.cached_input_cost_per_1k"]
    said = tier.format(1000, ", cached_input_cost_per_1k: 0.0004")
    less = tier.format(2000, ", cached_input_cost_per_1k: 0.0003")
    found = faults(written(write_registry, f"{BLOCK}{said_before}long_context: [{said}, {less}]"))
    assert "cheaper than below 2,000 tokens (0.0004 per 1,000)" in found["long_context.1.cached_input_cost_per_1k"]


def test_the_smallest_tier_begins_at_one_token_and_may_cost_the_same(write_registry: WriteRegistry) -> None:
    same = f"{BLOCK}long_context: [{{above: 1, input_cost_per_1k: 0.001, output_cost_per_1k: 0.005}}]\n"
    prices = model(write_registry, same).prices_at(NOON)
    assert prices is not None
    assert (prices.rates_for(1).output, prices.rates_for(2).output) == (0.004, 0.005)


def window(start: str, end: str, **prices: float) -> PriceWindow:
    return PriceWindow.model_validate({"utc_start": start, "utc_end": end, "utc_days": ["monday"], **prices})


DOUBLE = {"input_cost_per_1k": 0.002, "output_cost_per_1k": 0.012}


def test_at_a_dearer_hour_writing_a_cache_and_the_caches_of_tiers_cost_as_much_more_as_the_input() -> None:
    tier = LongContext(
        above=1000,
        input_cost_per_1k=0.004,
        output_cost_per_1k=0.008,
        cached_input_cost_per_1k=0.0004,
        cache_write_cost_per_1k=0.005,
    )
    base = Rates(0.001, 0.004, cached_input=0.0001, cache_write=0.00125)
    prices = price_list(base, [tier], [window("10:00", "14:00", **DOUBLE)], NOON)
    assert astuple(prices.base) == pytest.approx((0.002, 0.012, 0.0002, 0.0025))
    assert astuple(prices.rates_for(2000)) == pytest.approx((0.008, 0.024, 0.0008, 0.01))


def test_a_window_that_says_what_a_cache_costs_is_believed() -> None:
    base = Rates(0.001, 0.004, cached_input=0.0001, cache_write=0.00125)
    own = window("10:00", "14:00", **DOUBLE, cached_input_cost_per_1k=0.0007, cache_write_cost_per_1k=0.009)
    assert price_list(base, [], [own], NOON).base == Rates(0.002, 0.012, 0.0007, 0.009)


def test_what_is_free_has_no_price_to_multiply() -> None:
    tier = LongContext(above=1000, input_cost_per_1k=0, output_cost_per_1k=0)
    dear = price_list(Rates(0.0, 0.0), [tier], [window("10:00", "14:00", **DOUBLE)], NOON)
    assert dear.base == Rates(0.002, 0.012)
    assert dear.rates_for(2000) == Rates(0.0, 0.0)


@pytest.mark.parametrize(
    ("day", "clock", "is_open"),
    [(23, "09:59", False), (23, "10:00", True), (24, "09:59", True), (24, "10:00", False)],
)
def test_a_window_of_equal_start_and_end_lasts_a_day(day: int, clock: str, is_open: bool) -> None:
    at = datetime.fromisoformat(f"2026-11-{day}T{clock}+00:00")
    assert window("10:00", "10:00", **DOUBLE).is_open(at) is is_open


@pytest.mark.usefixtures("in_tokyo")
@pytest.mark.parametrize(
    "instant", [NOON, NOON.astimezone(timezone(timedelta(hours=9))), NOON.replace(tzinfo=None)], ids=str
)
def test_hours_are_those_of_utc_wherever_the_server_and_the_clock_are(instant: datetime) -> None:
    base = Rates(0.001, 0.004)
    assert price_list(base, [], [window("12:00", "12:01", **DOUBLE)], instant).input == 0.002
    assert price_list(base, [], [window("21:00", "21:01", **DOUBLE)], instant).input == 0.001
