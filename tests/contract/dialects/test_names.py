"""What gateways call our models and what we call theirs, and the answers in their names."""

from typing import Any

import pytest
from pointsman.dialects import plano, switchyard
from pointsman.dialects.naming import candidate_of, known_name, name_in, target_of
from pointsman.errors import RequestError, UnknownModel
from pointsman.registry import Registry, load_registry

from tests.conftest import WriteRegistry, model_yaml

SOL = """aliases: [sol]
gateway_names: {bedrock: acme.sol-v1, openrouter: acme-labs/sol}
default_effort: low
efforts:
  low: {request: {reasoning_effort: low}}
  high: {request: {reasoning_effort: high}}
"""


@pytest.fixture
def registry(write_registry: WriteRegistry) -> Registry:
    return load_registry(
        write_registry(
            {"sol.yaml": model_yaml("acme/sol", more=SOL), "luna.yaml": model_yaml("acme/luna", 0.0001, 40)},
            {
                "auto.yaml": "name: auto\ndescription: a\nmodels: [acme/sol, acme/luna]\nefforts: all\n"
                "names: bedrock\ntargets: {acme/sol@low: quick, acme/luna: cheap}\n"
            },
        )
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("acme/sol", ("acme/sol", None)),
        ("acme/sol@high", ("acme/sol", "high")),
        ("sol", ("acme/sol", None)),
        ("Acme/Sol", ("acme/sol", None)),
        ("acme.sol-v1", ("acme/sol", None)),
        ("bedrock/us.acme.sol-v1", ("acme/sol", None)),
        ("openrouter/acme-labs/sol:free", ("acme/sol", None)),
        ("acme/sol-2026-09-01", ("acme/sol", None)),
        ("acme/luna-20260901", ("acme/luna", None)),
        ("vertex_ai/acme/sol@20260901", ("acme/sol", None)),
        ("litellm_proxy/acme/sol@high", ("acme/sol", "high")),
        ("someone/sol", ("acme/sol", None)),
    ],
)
def test_a_gateways_name_is_known(registry: Registry, name: str, found: tuple[str, str | None]) -> None:
    assert candidate_of(registry, name) == found


def test_a_name_that_nobody_knows_is_refused_or_left_as_it_is(registry: Registry) -> None:
    with pytest.raises(UnknownModel, match="gpt-9"):
        candidate_of(registry, "openrouter/openai/gpt-9")
    assert known_name(registry, "openrouter/openai/gpt-9") == "openrouter/openai/gpt-9"
    assert known_name(registry, "sol@high") == "acme/sol@high"


def test_our_candidate_is_told_in_the_callers_names(registry: Registry) -> None:
    high = registry.candidate("acme/sol@high")
    assert name_in(high, None) == "acme/sol"
    assert name_in(high, "bedrock") == "acme.sol-v1"
    assert name_in(high, "azure") == "acme/sol"
    assert name_in(high, None, {"acme/sol": "sol"}) == "sol"
    targets = registry.config("auto").targets
    assert target_of(registry.candidate("acme/sol@low"), targets) == "quick"
    assert target_of(registry.candidate("acme/luna"), targets) == "cheap"
    assert target_of(high, targets) is None


DECISION: dict[str, Any] = {
    "id": "01KAQ3V9ZC8M0Y6W2N4T7R5B1D",
    "config": "auto",
    "calls": [{"model_id": "acme/sol", "effort": "low", "request": {}}],
    "fallbacks": [{"model_id": "acme/luna", "effort": None, "request": {}}],
}


@pytest.mark.parametrize(
    ("form", "extra"),
    [
        ("openai_chat", {"reasoning_effort": "low"}),
        ("openai_responses", {"reasoning": {"effort": "low"}}),
        ("anthropic_messages", {"output_config": {"effort": "low"}}),
    ],
)
def test_switchyards_answer_names_targets_and_carries_the_effort(registry: Registry, form: Any, extra: Any) -> None:
    answer = switchyard.answer(DECISION, registry, registry.config("auto"), form)
    assert answer == {
        "selected": {
            "target": "quick",
            "model": "acme.sol-v1",
            "llm_client": {"format": form},
            "extra_body": extra,
        },
        "fallbacks": [
            {"target": "cheap", "model": "acme/luna", "llm_client": {"format": form}, "extra_body": {}},
        ],
    }


def test_candidates_that_a_gateway_could_not_be_told_of_are_known(registry: Registry) -> None:
    config = registry.config("auto")
    candidates = registry.candidates(config)
    assert switchyard.without_target(candidates, config.targets) == ["acme/sol@high"]
    assert switchyard.without_target(candidates, {}) == []


def test_switchyards_envelope_says_its_format_and_holds_the_body() -> None:
    inner = {"model": "auto", "messages": [{"role": "user", "content": "a"}]}
    form, body, request = switchyard.read_envelope({"input_format": "openai_chat", "request": inner})
    assert (form, body, request.prompt) == ("openai_chat", inner, "a")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"request": {}}, "input_format"),
        ({"input_format": "cohere", "request": {}}, "input_format"),
        ({"input_format": ["openai_chat"], "request": {}}, "input_format"),
        ({"input_format": "openai_chat"}, "request"),
        ({"input_format": "openai_chat", "request": "a"}, "request"),
        ({"input_format": "openai_chat", "request": {"input": "a"}}, "messages"),
    ],
)
def test_an_envelope_that_makes_no_sense_is_refused_by_name(body: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        switchyard.read_envelope(body)
    assert raised.value.faults[0].field == field


def test_planos_answer_lists_models_in_the_order_they_are_to_be_tried(registry: Registry) -> None:
    answer = plano.answer(
        {**DECISION, "session": {"stayed": True, "switched": False}},
        registry,
        "openai_responses",
        None,
        {"acme/sol": "sol"},
        trace_id=None,
        session_id="s-1",
    )
    assert answer == {
        "models": ["sol", "acme/luna"],
        "route": "auto",
        "trace_id": "019aae3da7ec4501e37055268f82ac2d",
        "session_id": "s-1",
        "pinned": True,
        "switched": False,
        "calls": [
            {"model": "sol", "request": {"reasoning": {"effort": "low"}}},
            {"model": "acme/luna", "request": {}},
        ],
    }
