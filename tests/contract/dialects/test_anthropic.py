"""Bodies of Anthropic Messages, as SDKs and Claude Code send them: what is read of them, and what is refused."""

from typing import Any

import pytest
from pointsman.dialects.reading import read
from pointsman.errors import RequestError

USE = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": "tides"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "At 14:05."}
TOOL = {"name": "search", "description": "Looks things up.", "input_schema": {"type": "object"}}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-5", "max_tokens": 512, "messages": list(messages), **more}


def says(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_system_and_turns_become_a_conversation() -> None:
    request = read(
        body(
            says("user", "What is a tide?"),
            says("assistant", [{"type": "text", "text": "The sea rising."}]),
            says("user", [{"type": "text", "text": "Why?"}]),
            system=[{"type": "text", "text": "Be brief."}],
        )
    )
    assert request.dialect == "anthropic_messages"
    assert request.prompt == "System: Be brief.\n\nUser: What is a tide?\n\nAssistant: The sea rising.\n\nUser: Why?"
    assert (request.current, request.max_output_tokens) == ("Why?", 512)


def test_calls_results_and_thoughts_are_counted_and_what_is_encrypted_is_not() -> None:
    thought = {"type": "thinking", "thinking": "Look it up.", "signature": "S" * 500}
    request = read(
        body(
            says("user", "When is high water?"),
            says("assistant", [thought, {"type": "redacted_thinking", "data": "D" * 500}, USE]),
            says("user", [RESULT, {"type": "text", "text": "And tomorrow?"}]),
            tools=[TOOL],
        )
    )
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "user"]
    assert request.supports == ("tools",)
    for said in ("tides", "At 14:05.", "Look it up.", "Looks things up."):
        assert said in request.whole
    assert "SSSS" not in request.whole
    assert "DDDD" not in request.whole
    assert request.current == "And tomorrow?"


def test_a_turn_that_only_gives_results_leaves_the_question_as_it_was() -> None:
    request = read(body(says("user", "When?"), says("assistant", [USE]), says("user", [RESULT])))
    assert (request.current, request.messages[-1].role) == ("When?", "tool")


def test_images_documents_and_schemas_ask_for_a_model_that_takes_them() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 4000}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "B" * 4000}}
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A handbook."}}
    form = {"type": "json_schema", "schema": {"title": "tide"}}
    request = read(
        body(says("user", [picture, pdf, text, {"type": "text", "text": "Go."}]), output_config={"format": form})
    )
    assert (request.modalities, len(request.images)) == (("image", "file"), 1)
    assert request.supports == ("json",)
    assert "A handbook." in request.whole
    assert "AAAA" not in request.whole
    assert "BBBB" not in request.whole


def test_a_picture_within_a_result_is_an_image() -> None:
    shot = {**RESULT, "content": [{"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}]}
    request = read(body(says("user", "Look."), says("assistant", [USE]), says("user", [shot])))
    assert request.modalities == ("image",)


def test_marks_to_cache_say_how_far_they_reach_and_how_long() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "A handbook.", **mark}]
    request = read(body(says("user", "one"), says("assistant", "two"), says("user", "three"), system=system))
    assert (request.marked_chars, request.cache_s) == (len("A handbook."), 300)
    moved = read(
        body(
            says("user", "one"),
            says("assistant", "two"),
            says("user", [{"type": "text", "text": "three", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
            system=system,
        )
    )
    assert (moved.marked_chars, moved.cache_s) == (len(moved.whole), 3600)
    tools = read(body(says("user", "one"), tools=[{**TOOL, **mark}]))
    assert tools.marked_chars == len(tools.tools)
    whole = read(body(says("user", "one"), says("assistant", "two"), says("user", "three"), **mark))
    assert whole.marked_chars == len(whole.whole)
    results = read(
        body(
            says("user", "one"),
            says("assistant", [USE]),
            says("user", [RESULT, {"type": "text", "text": "b", **mark}]),
        )
    )
    assert results.marked_chars == len(results.whole)


def test_blocks_that_nobody_knows_yet_are_let_through_and_counted() -> None:
    request = read(body(says("user", [{"type": "text", "text": "a"}, {"type": "novel", "novel": "harbour"}])))
    assert request.prompt == "a"
    assert "harbour" in request.whole


@pytest.mark.parametrize(
    ("messages", "field", "said"),
    [
        (None, "messages", "missing or null"),
        ([], "messages", "an empty list"),
        ([says("assistant", "a")], "messages.0.role", "the assistant speaks first"),
        ([says("system", "a"), says("user", "b")], "messages.0.role", "system"),
        ([says("tool", "a")], "messages.0.role", "unknown role"),
        ([says("user", None)], "messages.0.content", "null"),
        ([{"role": "user"}], "messages.0.content", "missing"),
        ([says("user", 5)], "messages.0.content", "neither text nor a list"),
        ([says("user", [5])], "messages.0.content.0", "not an object but a number"),
        ([says("user", [{"type": "text"}])], "messages.0.content.0.text", "not text but null"),
        ([says("user", [{"text": "a"}])], "messages.0.content.0.type", "missing"),
        ([says("user", [RESULT])], "messages.0.content.0.tool_use_id", "a result without a call"),
        ([says("user", "a"), says("assistant", [{"type": "tool_use"}])], "messages.1.content.0.id", "not text"),
        (
            [says("user", "a"), says("assistant", [USE]), says("user", [{**RESULT, "content": 5}])],
            "messages.2.content.0.content",
            "neither text nor a list",
        ),
    ],
)
def test_messages_that_make_no_sense_are_refused_by_name(messages: Any, field: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        read({"messages": messages, "max_tokens": 9}, "anthropic_messages")
    (fault,) = raised.value.faults
    assert (fault.field, said in fault.message) == (field, True), fault
    assert fault.remedy


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"system": 5}, "system"),
        ({"system": [{"type": "text"}]}, "system.0.text"),
        ({"tools": "search"}, "tools"),
        ({"tools": ["search"]}, "tools.0"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_is_read_beside_the_messages_must_make_sense(more: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        read({**body(says("user", "a")), **more}, "anthropic_messages")
    assert raised.value.faults[0].field == field


def test_a_gateway_that_took_the_calls_away_is_let_through() -> None:
    lenient = read(body(says("system", "a"), says("user", [RESULT])), "anthropic_messages", lenient=True)
    assert lenient.messages[-1].text == "At 14:05."
