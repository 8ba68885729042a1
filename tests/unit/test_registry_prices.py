"""Prices: in the unit that a price list has, by size, by hour and by date; what is not known is not free."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pointsman.errors import RegistryError
from pointsman.registry import Model, load_registry

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
