"""The gateways' routes as Lambda calls them, with sessions in the table."""

import json
from typing import Any

import pytest

from tests.functions.conftest import Context, event

TALK = {"messages": [{"role": "user", "content": "What is 1+1?"}]}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/decision", {"input_format": "openai_chat", "request": {"model": "auto", **TALK}}, "selected"),
        ("/routing/v1/chat/completions", TALK, "models"),
        ("/routing/v1/responses", {"input": "What is 1+1?"}, "models"),
        ("/routing/v1/messages", {**TALK, "max_tokens": 4096}, "models"),
    ],
)
def test_the_function_speaks_the_gateways_dialects(route: Any, path: str, body: Any, expected: str) -> None:
    answer = route(event("POST", path, body), Context())
    assert answer["statusCode"] == 200, answer["body"]
    assert expected in json.loads(answer["body"])
    assert answer["headers"]["x-pointsman-decision-id"]


def test_it_refuses_in_their_shapes(route: Any) -> None:
    openai = route(event("POST", "/v1/decision", {"input_format": "cohere"}), Context())
    assert (openai["statusCode"], "error" in json.loads(openai["body"])) == (400, True)
    anthropic = route(event("POST", "/routing/v1/messages", {"messages": []}), Context())
    assert (anthropic["statusCode"], json.loads(anthropic["body"])["type"]) == (400, "error")


def test_a_conversation_is_remembered_in_the_table(route: Any) -> None:
    asked = event("POST", "/api/route", {**TALK, "session_id": "s-1"})
    turns = [json.loads(route(asked, Context())["body"])["session"]["turn"] for _ in range(2)]
    assert turns == [1, 2]
