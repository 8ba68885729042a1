"""Costs: tokens times price, at the prices of the hour."""

from datetime import UTC, datetime

import numpy as np
import pytest
from pointsman.registry import Model
from pointsman.routing.candidates import input_tokens, output_tokens, pool_of
from pointsman.routing.pricing import cost_usd, prices_at

from tests.fakes import fake_artifact

PREDICTOR = fake_artifact().predictor
NIGHT = {"utc_start": "22:00", "utc_end": "04:00", "utc_days": ["friday"]}
PEAK = {"utc_start": "06:00", "utc_end": "10:00", "utc_days": ["monday", "tuesday"]}


def model(**fields: object) -> Model:
    base = {
        "model_id": "acme/one",
        "provider": "acme",
        "context_length": 1000,
        "input_cost_per_1k": 0.001,
        "output_cost_per_1k": 0.002,
        "source_urls": ["https://example.com"],
        "source_quality": "official",
        "as_of": "2026-01-01",
    }
    return Model.model_validate({**base, **fields})


def with_window(window: dict[str, object]) -> Model:
    prices = {"input_cost_per_1k": 0.01, "output_cost_per_1k": 0.02}
    return model(utc_price_overrides=[{**window, **prices}])


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("window", "instant", "open_"),
    [
        (PEAK, "2026-11-23T06:00", True),
        (PEAK, "2026-11-23T09:59", True),
        (PEAK, "2026-11-23T10:00", False),
        (PEAK, "2026-11-23T05:59", False),
        (PEAK, "2026-11-25T07:00", False),
        (NIGHT, "2026-11-27T23:00", True),
        (NIGHT, "2026-11-28T03:59", True),  # Saturday morning belongs to Friday's window
        (NIGHT, "2026-11-27T03:00", False),
        (NIGHT, "2026-11-28T23:00", False),
    ],
)
def test_a_price_window_holds_from_its_start_to_its_end_on_its_days(
    window: dict[str, object], instant: str, open_: bool
) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert prices_at(with_window(window), at) == ((0.01, 0.02) if open_ else (0.001, 0.002))


def test_cost_is_tokens_times_the_price_of_a_thousand() -> None:
    cost = cost_usd(np.array([[0.001], [0.002]]), np.array([500]), np.array([2000]))
    assert cost.tolist() == pytest.approx([0.0005 + 0.004])


def test_output_tokens_come_from_the_model_then_the_request_then_the_default() -> None:
    pool = pool_of(
        [model(model_id="acme/a", expected_output_tokens=900), model(model_id="acme/b")], fake_artifact().predictor
    )
    assert output_tokens(pool, 100).tolist() == [900, 100]
    assert output_tokens(pool, None).tolist() == [900, 512]


def test_a_harder_prompt_makes_a_models_own_expectation_longer_and_no_other() -> None:
    pool = pool_of(
        [model(model_id="acme/a", expected_output_tokens=900), model(model_id="acme/b")], fake_artifact().predictor
    )
    assert output_tokens(pool, None, length_factor=1.5).tolist() == [1350, 512]


def test_input_tokens_follow_the_models_own_tokenizer_where_its_factor_is_known() -> None:
    pool = pool_of(
        [model(model_id="acme/a", input_token_factor=1.25), model(model_id="acme/b")], fake_artifact().predictor
    )
    assert input_tokens(pool, 100).tolist() == [125, 100]
    assert input_tokens(pool, 0).tolist() == [1, 1]
