"""A provider on this machine: chat completions, Responses and Anthropic's messages, streamed or not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.harness.http_server import Answering, listening

TEXT = "It is 2."


class Upstream:
    """The provider: the bodies that it got by path, and the models that fail."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.failing: set[str] = set()

    def last(self) -> dict[str, Any]:
        """The newest body."""
        return self.requests[-1][1]


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": TEXT}
    if body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if body.get("tools") else "stop"}],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 8},
        },
    }


def _chat_events(body: dict[str, Any]) -> list[tuple[str | None, Any]]:
    whole = _chat(body)
    message, finish = whole["choices"][0]["message"], whole["choices"][0]["finish_reason"]
    if calls := message.get("tool_calls"):
        message = {"role": "assistant", "tool_calls": [{"index": 0, **calls[0]}]}
    head = {**whole, "object": "chat.completion.chunk"}
    usage = head.pop("usage")
    return [
        (None, {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}),
        (None, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}),
        (None, {**head, "choices": [], "usage": usage}),
        (None, "[DONE]"),
    ]


_USAGE = {"input_tokens": 12, "output_tokens": 5, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 0}


def _messages(body: dict[str, Any]) -> dict[str, Any]:
    content = {"type": "text", "text": TEXT}
    if body.get("tools"):
        content = {"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": {}}  # type: ignore[dict-item]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [content],
        "stop_reason": "tool_use" if body.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _messages_events(body: dict[str, Any]) -> list[tuple[str | None, Any]]:
    whole = _messages(body)
    start = {**whole, "content": [], "stop_reason": None, "usage": {**_USAGE, "output_tokens": 1}}
    block: Any = {"type": "text", "text": ""}
    delta: Any = {"type": "text_delta", "text": TEXT}
    if body.get("tools"):
        block, delta = whole["content"][0], {"type": "input_json_delta", "partial_json": "{}"}
    events = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    return [(str(one["type"]), one) for one in events]


def _responses(body: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "output_text", "text": TEXT, "annotations": []}]
    output: dict[str, Any] = {"type": "message", "id": "m1", "role": "assistant", "status": "completed"}
    output["content"] = content
    if body.get("tools"):
        output = {"type": "function_call", "id": "f1", "call_id": "call_1", "name": body["tools"][0]["name"]}
        output |= {"arguments": "{}", "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "output": [output],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 20,
            "output_tokens": 5,
            "total_tokens": 25,
            "input_tokens_details": {"cached_tokens": 8},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
    }


def _responses_events(body: dict[str, Any]) -> list[tuple[str | None, Any]]:
    whole = _responses(body)
    output = whole["output"][0]
    place = {"item_id": output["id"], "output_index": 0}
    delta: dict[str, Any] = {"type": "response.output_text.delta", "content_index": 0, "delta": TEXT, "logprobs": []}
    if body.get("tools"):
        delta = {"type": "response.function_call_arguments.delta", "delta": "{}"}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**output, "status": "in_progress"}},
        {**delta, **place},
        {"type": "response.output_item.done", "output_index": 0, "item": output},
        {"type": "response.completed", "response": whole},
    ]
    return [(str(one["type"]), {**one, "sequence_number": number}) for number, one in enumerate(events)]


_WHOLE = {"chat/completions": _chat, "messages": _messages, "responses": _responses}
_STREAM = {"chat/completions": _chat_events, "messages": _messages_events, "responses": _responses_events}


@contextmanager
def upstream_server() -> Iterator[Upstream]:
    """A provider for the block."""

    class Handler(Answering):
        def post(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            path = self.path.partition("?")[0]
            provider.requests.append((path, body))
            kind = next((one for one in _WHOLE if path.endswith(one)), None)
            if kind is None or body["model"] in provider.failing:
                self.answer(500, "application/json", b'{"error": {"message": "the model is down", "type": "server"}}')
            elif body.get("stream"):
                lines = b""
                for event, data in _STREAM[kind](body):
                    text = data if isinstance(data, str) else json.dumps(data)
                    lines += (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()
                self.answer(200, "text/event-stream", lines)
            else:
                self.answer(200, "application/json", json.dumps(_WHOLE[kind](body)).encode())

    with listening(Handler) as url:
        provider = Upstream(url)
        yield provider
