"""OpenAI Responses: `input` (text or items), `instructions`, `tools`, `text.format`, `max_output_tokens`."""

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
from pointsman.faults import nearest_name

_ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_TEXTS = ("input_text", "output_text", "text", "summary_text", "refusal")
# A call by its type, and the type of its result.
_CALLS = ("function_call", "custom_tool_call", "local_shell_call", "shell_call", "computer_call", "apply_patch_call")
_RESULTS = tuple(f"{call}_output" for call in _CALLS)
# What the provider does itself and hands back, as openai 2.x lists it: counted, and otherwise the provider's business.
_OTHERS = (
    "additional_tools",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "file_search_call",
    "image_generation_call",
    "item_reference",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
)
# Pictures and what is encrypted are no words.
_UNREAD = ("result", "encrypted_content")
_KINDS = ("message", "reasoning", *_CALLS, *_RESULTS, *_OTHERS)


def read(body: Mapping[str, Any], *, lenient: bool = False) -> Request:
    """The request of a Responses body. A conversation that the provider keeps is read as far as it is in the body.

    Raises:
        RequestError: the input is not what the dialect allows; names the item.
    """
    draft = Draft()
    instructions = body.get("instructions")
    if instructions is not None:
        draft.add(Message("system", texted("instructions", instructions)))
    given = body.get("input")
    # What was said before may lie with the provider, and then results answer calls that are not here.
    elsewhere = lenient or any(body.get(name) for name in ("previous_response_id", "conversation"))
    if isinstance(given, str):
        draft.add(Message("user", given))
    elif given is None:
        refuse("input", "null" if "input" in body else "missing", "Send the text, or a list of items.")
    else:
        calls: set[str] = set()
        for i, item in enumerate(listed("input", given, "items")):
            _item(f"input.{i}", mapped(f"input.{i}", item), draft, calls, elsewhere)
    tools, supports = _tools(body)
    return draft.request(
        "openai_responses",
        body,
        tools=tools,
        supports=supports,
        max_output_tokens=limit_of(body, "max_output_tokens"),
    )


def _item(field: str, item: Mapping[str, Any], draft: Draft, calls: set[str], elsewhere: bool) -> None:
    # What names an item that lies with the provider need not say its type.
    kind = item.get("type") or ("item_reference" if set(item) <= {"type", "id"} and "id" in item else "message")
    if kind == "message":
        role = item.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            refuse(f"{field}.role", "unknown role", f"Use one of: {', '.join(_ROLES)}.", role)
        text, counted = _content(f"{field}.content", item.get("content"), "content" in item, draft)
        draft.add(Message(_ROLES[role], text, counted))
    elif kind in _CALLS:
        call_id = texted(f"{field}.call_id", item.get("call_id"))
        calls.add(call_id)
        said = {name: item.get(name) for name in ("name", "arguments", "input", "action", "operation") if name in item}
        draft.add(Message("assistant", "", dumped(said)))
    elif kind in _RESULTS:
        _result(field, item, draft, calls, elsewhere)
    elif kind == "reasoning":
        summary, _ = _content(f"{field}.summary", item.get("summary") or [], True, draft)
        draft.add(Message("assistant", "", summary))
    elif kind in _OTHERS or (isinstance(kind, str) and elsewhere):
        draft.add(Message("assistant", "", dumped({k: v for k, v in item.items() if k not in _UNREAD})))
    elif isinstance(kind, str):
        # Passed over, it might be the request itself.
        remedy = nearest_name(kind, _KINDS) or f"Send a message, or one of: {', '.join(sorted(_KINDS[1:]))}."
        refuse(f"{field}.type", "unknown type of item", remedy, kind)
    else:
        refuse(f"{field}.type", "not text", "Say what the item is, such as message.", kind)


def _result(field: str, item: Mapping[str, Any], draft: Draft, calls: set[str], elsewhere: bool) -> None:
    output = item.get("output")
    if output is None:
        refuse(f"{field}.output", "null" if "output" in item else "missing", "Send the result as text.")
    text, counted = (output, "") if isinstance(output, str) else _output(f"{field}.output", output, draft)
    call_id = item.get("call_id")
    if not (elsewhere or withheld(text)) and call_id not in calls:
        remedy = "An output must follow the call whose call_id it names."
        refuse(f"{field}.call_id", "a result without a call", remedy, call_id)
    draft.add(Message("tool", text, counted))


def _output(field: str, output: object, draft: Draft) -> tuple[str, str]:
    if isinstance(output, list):
        return _content(field, output, True, draft)
    shot = mapped(field, output)
    if "image_url" in shot:
        draft.image(shot.get("image_url"), shot.get("detail"))
        return "", ""
    return "", dumped(shot)


def _content(field: str, content: object, given: bool, draft: Draft) -> tuple[str, str]:
    """The text of an item's content, and what of its parts is only counted."""
    content = text_or_parts(field, content, given)
    if isinstance(content, str):
        return content, ""
    texts: list[str] = []
    counted: list[str] = []
    for i, one in enumerate(content):
        part = mapped(f"{field}.{i}", one)
        kind = part.get("type")
        if kind in _TEXTS:
            name = "refusal" if kind == "refusal" else "text"
            texts.append(texted(f"{field}.{i}.{name}", part.get(name)))
        elif kind == "input_image":
            draft.image(part.get("image_url"), part.get("detail"))
        elif kind == "input_audio":
            draft.attach("audio")
        elif kind == "input_file":
            draft.attach("file")
        elif isinstance(kind, str):
            counted.append(dumped(part))
        else:
            refuse(f"{field}.{i}.type", "missing", "Say what the part is: input_text, input_image or input_file.")
    return "\n".join(texts), "\n".join(counted)


def _tools(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    counted, supports = [], []
    tools = body.get("tools")
    if tools is not None and tools != []:
        if not isinstance(tools, list):
            refuse("tools", "not a list", "Send a list of tools.", tools)
        counted.append(dumped(tools))
        supports.append("tools")
    text = body.get("text")
    if isinstance(text, Mapping) and isinstance(form := text.get("format"), Mapping):
        if form.get("type") == "json_schema":
            counted.append(dumped(form))
        if form.get("type") in ("json_schema", "json_object"):
            supports.append("json")
    return "\n".join(counted), supports
