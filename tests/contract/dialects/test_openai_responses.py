"""Bodies of OpenAI Responses: what is read of them, and what is refused."""

from typing import Any

import pytest
from pointsman.dialects.reading import read
from pointsman.errors import RequestError
from pointsman.routing.image_tokens import Image

CALL = {"type": "function_call", "call_id": "call_1", "name": "search", "arguments": '{"q": "tides"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "At 14:05."}


def test_text_alone_is_the_question() -> None:
    request = read({"model": "gpt-5.5", "input": "What is 1+1?", "max_output_tokens": 90})
    assert (request.dialect, request.prompt, request.max_output_tokens) == ("openai_responses", "What is 1+1?", 90)


def test_instructions_items_and_their_parts_become_a_conversation() -> None:
    request = read(
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "What is a tide?"}]},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "The sea rising."}],
                },
                {"role": "user", "content": "Why?"},
            ],
        }
    )
    assert request.prompt == "System: Be brief.\n\nUser: What is a tide?\n\nAssistant: The sea rising.\n\nUser: Why?"
    assert request.current == "Why?"


def test_calls_results_reasoning_and_what_nobody_knows_yet_are_counted() -> None:
    request = read(
        {
            "input": [
                {"role": "user", "content": "When is high water?"},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Look it up."}]},
                CALL,
                RESULT,
                {"type": "web_search_call", "id": "ws_1", "action": {"query": "harbour"}},
                {"type": "image_generation_call", "id": "ig_1", "result": "AAAA" * 1000},
            ],
            "tools": [{"type": "function", "name": "search", "parameters": {"type": "object"}}],
            "text": {"format": {"type": "json_schema", "name": "tide", "schema": {}}},
        }
    )
    for said in ("tides", "At 14:05.", "Look it up.", "harbour", '"tide"'):
        assert said in request.whole
    assert "AAAA" not in request.whole
    assert request.supports == ("tools", "json")
    assert request.current == "When is high water?"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "file_search_call", "id": "1", "queries": ["harbour"]},
        {"type": "mcp_call", "id": "1", "name": "harbour", "arguments": "{}", "server_label": "a"},
        {"type": "compaction", "encrypted_content": "AAAA", "id": "harbour"},
        {"type": "program", "id": "1", "code": "harbour"},
        {"type": "item_reference", "id": "harbour"},
        {"id": "harbour"},
        {"type": None, "id": "harbour"},
    ],
)
def test_every_item_that_the_provider_knows_is_counted(item: dict[str, Any]) -> None:
    request = read({"input": [{"role": "user", "content": "Go on."}, item]})
    assert "harbour" in request.whole
    assert "AAAA" not in request.whole
    assert request.current == "Go on."


@pytest.mark.parametrize("elsewhere", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_beside_a_conversation_that_the_provider_keeps_an_item_of_any_type_is_counted(
    elsewhere: dict[str, str],
) -> None:
    request = read(
        {"input": [{"role": "user", "content": "Go on."}, {"type": "telepathy", "x": "harbour"}], **elsewhere}
    )
    assert "harbour" in request.whole


def test_images_audio_and_files_are_counted_as_such() -> None:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA"},
    ]
    request = read({"input": [{"role": "user", "content": parts}]})
    assert request.images == (Image(detail="high"), Image())
    assert request.modalities == ("image", "audio", "file")


def test_a_picture_that_a_tool_gives_is_an_image() -> None:
    shot = {"type": "computer_call_output", "call_id": "c", "output": {"type": "s", "image_url": "https://a.example/b"}}
    call = {"type": "computer_call", "call_id": "c", "action": {"type": "screenshot"}}
    request = read({"input": [{"role": "user", "content": "Look."}, call, shot]})
    assert len(request.images) == 1


def test_a_result_may_answer_a_call_that_lies_with_the_provider() -> None:
    assert read({"input": [RESULT], "previous_response_id": "resp_1"}).messages[0].text == "At 14:05."


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"input": None}, "input", "null"),
        ({}, "input", "missing"),
        ({"input": 5}, "input", "not a list but a number"),
        ({"input": []}, "input", "an empty list"),
        ({"input": ""}, "input", "no message has any content"),
        ({"input": ["a"]}, "input.0", "not an object"),
        ({"input": [{"content": "a"}]}, "input.0.role", "unknown role"),
        ({"input": [{"role": "tool", "content": "a"}]}, "input.0.role", "unknown role"),
        ({"input": [{"role": "user", "content": None}]}, "input.0.content", "null"),
        ({"input": [{"role": "user"}]}, "input.0.content", "missing"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input.0.content.0.text", "not text"),
        ({"input": [{"role": "user", "content": [{}]}]}, "input.0.content.0.type", "missing"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input.0.call_id", "not text but null"),
        ({"input": [RESULT]}, "input.0.call_id", "a result without a call"),
        ({"input": [RESULT, CALL]}, "input.0.call_id", "a result without a call"),
        ({"input": [CALL, {**RESULT, "output": None}]}, "input.1.output", "null"),
        ({"input": [{"type": 5}]}, "input.0.type", "not text"),
        ({"input": "a", "instructions": 5}, "instructions", "not text but a number"),
        ({"input": "a", "tools": "b"}, "tools", "not a list"),
        ({"input": "a", "max_output_tokens": -1}, "max_output_tokens", "not a whole number of at least 1"),
    ],
)
def test_input_that_makes_no_sense_is_refused_by_name(body: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(body, "openai_responses")
    (fault,) = raised.value.faults
    assert (fault.field, said in fault.message) == (field, True), fault
    assert fault.remedy


@pytest.mark.parametrize(
    ("kind", "remedy"), [("mesage", "Did you mean 'message'?"), ("telepathy", "Send a message, or one of: ")]
)
def test_an_item_of_a_type_that_nobody_knows_is_refused_since_it_might_be_the_request(kind: str, remedy: str) -> None:
    with pytest.raises(RequestError) as raised:
        read({"input": [{"role": "user", "content": "a"}, {"type": kind, "role": "user", "content": "b"}]})
    (fault,) = raised.value.faults
    assert (fault.field, fault.message, fault.value) == ("input.1.type", "unknown type of item", kind)
    assert fault.remedy.startswith(remedy)
