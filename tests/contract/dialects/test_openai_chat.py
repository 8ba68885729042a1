"""Bodies of OpenAI Chat Completions, as SDKs and gateways send them: what is read of them, and what is refused."""

import base64
import struct
from typing import Any

import pytest
from pointsman.dialects.reading import dialect_of, read
from pointsman.errors import RequestError
from pointsman.routing.image_tokens import Image

TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "tides"}'}}


def chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-5.5", "messages": list(messages), **more}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def png(width: int, height: int) -> str:
    data = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(64)
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_one_message_is_read_as_it_is() -> None:
    request = read(chat(user("What is 1+1?")))
    assert (request.dialect, request.prompt, request.current) == ("openai_chat", "What is 1+1?", "What is 1+1?")
    assert (request.supports, request.modalities, request.max_output_tokens) == ((), (), None)
    assert request.model == "gpt-5.5"


def test_a_conversation_is_told_with_who_speaks_and_the_last_question_is_what_is_asked() -> None:
    request = read(
        chat(
            {"role": "developer", "content": "Be brief."},
            user("What is a tide?"),
            {"role": "assistant", "content": "The sea rising and falling."},
            user([{"type": "text", "text": "Why"}, {"type": "text", "text": "does it rise?"}]),
        )
    )
    assert request.prompt == (
        "System: Be brief.\n\nUser: What is a tide?\n\nAssistant: The sea rising and falling.\n\n"
        "User: Why\ndoes it rise?"
    )
    assert request.current == "Why\ndoes it rise?"


def test_tools_calls_and_results_are_counted_and_ask_for_a_model_with_tools() -> None:
    request = read(
        chat(
            user("When is high water?"),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "At 14:05."},
            tools=[TOOL],
        )
    )
    assert request.supports == ("tools",)
    assert [message.role for message in request.messages] == ["user", "assistant", "tool"]
    assert request.whole.startswith('[{"type":"function"')
    assert "tides" in request.whole
    assert "At 14:05." in request.whole
    assert "tides" not in request.prompt
    assert request.current == "When is high water?"


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "tide"}}])
def test_an_answer_in_json_asks_for_a_model_that_gives_it(form: dict[str, Any]) -> None:
    request = read(chat(user("When?"), response_format=form))
    assert request.supports == ("json",)
    assert ("tide" in request.whole) == (form["type"] == "json_schema")
    assert read(chat(user("When?"), response_format={"type": "text"})).supports == ()


def test_images_are_counted_by_their_size_and_never_by_their_letters() -> None:
    picture = {"type": "image_url", "image_url": {"url": png(640, 480), "detail": "low"}}
    far = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    request = read(chat(user([{"type": "text", "text": "What is this?"}, picture, far])))
    assert request.images == (Image(640, 480, "low"), Image())
    assert request.modalities == ("image",)
    assert request.whole == "What is this?"


def test_audio_files_and_video_ask_for_a_model_that_takes_them() -> None:
    parts = [
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ]
    request = read(chat(user([{"type": "text", "text": "Listen."}, *parts])))
    assert request.modalities == ("audio", "file", "video")
    assert request.attachment_tokens == 14_000


def test_the_limit_of_the_call_is_read_under_either_name() -> None:
    assert read(chat(user("a"), max_completion_tokens=50, max_tokens=90)).max_output_tokens == 50
    assert read(chat(user("a"), max_tokens=90)).max_output_tokens == 90
    assert read(chat(user("a"), max_tokens=None)).max_output_tokens is None


def test_what_is_not_ours_to_read_is_let_through() -> None:
    body = chat(user("a"), temperature=9, seed="x", plugins=[{"id": "web"}], provider={"order": ["a"]})
    assert read(body).prompt == "a"
    assert read(chat(user([{"type": "text", "text": "a"}, {"type": "novel", "novel": {"x": 1}}]))).prompt == "a"


def test_a_mark_to_cache_says_how_far_it_reaches() -> None:
    marked = {"type": "text", "text": "A long handbook.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    request = read(chat({"role": "system", "content": [marked]}, user("And now?")))
    assert (request.marked_chars, request.cache_s) == (len("A long handbook."), 3600)
    assert read(chat(user("a"))).marked_chars is None
    assert read(chat(user("a"), cache_control={"type": "ephemeral"})).marked_chars == 1


def test_what_stays_the_same_through_a_conversation_is_tools_system_and_the_first_question() -> None:
    first = [{"role": "system", "content": "S"}, user("one")]
    later = [*first, {"role": "assistant", "content": "two"}, user("three")]
    assert read(chat(*first, tools=[TOOL])).stable == read(chat(*later, tools=[TOOL])).stable
    assert read(chat(*first)).stable != read(chat(*first, tools=[TOOL])).stable


def test_an_assistant_that_only_calls_refuses_or_speaks_says_nothing() -> None:
    for said in ({"tool_calls": [CALL]}, {"refusal": "No."}, {"audio": {"id": "a"}}, {"function_call": {"name": "f"}}):
        request = read(chat(user("a"), {"role": "assistant", "content": None, **said}, user("b")))
        assert request.current == "b"


def test_two_thousand_messages_are_read() -> None:
    request = read(chat(*[user("a"), {"role": "assistant", "content": "b"}] * 1000))
    assert len(request.messages) == 2000


@pytest.mark.parametrize(
    ("messages", "field", "said"),
    [
        ("hello", "messages", "not a list but text"),
        (None, "messages", "missing or null"),
        ([], "messages", "an empty list"),
        (["hello"], "messages.0", "not an object but text"),
        ([user("a")] * 10_001, "messages", "10,001 messages"),
        ([{"content": "a"}], "messages.0.role", "unknown role"),
        ([{"role": "robot", "content": "a"}], "messages.0.role", "unknown role"),
        ([{"role": ["user"], "content": "a"}], "messages.0.role", "unknown role"),
        ([user(None)], "messages.0.content", "null"),
        ([{"role": "user"}], "messages.0.content", "missing"),
        ([user("a"), {"role": "assistant", "content": None}], "messages.1.content", "null"),
        ([user(5)], "messages.0.content", "neither text nor a list"),
        ([user({"type": "text", "text": "a"})], "messages.0.content", "neither text nor a list"),
        ([user(["a"])], "messages.0.content.0", "not an object but text"),
        ([user([{"text": "a"}])], "messages.0.content.0.type", "missing"),
        ([user([{"type": "text", "text": None}])], "messages.0.content.0.text", "not text but null"),
        ([user([{"type": "image_url"}])], "messages.0.content.0.image_url.url", "not text but null"),
        ([{"role": "tool", "content": "a"}], "messages.0.tool_call_id", "missing"),
        (
            [user("a"), {"role": "tool", "tool_call_id": "call_1", "content": "b"}],
            "messages.1.tool_call_id",
            "a result without a call",
        ),
        (
            [{"role": "tool", "tool_call_id": "call_1", "content": "b"}, {"role": "assistant", "tool_calls": [CALL]}],
            "messages.0.tool_call_id",
            "a result without a call",
        ),
        ([{"role": "assistant", "tool_calls": {}}], "messages.0.content", "missing"),
        ([{"role": "assistant", "content": "a", "tool_calls": {}}], "messages.0.tool_calls", "not a list"),
        ([{"role": "assistant", "tool_calls": [{}]}], "messages.0.tool_calls.0.id", "not text but null"),
        ([user("")], "messages", "no message has any content"),
    ],
)
def test_messages_that_make_no_sense_are_refused_by_name(messages: Any, field: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        read({"messages": messages}, "openai_chat")
    (fault,) = raised.value.faults
    assert (fault.field, said in fault.message) == (field, True), fault
    assert fault.remedy
    assert raised.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"tools": {}}, "tools"),
        ({"response_format": "json"}, "response_format"),
        ({"model": 0.0}, "model"),
        ({"model": ["gpt-5.5"]}, "model"),
    ],
)
def test_what_is_read_beside_the_messages_must_make_sense(more: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(chat(user("a"), **more))
    assert raised.value.faults[0].field == field


@pytest.mark.parametrize("marker", ["[redacted 412 chars]", "[redacted: 412 chars]", "[redacted: 412 characters]"])
def test_a_gateway_that_withholds_the_text_is_recognized(marker: str) -> None:
    request = read(chat({"role": "system", "content": "[redacted: 88 chars]"}, user(marker)))
    assert request.is_withheld
    assert request.withheld_chars == 500


def test_only_the_question_that_is_asked_now_matters_for_what_is_withheld() -> None:
    kept = {"role": "system", "content": "[redacted: 88 chars]"}
    answered = {"role": "assistant", "content": "[redacted: 9 chars]"}
    shown = read(chat(kept, user("[redacted: 4 chars]"), answered, user("What is a tide?")))
    assert not shown.is_withheld
    assert not read(chat(user("What does [redacted: 4 chars] mean?"))).is_withheld
    # Its tools were taken away as well.
    withheld = read(
        chat(user("[redacted: 4 chars]"), {"role": "tool", "content": "[redacted: 7 chars]"}), lenient=False
    )
    assert withheld.is_withheld


def test_plain_messages_are_read_as_openais_and_each_dialect_is_known_by_what_only_it_has() -> None:
    assert dialect_of(chat(user("a"))) == "openai_chat"
    assert dialect_of(chat(user("a"), tools=[TOOL])) == "openai_chat"
    assert dialect_of(chat(user("a"), system="b")) == "anthropic_messages"
    assert dialect_of(chat(user("a"), tools=[{"name": "f", "input_schema": {}}])) == "anthropic_messages"
    assert dialect_of(chat(user([{"type": "tool_result", "tool_use_id": "a"}]))) == "anthropic_messages"
    assert dialect_of(chat(user("a")), anthropic_version="2023-06-01") == "anthropic_messages"
    assert dialect_of({"input": "a"}) == "openai_responses"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "a", "messages": [user("a")]}, "messages"),
        ({"messages": [user("a")], "input": "a"}, "input"),
        ({"prompt": "a", "input": "a"}, "input"),
        (chat({"role": "system", "content": "a"}, user("b"), system="c"), "messages.0"),
        (chat(user("b"), system="c", response_format={"type": "json_object"}), "response_format"),
        (chat(user("b"), tools=[TOOL, {"name": "f", "input_schema": {}}]), "tools.0"),
        ({"model": "auto"}, "prompt"),
    ],
)
def test_two_dialects_at_once_or_none_are_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        dialect_of(body)
    assert raised.value.faults[0].field == field
