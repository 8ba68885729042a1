"""Our own fields in a body or in headers, whose conversation it is, and what a route is called."""

import pytest
from pointsman.dialects.fields import config_named, idempotency_key_of, own_fields, session_id_of, trace_id_of
from pointsman.errors import RequestError

KINDS = {
    "threshold": "number",
    "config": "text",
    "models": "list",
    "max_output_tokens": "whole",
    "strict_supports": "flag",
}


def test_our_fields_are_found_in_the_body_and_in_headers_and_the_body_wins() -> None:
    headers = {
        "x-pointsman-threshold": "0.8",
        "x-pointsman-models": "a/b, c/d@low,",
        "x-pointsman-strict-supports": "True",
        "x-pointsman-max-output-tokens": "4096",
        "x-pointsman-config": " auto ",
        "user-agent": "x",
    }
    assert own_fields({"config": "cheap", "messages": [], "temperature": 1}, headers, KINDS) == {
        "config": "cheap",
        "threshold": 0.8,
        "models": ["a/b", "c/d@low"],
        "strict_supports": True,
        "max_output_tokens": 4096,
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-pointsman-threshold", "much"),
        ("x-pointsman-max-output-tokens", "1_000"),
        ("x-pointsman-strict-supports", "yes"),
        ("x-pointsman-treshold", "0.8"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused_by_name(header: str, value: str) -> None:
    with pytest.raises(RequestError) as raised:
        own_fields({}, {header: value}, KINDS)
    assert raised.value.faults[0].field == header


def test_the_conversation_is_the_bodys_or_that_of_the_surest_header() -> None:
    headers = {"x-model-affinity": "d", "session-id": "c", "x-session-id": " b ", "x-claude-code-session-id": ""}
    assert session_id_of({"session_id": "a"}, headers) == "a"
    assert session_id_of({}, headers) == "b"
    assert session_id_of({}, {**headers, "x-switchyard-session-id": "s"}) == "s"
    assert session_id_of({}, {"x-session-id": "  "}) is None
    assert session_id_of({"session_id": None}, {}) is None


@pytest.mark.parametrize(
    ("body", "headers", "field"),
    [
        ({"session_id": "x" * 10_240}, {}, "session_id"),
        ({"session_id": 5}, {}, "session_id"),
        ({}, {"x-session-id": "x" * 257}, "x-session-id"),
    ],
)
def test_what_cannot_be_an_id_is_refused(body: dict[str, object], headers: dict[str, str], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        session_id_of(body, headers)
    (fault,) = raised.value.faults
    assert fault.field == field
    assert len(fault.value or "") < 110


def test_a_key_of_a_retried_request_is_short() -> None:
    assert idempotency_key_of({"idempotency-key": " k "}) == "k"
    assert idempotency_key_of({}) is None
    with pytest.raises(RequestError):
        idempotency_key_of({"idempotency-key": "k" * 257})


def test_a_model_may_name_a_config() -> None:
    configs = {"auto": 1}
    assert config_named("auto", configs) == "auto"
    assert config_named("pointsman/auto", configs) == "auto"
    assert config_named("gpt-5.5", configs) is None
    assert config_named(None, configs) is None


def test_a_trace_is_taken_up_where_it_is_one() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert trace_id_of({"traceparent": f"00-{trace}-b7ad6b7169203331-01"}) == trace
    assert trace_id_of({"traceparent": "nonsense"}) is None
    assert trace_id_of({}) is None
