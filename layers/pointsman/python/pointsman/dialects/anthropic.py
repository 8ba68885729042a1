"""Anthropic Messages: `system`, content blocks, `tools`, `tool_result`, images, `cache_control`."""

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

_ROLES: tuple[Role, ...] = ("user", "assistant")


def read(body: Mapping[str, Any], *, lenient: bool = False) -> Request:
    """The request of a Messages body.

    Raises:
        RequestError: the messages are not what the dialect allows; names the message.
    """
    draft = Draft()
    _system(body, draft)
    calls: set[str] = set()
    messages = listed("messages", body.get("messages"), "messages")
    for i, given in enumerate(messages):
        message = mapped(f"messages.{i}", given)
        role = message.get("role")
        if role == "system" and not lenient:
            refuse(f"messages.{i}.role", "system", "Anthropic's Messages take it beside the messages, as `system`.")
        if role not in (*_ROLES, "system"):
            refuse(f"messages.{i}.role", "unknown role", "Use one of: user, assistant.", role)
        if i == 0 and role == "assistant" and not lenient:
            refuse("messages.0.role", "the assistant speaks first", "Begin with a message of the user.")
        _message(f"messages.{i}.content", message, role, draft, calls, lenient)
    tools, supports = _tools(body, draft)
    return draft.request(
        "anthropic_messages",
        body,
        tools=tools,
        supports=supports,
        max_output_tokens=limit_of(body, "max_tokens", "max_output_tokens"),
    )


def _system(body: Mapping[str, Any], draft: Draft) -> None:
    system = body.get("system")
    if system is None:
        return
    system = text_or_parts("system", system, True, "text blocks")
    if isinstance(system, str):
        draft.add(Message("system", system))
        return
    texts = []
    for i, given in enumerate(system):
        block = mapped(f"system.{i}", given)
        texts.append(texted(f"system.{i}.text", block.get("text")))
        draft.mark(block)
    draft.add(Message("system", "\n".join(texts)))


def _message(field: str, message: Mapping[str, Any], role: Role, draft: Draft, calls: set[str], lenient: bool) -> None:
    """A message as its turns: results of tools come before what the user says beside them."""
    content = text_or_parts(field, message.get("content"), "content" in message, "content blocks")
    if isinstance(content, str):
        draft.add(Message(role, content))
        return
    texts: list[str] = []
    counted: list[str] = []
    results: list[str] = []
    for i, given in enumerate(content):
        block = mapped(f"{field}.{i}", given)
        kind = block.get("type")
        if kind == "text":
            texts.append(texted(f"{field}.{i}.text", block.get("text")))
        elif kind == "tool_result":
            results.append(_result(f"{field}.{i}", block, draft, calls, lenient))
        elif kind == "tool_use":
            calls.add(texted(f"{field}.{i}.id", block.get("id")))
            counted.append(dumped({"name": block.get("name"), "input": block.get("input")}))
        elif not _attached(block, draft, texts):
            if not isinstance(kind, str):
                refuse(f"{field}.{i}.type", "missing", "Say what the block is, such as text.")
            counted.append(_other(block))
        draft.mark(block)
    turns = [Message("tool", "\n".join(results))] if results else []
    if texts or counted or not results:
        turns.append(Message(role, "\n".join(texts), "\n".join(counted)))
    draft.add(*turns)


def _result(field: str, block: Mapping[str, Any], draft: Draft, calls: set[str], lenient: bool) -> str:
    content = block.get("content")
    texts: list[str] = []
    if isinstance(content, str):
        texts.append(content)
    elif isinstance(content, list):
        for i, given in enumerate(content):
            part = mapped(f"{field}.content.{i}", given)
            if part.get("type") == "text":
                texts.append(texted(f"{field}.content.{i}.text", part.get("text")))
            elif not _attached(part, draft, texts):
                texts.append(_other(part))
    elif content is not None:
        refuse(f"{field}.content", "neither text nor a list of blocks", "Send the result as text.", content)
    text = "\n".join(texts)
    call_id = block.get("tool_use_id")
    if call_id not in calls and not (lenient or withheld(text)):
        remedy = "A tool_result must follow the assistant's message whose tool_use has its id."
        refuse(f"{field}.tool_use_id", "a result without a call", remedy, call_id)
    return text


def _attached(block: Mapping[str, Any], draft: Draft, texts: list[str]) -> bool:
    """Whether a block is an image or a document, which is then noted; a document of text is text."""
    kind = block.get("type")
    if kind not in ("image", "document"):
        return False
    source = block.get("source")
    held = source if isinstance(source, Mapping) else {}
    if kind == "image":
        draft.image(held.get("data") or held.get("url"))
    elif held.get("type") == "text" and isinstance(held.get("data"), str):
        texts.append(held["data"])
    else:
        draft.attach("file")
    return True


def _other(block: Mapping[str, Any]) -> str:
    """A block that is only counted; what is encrypted in it is not words."""
    kind = block.get("type")
    if kind == "thinking":
        thought = block.get("thinking")
        return thought if isinstance(thought, str) else ""
    if kind == "redacted_thinking":
        return ""
    return dumped({name: value for name, value in block.items() if name not in ("encrypted_content", "signature")})


def _tools(body: Mapping[str, Any], draft: Draft) -> tuple[str, list[str]]:
    counted, supports = [], []
    tools = body.get("tools")
    if tools is not None and tools != []:
        for i, tool in enumerate(listed("tools", tools, "tools")):
            if draft.marked_at is None and draft.mark(mapped(f"tools.{i}", tool)):
                draft.marked_at, draft.marking = 0, False
        counted.append(dumped(tools))
        supports.append("tools")
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, Mapping) else body.get("output_format")
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        counted.append(dumped(form))
        supports.append("json")
    return "\n".join(counted), supports
