"""OpenAI Chat Completions: `messages`, `tools`, `response_format`, `max_completion_tokens`, content parts."""

from collections.abc import Mapping
from typing import Any

from pointsman.dialects.request import (
    Draft,
    Message,
    Request,
    Role,
    dumped,
    limit_of,
    listed,
    mapped,
    refuse,
    text_or_parts,
    texted,
    withheld,
)

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def read(body: Mapping[str, Any], *, lenient: bool = False) -> Request:
    """The request of a Chat Completions body.

    `lenient` lets through results of tools whose calls a gateway took away.

    Raises:
        RequestError: the messages are not what the dialect allows; names the message.
    """
    messages = listed("messages", body.get("messages"), "messages")
    draft = Draft()
    calls: set[str] = set()
    for i, given in enumerate(messages):
        message = mapped(f"messages.{i}", given)
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            refuse(f"messages.{i}.role", "unknown role", f"Use one of: {', '.join(_ROLES)}.", role)
        text, counted = _content(f"messages.{i}.content", message, role, draft)
        if role == "assistant":
            counted += _calls(f"messages.{i}", message, calls)
        elif role == "tool":
            _check_result(f"messages.{i}", message, calls, lenient or withheld(text) > 0)
        draft.mark(message)
        draft.add(Message(_ROLES[role], text, counted))
    tools, supports = _tools(body)
    return draft.request(
        "openai_chat",
        body,
        tools=tools,
        supports=supports,
        max_output_tokens=limit_of(body, "max_completion_tokens", "max_tokens", "max_output_tokens"),
    )


def _content(field: str, message: Mapping[str, Any], role: str, draft: Draft) -> tuple[str, str]:
    """The text of a message, and what of its parts is only counted."""
    content = message.get("content")
    # An assistant that calls tools, refuses or speaks says nothing in `content`.
    acts = ("tool_calls", "function_call", "refusal", "audio")
    if content is None and role == "assistant" and any(message.get(name) for name in acts):
        refusal = message.get("refusal")
        return "", refusal if isinstance(refusal, str) else ""
    content = text_or_parts(field, content, "content" in message)
    if isinstance(content, str):
        return content, ""
    texts: list[str] = []
    counted: list[str] = []
    for i, given in enumerate(content):
        part = mapped(f"{field}.{i}", given)
        kind = part.get("type")
        if kind == "text":
            texts.append(texted(f"{field}.{i}.text", part.get("text")))
        elif kind == "image_url":
            source = part.get("image_url")
            image = source if isinstance(source, Mapping) else {"url": source}
            draft.image(texted(f"{field}.{i}.image_url.url", image.get("url")), image.get("detail"))
        elif kind == "input_audio":
            draft.attach("audio")
        elif kind == "file":
            draft.attach("file")
        elif kind == "video_url":
            draft.attach("video")
        elif kind == "refusal":
            counted.append(texted(f"{field}.{i}.refusal", part.get("refusal")))
        elif isinstance(kind, str):
            counted.append(dumped(part))
        else:
            refuse(f"{field}.{i}.type", "missing", "Say what the part is: text, image_url, input_audio or file.")
        draft.mark(part)
    return "\n".join(texts), "\n".join(counted)


def _calls(field: str, message: Mapping[str, Any], calls: set[str]) -> str:
    """The calls of an assistant, as they are counted; their ids are noted."""
    found = message.get("tool_calls")
    if found is None:
        function = message.get("function_call")
        return dumped(function) if isinstance(function, Mapping) else ""
    if not isinstance(found, list):
        refuse(f"{field}.tool_calls", "not a list", "Send a list of calls.", found)
    for i, given in enumerate(found):
        call = mapped(f"{field}.tool_calls.{i}", given)
        calls.add(texted(f"{field}.tool_calls.{i}.id", call.get("id")))
    return dumped([call.get("function") or call.get("custom") or call for call in found])


def _check_result(field: str, message: Mapping[str, Any], calls: set[str], lenient: bool) -> None:
    call_id = message.get("tool_call_id")
    if call_id is None and lenient:
        return
    if not isinstance(call_id, str):
        refuse(f"{field}.tool_call_id", "missing", "Name the call that this is the result of.")
    if call_id not in calls and not lenient:
        remedy = "A tool's message must follow the assistant's message whose tool_calls holds its id."
        refuse(f"{field}.tool_call_id", "a result without a call", remedy, call_id)


def _tools(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Tools and schema as they are counted, and what a model must support for them."""
    counted, supports = [], []
    for name in ("tools", "functions"):
        given = body.get(name)
        if given is None or given == []:
            continue
        if not isinstance(given, list):
            refuse(name, "not a list", "Send a list of tools.", given)
        counted.append(dumped(given))
        supports = ["tools"]
    form = body.get("response_format")
    if form is not None:
        kind = mapped("response_format", form).get("type")
        if kind == "json_schema":
            counted.append(dumped(form.get("json_schema")))
        if kind in ("json_schema", "json_object"):
            supports.append("json")
    return "\n".join(counted), supports
