"""Which dialect a body speaks, and its request. A body speaks exactly one; what tells them apart is in `_SIGNS`."""

from collections.abc import Callable, Mapping
from typing import Any

from pointsman.dialects import anthropic, openai_chat, openai_responses
from pointsman.dialects.request import INPUT_FORMATS, InputFormat, Request, refuse

_READERS: Mapping[InputFormat, Callable[..., Request]] = {
    "openai_chat": openai_chat.read,
    "openai_responses": openai_responses.read,
    "anthropic_messages": anthropic.read,
}
# What carries the conversation; a body has one of them.
CARRIERS = ("prompt", "messages", "input")
# Fields beside `messages` that only one of the two dialects with messages has.
_SIGNS: Mapping[InputFormat, tuple[str, ...]] = {
    "anthropic_messages": ("system", "stop_sequences", "output_config", "mcp_servers", "context_management"),
    "openai_chat": (
        "response_format",
        "max_completion_tokens",
        "stream_options",
        "functions",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "parallel_tool_calls",
        "reasoning_effort",
    ),
}
_BLOCKS = {"tool_use", "tool_result", "thinking", "redacted_thinking", "document", "server_tool_use"}


def read(body: Mapping[str, Any], input_format: InputFormat | None = None, *, lenient: bool = False) -> Request:
    """The request of a body in a dialect; without one, in the dialect that it speaks by its fields.

    Raises:
        RequestError: the body speaks none or two, or is not what its dialect allows.
    """
    return _READERS[input_format or dialect_of(body)](body, lenient=lenient)


def dialect_of(body: Mapping[str, Any], *, anthropic_version: str | None = None) -> InputFormat:
    """The dialect that a body without `prompt` speaks.

    Messages of plain text are the same in both dialects that have them, and are read as OpenAI's.

    Raises:
        RequestError: two dialects at once, or none.
    """
    carriers = [name for name in CARRIERS if name in body]
    if len(carriers) > 1:
        remedy = "Send exactly one of: prompt, messages, input."
        refuse(carriers[1], f"beside {carriers[0]}, so that there are two requests in one", remedy)
    if not carriers:
        refuse("prompt", "missing", "Send a prompt, or a conversation as messages or input.")
    if carriers[0] == "input":
        return "openai_responses"
    if anthropic_version is not None:
        return "anthropic_messages"
    signs = {dialect: _sign(dialect, body) for dialect in _SIGNS}
    ours, theirs = signs["anthropic_messages"], signs["openai_chat"]
    if ours and theirs:
        remedy = "Send Anthropic's Messages or OpenAI's Chat Completions, not a mixture."
        refuse(theirs, f"of OpenAI's Chat Completions, beside {ours} of Anthropic's Messages", remedy)
    return "anthropic_messages" if ours else "openai_chat"


def format_of(field: str, value: object) -> InputFormat:
    """The dialect of this name.

    Raises:
        RequestError: there is none.
    """
    known = next((one for one in INPUT_FORMATS if value == one), None)
    if known is None:
        message = "missing" if value is None else "unknown format"
        refuse(field, message, f"Use one of: {', '.join(INPUT_FORMATS)}.", value)
    return known


def _sign(dialect: InputFormat, body: Mapping[str, Any]) -> str | None:
    """The first thing in a body that only this dialect has."""
    field = next((name for name in _SIGNS[dialect] if body.get(name) is not None), None)
    if field is not None:
        return field
    tools, messages = body.get("tools"), body.get("messages")
    for i, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, Mapping):
            anthropics = "input_schema" in tool or ("function" not in tool and "name" in tool)
            if anthropics == (dialect == "anthropic_messages"):
                return f"tools.{i}"
    for i, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, Mapping) and _speaks(dialect, message):
            return f"messages.{i}"
    return None


def _speaks(dialect: InputFormat, message: Mapping[str, Any]) -> bool:
    """Whether a message is one that only this dialect has."""
    roles = ("system", "developer", "tool", "function")
    if dialect == "openai_chat" and (message.get("role") in roles or "tool_calls" in message):
        return True
    content = message.get("content")
    if not isinstance(content, list):
        return False
    for block in content:
        if isinstance(block, Mapping):
            kind = block.get("type")
            if dialect == "openai_chat":
                if kind in ("image_url", "input_audio", "file"):
                    return True
            elif kind in _BLOCKS or (kind == "image" and "source" in block):
                return True
    return False
