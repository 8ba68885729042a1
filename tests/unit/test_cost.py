"""Costs: tokens times price, part by part, at the prices of the hour, the day and the size."""

import warnings
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from pointsman.registry import Model, ModelAtEffort, load_registry
from pointsman.routing.candidates import CandidatePool, input_tokens, pool_of
from pointsman.routing.cost import Costs, costs_of, minute_of, prices_of, rounded, usd_of_usage
from pointsman.routing.forecast import fit_lengths

from tests.conftest import WriteRegistry, model_yaml
from tests.fakes import fake_artifact

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
NIGHT = {"utc_start": "22:00", "utc_end": "04:00", "utc_days": ["friday"]}
PEAK = {"utc_start": "06:00", "utc_end": "10:00", "utc_days": ["monday", "tuesday"]}
TIERS = [
    {"above": 1000, "input_cost_per_1k": 0.002, "output_cost_per_1k": 0.004, "cached_input_cost_per_1k": 0.0002},
    {"above": 5000, "input_cost_per_1k": 0.02, "output_cost_per_1k": 0.04},
]


def model(**fields: object) -> ModelAtEffort:
    base = {
        "model_id": "acme/one",
        "provider": "acme",
        "context_length": 10_000,
        "input_cost_per_1k": 0.001,
        "output_cost_per_1k": 0.002,
        "source_urls": ["https://example.com"],
        "source_quality": "official",
        "as_of": "2026-01-01",
    }
    return ModelAtEffort(Model.model_validate({**base, **fields}))


def pool(*candidates: ModelAtEffort) -> CandidatePool:
    return pool_of(candidates, fake_artifact().predictor, fit_lengths(candidates))


def cost(one: ModelAtEffort, read: int, written: int = 0, cached: int = 0, at: datetime = NOON) -> Costs:
    """What one candidate charges for a request."""
    return costs_of(prices_of([one], at), np.array([float(read)]), cached, np.array([float(written)]))


def total(one: ModelAtEffort, read: int, written: int = 0, cached: int = 0, at: datetime = NOON) -> float:
    return float(cost(one, read, written, cached, at).total[0])


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("window", "instant", "open_"),
    [
        (PEAK, "2026-11-23T06:00", True),
        (PEAK, "2026-11-23T09:59", True),
        (PEAK, "2026-11-23T10:00", False),
        (PEAK, "2026-11-23T05:59", False),
        (PEAK, "2026-11-25T07:00", False),
        (NIGHT, "2026-11-27T22:00", True),
        (NIGHT, "2026-11-27T23:00", True),
        (NIGHT, "2026-11-28T03:59", True),  # Saturday morning belongs to Friday's window
        (NIGHT, "2026-11-28T04:00", False),
        (NIGHT, "2026-11-27T03:00", False),
        (NIGHT, "2026-11-28T23:00", False),
    ],
)
def test_a_price_window_holds_from_its_start_to_its_end_on_its_days(
    window: dict[str, object], instant: str, open_: bool
) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    one = model(utc_price_overrides=[{**window, "input_cost_per_1k": 0.01, "output_cost_per_1k": 0.02}])
    assert total(one, 1000, 1000, at=at) == pytest.approx(0.03 if open_ else 0.003)


def test_a_pool_sees_its_prices_change_with_the_minute() -> None:
    one = model(utc_price_overrides=[{**PEAK, "input_cost_per_1k": 0.01, "output_cost_per_1k": 0.02}])
    made = pool(one)
    times = [datetime(2026, 11, 23, 5, 59, 59, tzinfo=UTC), datetime(2026, 11, 23, 6, 0, tzinfo=UTC)]
    assert [made.prices_at(at).base[0, 0] for at in times] == [0.001, 0.01]


def test_cost_is_tokens_times_the_price_of_a_thousand_part_by_part() -> None:
    parts = cost(model(), 500, 2000)
    assert [part[0] for part in (parts.input, parts.cached, parts.output, parts.total)] == pytest.approx(
        [0.0005, 0, 0.004, 0.0045]
    )


def test_what_a_cache_serves_is_paid_at_the_cached_price() -> None:
    one = model(cached_input_cost_per_1k=0.0001)
    parts = cost(one, 1000, cached=900)
    assert (parts.input[0], parts.cached[0]) == pytest.approx((0.0001, 0.00009))


def test_a_cache_serves_no_more_than_there_is_to_read() -> None:
    parts = cost(model(cached_input_cost_per_1k=0.0001), 1000, cached=10**9)
    assert (parts.input[0], parts.cached[0]) == pytest.approx((0, 0.0001))


def test_where_no_cached_price_is_known_a_cache_saves_nothing() -> None:
    assert total(model(), 1000, cached=900) == total(model(), 1000)


def test_a_long_request_is_priced_at_its_tier_as_a_whole() -> None:
    one = model(long_context=TIERS)
    assert total(one, 1000) == pytest.approx(0.001)  # at the size of a tier, not above it
    assert total(one, 1001) == pytest.approx(1001 * 0.002 / 1000)
    assert total(one, 5001, 100) == pytest.approx((5001 * 0.02 + 100 * 0.04) / 1000)
    assert total(one, 2000, cached=2000) == pytest.approx(2000 * 0.0002 / 1000)


def test_a_tier_touches_no_other_candidate() -> None:
    plain, tiered = model(), model(model_id="acme/two", long_context=TIERS)
    costs = costs_of(prices_of([plain, tiered], NOON), np.array([6000.0, 6000.0]), 0, np.zeros(2))
    assert costs.total.tolist() == pytest.approx([0.006, 0.12])
    # Nor does the place of one that has tiers itself: each counts its own tokens, and a tier begins above its size.
    other = model(model_id="acme/three", long_context=TIERS)
    costs = costs_of(prices_of([tiered, other], NOON), np.array([1000.0, 1001.0]), 0, np.zeros(2))
    assert costs.total.tolist() == pytest.approx([0.001, 1001 * 0.002 / 1000])
    costs = costs_of(prices_of([tiered, other], NOON), np.array([1001.0, 1000.0]), 0, np.zeros(2))
    assert costs.total.tolist() == pytest.approx([1001 * 0.002 / 1000, 0.001])


def test_prices_of_a_day_to_come_hold_from_that_day_on() -> None:
    one = model(prices=[{"from": "2026-12-01", "input_cost_per_1k": 0.005, "output_cost_per_1k": 0.03}])
    last, first = datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    assert total(one, 1000, at=last) == pytest.approx(0.001)
    assert total(one, 1000, at=first) == pytest.approx(0.005)


def test_a_price_that_is_not_known_is_not_nothing() -> None:
    unknown = {"price": "unknown", "input_cost_per_1k": None, "output_cost_per_1k": None}
    prices = prices_of([model(**unknown), model(model_id="acme/two")], NOON)
    assert prices.known.tolist() == [False, True]
    assert np.isnan(costs_of(prices, np.ones(2), 0, np.ones(2)).total).tolist() == [True, False]


@pytest.mark.usefixtures("in_tokyo")
def test_a_minute_is_counted_whole_in_any_zone_and_an_instant_without_one_is_utc() -> None:
    paris = timezone(timedelta(hours=1))
    assert minute_of(datetime(1970, 1, 1, 1, 2, 59, tzinfo=paris)) == 2
    assert minute_of(datetime(1970, 1, 1, 0, 2, 59)) == 2


def test_a_cost_is_told_in_seven_digits_and_keeps_its_size() -> None:
    values = np.exp(np.random.default_rng(0).uniform(-25, 5, 1000))
    short = rounded(values)
    assert np.abs(short / values - 1).max() < 5.1e-7
    assert max(len(repr(value)) for value in short.tolist()) <= 13
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rounded(np.array([0.0])).tolist() == [0.0]
    # From a fleet's bill to a part of a token: as many digits, as far as a double can tell them.
    assert rounded(np.array([123_456_789.4, 12_345_678.6, 12.345_678_9])).tolist() == [
        123_456_789,
        12_345_679,
        12.34568,
    ]
    assert rounded(np.array([1.234_567_89e-15, 1.234e-20])).tolist() == [1.234_568e-15, 1.23e-20]
    assert np.isnan(rounded(np.array([np.nan]))).tolist() == [True]


def test_input_tokens_follow_the_models_own_tokenizer_where_its_factor_is_known() -> None:
    made = pool(model(model_id="acme/a", input_token_factor=1.25), model(model_id="acme/b"))
    assert input_tokens(made, 100).tolist() == [125, 100]
    assert input_tokens(made, 0).tolist() == [1, 1]


def test_a_files_own_expectation_stands_where_the_kind_of_work_is_not_known() -> None:
    made = pool(model(model_id="acme/a", expected_output_tokens=900), model(model_id="acme/b"))
    assert made.typical_tokens.tolist() == pytest.approx([900, 512])


def test_what_a_cache_will_hold_is_paid_as_written_as_far_as_it_is_new() -> None:
    one = model(cached_input_cost_per_1k=0.0001, cache_write_cost_per_1k=0.00125)
    prices = prices_of([one], NOON)

    def paid(read: float, cached: int, kept: float) -> float:
        return float(costs_of(prices, np.array([read]), cached, np.zeros(1), np.array([kept])).total[0])

    # 400 are served, 300 more are written to the cache at its price, 300 are read and kept by nobody.
    assert paid(1000, 400, 700) == pytest.approx((400 * 0.0001 + 300 * 0.00125 + 300 * 0.001) / 1000)
    # What was there already is not written again, and no more can be kept than there is.
    assert paid(1000, 400, 200) == pytest.approx((400 * 0.0001 + 600 * 0.001) / 1000)
    assert paid(1000, 0, 5000) == pytest.approx(1000 * 0.00125 / 1000)


def test_a_call_that_was_made_is_priced_at_the_list_of_its_instant_by_any_of_the_models_names(
    write_registry: WriteRegistry,
) -> None:
    more = """aliases: [one]
cached_input_cost_per_1k: 0.0001
cache_write_cost_per_1k: 0.5
prices: [{from: 2026-12-01, input_cost_per_1k: 0.01, output_cost_per_1k: 0.02}]
"""
    unpriced = model_yaml("acme/free", 0.001, more="price: unknown").replace(
        "_cost_per_1k: 0.001000", "_cost_per_1k: null"
    )
    registry = load_registry(
        write_registry(
            {"one.yaml": model_yaml("acme/one", 0.001, more=more), "free.yaml": unpriced},
            {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/one, acme/free]\n"},
        )
    )
    usd = usd_of_usage(registry, "acme/one", NOON, 1000, 400, 70)
    # To the last digit, and nothing of it as written to a cache.
    assert usd == pytest.approx((600 * 0.001 + 400 * 0.0001 + 70 * 0.001) / 1000, rel=1e-12)
    assert usd_of_usage(registry, "one", NOON, 1000, 400, 70) == usd
    assert usd_of_usage(registry, "one", datetime(2026, 12, 1, tzinfo=UTC), 1000, 0, 70) == pytest.approx(0.0114)
    assert usd_of_usage(registry, "acme/free", NOON, 1000, 400, 70) is None
    assert usd_of_usage(registry, "acme/gone", NOON, 1000, 400, 70) is None
