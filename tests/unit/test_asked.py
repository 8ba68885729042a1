"""What a request asks: nonsense and what goes beyond the config is refused by name, with value and remedy."""

from typing import Any

import pytest
from pointsman.errors import NoCandidate, RequestError, UnknownEffort, UnknownModel
from pointsman.registry import RouterConfig
from pointsman.routing.asked import Asked, bars_of

from tests.conftest import MakeRouter


def config(**fields: Any) -> RouterConfig:
    return RouterConfig.model_validate({"name": "c", "description": "c", "models": ["acme/a", "acme/b@low"], **fields})


def refusal(config_fields: dict[str, Any], **asked: Any) -> tuple[str, str, str]:
    """The field, the value and the remedy of what a config refuses."""
    with pytest.raises(RequestError) as raised:
        bars_of(Asked(**asked), config(**config_fields))
    (fault,) = raised.value.faults
    assert "'c' allows" in fault.message
    return fault.field, fault.value or "", fault.remedy


@pytest.mark.parametrize(
    ("asked", "field", "value", "remedy"),
    [
        ({"threshold": 70}, "threshold", "70", "from 0 to 1: 0.7"),
        ({"threshold": -1}, "threshold", "-1", "from 0 to 1"),
        ({"threshold": float("nan")}, "threshold", "nan", "a share from 0 to 1"),
        ({"threshold": "high"}, "threshold", "high", "a share from 0 to 1"),
        ({"within": 3}, "within", "3", "0.03"),
        ({"worth_usd": 0}, "worth_usd", "0", "above 0"),
        ({"worth_usd": float("inf")}, "worth_usd", "inf", "above 0"),
        ({"max_cost_usd": -1}, "max_cost_usd", "-1", "above 0"),
        ({"max_latency_s": True}, "max_latency_s", "True", "above 0"),
        ({"models": []}, "models", "[]", "at least one"),
        ({"models": "acme/weak"}, "models", "acme/weak", "a list"),
        ({"models": ["acme/weak"] * 1001}, "models", None, "at most 1,000"),
        ({"efforts": []}, "efforts", "[]", "at least one"),
        ({"exclude": [1]}, "exclude", "[1]", "a list"),
        ({"max_output_tokens": 0}, "max_output_tokens", "0", "at least 1"),
        ({"cached_input_tokens": -5}, "cached_input_tokens", "-5", "at least 0"),
        ({"images": 1.5}, "images", "1.5", "at least 0"),
        ({"supports": ["tool"]}, "supports.0", "tool", "'tools'"),
        ({"preferred_input_modalities": ["smell"]}, "preferred_input_modalities.0", "smell", "text, image"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_remedy(
    make_router: MakeRouter, asked: dict[str, Any], field: str, value: str | None, remedy: str
) -> None:
    with pytest.raises(RequestError) as raised:
        make_router().decide("hello", **asked)
    (fault,) = raised.value.faults
    assert (fault.field, fault.value) == (field, value)
    assert remedy in fault.remedy


def test_every_fault_of_a_request_is_told_at_once(make_router: MakeRouter) -> None:
    with pytest.raises(RequestError) as raised:
        make_router().decide("hello", threshold=70, worth_usd=0, models=[])
    assert [fault.field for fault in raised.value.faults] == ["threshold", "worth_usd", "models"]


def test_a_name_that_stands_for_nothing_is_refused_at_its_place(make_router: MakeRouter) -> None:
    with pytest.raises(UnknownModel, match=r"models\.1: .*acme/weak"):
        make_router().decide("hello", models=["middle", "acme/weka"])
    with pytest.raises(UnknownModel, match=r"exclude\.0: .*acme/middle"):
        make_router().decide("hello", exclude=["acme/mdidle"])
    with pytest.raises(UnknownModel, match="has no effort 'high'"):
        make_router().decide("hello", models=["acme/weak@high"])
    with pytest.raises(UnknownEffort, match=r"efforts\.0"):
        make_router().decide("hello", efforts=["high"])


def test_a_request_that_excludes_everything_is_refused(make_router: MakeRouter) -> None:
    with pytest.raises(NoCandidate, match="is excluded by the request"):
        make_router().decide("hello", "strong", exclude=["acme/strong"])


def test_what_goes_beyond_the_bounds_of_a_config_is_refused_by_name() -> None:
    bounds = {"min_threshold": 0.6, "max_worth_usd": 1, "max_cost_usd": 0.1, "max_latency_s": 60}
    bounded = {"bounds": {**bounds, "own_models_only": True}, "efforts": ["low"], "within": 0.03}
    assert refusal(bounded, threshold=0.5) == ("threshold", "0.5", "Ask for at least 0.6.")
    assert refusal(bounded, worth_usd=2) == ("worth_usd", "2", "Ask for at most 1, or leave it out.")
    assert refusal(bounded, max_cost_usd=0.2) == ("max_cost_usd", "0.2", "Ask for at most 0.1, or leave it out.")
    assert refusal(bounded, max_latency_s=61) == ("max_latency_s", "61", "Ask for at most 60, or leave it out.")
    assert refusal(bounded, within=0.1) == ("within", "0.1", "Ask for at most 0.03, or leave it out.")
    assert refusal(bounded, models=["acme/a", "acme/c"])[:2] == ("models.1", "acme/c")
    assert refusal(bounded, efforts=["low", "max"]) == ("efforts.1", "max", "Use one of: low.")
    assert refusal({"strict_supports": True}, strict_supports=False)[0] == "strict_supports"


def test_what_stays_within_the_bounds_is_done() -> None:
    bounds = {"min_threshold": 0.6, "max_worth_usd": 1, "max_cost_usd": 0.1, "own_models_only": True}
    asked = Asked(threshold=0.6, worth_usd=1, max_cost_usd=0.05, models=["acme/b@high", "acme/a"])
    bars = bars_of(asked, config(bounds=bounds))
    assert (bars.completion_threshold, bars.worth_usd, bars.max_cost_usd) == (0.6, 1, 0.05)
    assert bars_of(Asked(), config(bounds=bounds)).max_cost_usd == 0.1


def test_a_worth_asks_for_the_value_policy_and_a_threshold_for_its_own() -> None:
    by_value = config(policy="value", worth_usd=0.5, worth_of_a_second=0.01)
    for asked, of, policy, threshold, worth, second in [
        (Asked(), config(), "threshold", 0.7, None, 0),
        (Asked(threshold=0.9), config(), "threshold", 0.9, None, 0),
        (Asked(worth_usd=2), config(), "value", 0, 2, 0),
        (Asked(threshold=0.9, worth_usd=2), config(), "value", 0.9, 2, 0),
        (Asked(), by_value, "value", 0, 0.5, 0.01),
        (Asked(worth_usd=2), by_value, "value", 0, 2, 0.01),
        (Asked(threshold=0.9), by_value, "threshold", 0.9, None, 0),
    ]:
        bars = bars_of(asked, of)
        told = bars.policy, bars.completion_threshold, bars.worth_usd, bars.worth_of_a_second
        assert told == (policy, threshold, worth, second)


def test_too_many_sets_are_refused_before_they_are_looked_at(make_router: MakeRouter) -> None:
    router = make_router()
    pairs = RouterConfig.model_validate({"name": "p", "description": "p", "models": ["acme/weak"], "max_k": 3})
    for i in range(60):
        router.add_model({**ONE, "model_id": f"maker/m{i}"})
    router.registry = type(router.registry)(router.registry.models, {**router.registry.configs, "p": pairs}, "d")
    with pytest.raises(RequestError, match=r"models: 60 candidates in sets of up to 3") as raised:
        router.decide("hello", "p", models=[f"maker/m{i}" for i in range(60)])
    assert raised.value.faults[0].field == "models"


ONE: dict[str, Any] = {
    "provider": "maker",
    "context_length": 100_000,
    "input_cost_per_1k": 0.001,
    "output_cost_per_1k": 0.001,
    "source_urls": ["https://example.com"],
    "source_quality": "official",
    "as_of": "2026-01-01",
}
