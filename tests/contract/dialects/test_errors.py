"""Errors in the shapes of OpenAI and Anthropic, by the route that a caller calls."""

import pytest
from pointsman.dialects.errors import shape_of, shaped
from pointsman.errors import (
    Fault,
    HistoryUnavailable,
    NoCandidate,
    PayloadTooLarge,
    PointsmanError,
    RequestError,
    UnknownConfig,
)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/decision", "openai"),
        ("/routing/v1/chat/completions", "openai"),
        ("/routing/v1/responses", "openai"),
        ("/routing/v1/messages", "anthropic"),
        ("/routing/v1/nothing", "openai"),
        ("/api/route", None),
        ("/v1/decisions", None),
        ("/", None),
    ],
)
def test_a_route_answers_in_the_shape_of_its_callers(path: str, shape: str | None) -> None:
    assert shape_of(path) == shape


@pytest.mark.parametrize(
    ("error", "status", "openai_type", "code", "anthropic_type"),
    [
        (
            RequestError("messages: null. Send a list.", [Fault("messages", "null", "Send a list.")]),
            400,
            "invalid_request_error",
            "invalid_request",
            "invalid_request_error",
        ),
        (UnknownConfig("There is no config."), 404, "invalid_request_error", "model_not_found", "not_found_error"),
        (NoCandidate("None is left."), 400, "invalid_request_error", "no_candidate", "invalid_request_error"),
        (PayloadTooLarge("Too large."), 413, "invalid_request_error", "payload_too_large", "request_too_large"),
        (HistoryUnavailable("Later."), 503, "server_error", "history_unavailable", "overloaded_error"),
        (PointsmanError("Ours."), 500, "server_error", "internal", "api_error"),
    ],
)
def test_errors_say_the_same_in_either_shape(
    error: PointsmanError, status: int, openai_type: str, code: str, anthropic_type: str
) -> None:
    told, document = shaped(error.problem(), "openai")
    param = error.faults[0].field if error.faults else None
    assert (told, document) == (
        status,
        {"error": {"message": error.detail, "type": openai_type, "param": param, "code": code}},
    )
    told, document = shaped(error.problem(), "anthropic")
    assert (told, document) == (
        status,
        {"type": "error", "error": {"type": anthropic_type, "message": error.detail}},
    )
