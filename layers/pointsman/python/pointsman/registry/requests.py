"""The fields that ask a provider for an effort, and what such fields may not do.

A level's `request` is what OpenAI Chat Completions takes (gateways such as LiteLLM take the same); the other dialects'
fields follow from it unless the file says them. It only ever adds to a caller's body: it cannot touch what is asked,
which model answers, how long, or with which credentials.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.faults import Misfit
from pointsman.registry.fields import Dialect

MAX_REQUEST_BYTES = 2000
# What belongs to the caller.
CALLERS = {
    "model",
    "models",
    "messages",
    "input",
    "prompt",
    "instructions",
    "system",
    "contents",
    "tools",
    "tool_choice",
    "functions",
    "response_format",
    "text",
    "stream",
    "stream_options",
    "n",
    "user",
    "metadata",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "previous_response_id",
    "base_url",
    "api_base",
    "headers",
    "extra_headers",
    "extra_body",
}
_SECRET_NAME = re.compile(
    r"(api[-_]?key|secret|passw|authorization|bearer|credential|access[-_]?token|auth[-_]?token)", re.I
)
_SECRET_VALUE = re.compile(r"^(sk-|sk_|Bearer |AKIA|ghp_|xox[bp]-|eyJ[A-Za-z0-9_-]{10})|^[A-Za-z0-9+/_-]{40,}={0,2}$")


def request_faults(request: Mapping[str, Any]) -> Iterator[Misfit]:
    """What is wrong with the fields of a level's request, each at its place below it."""
    for name in request:
        if name in CALLERS:
            remedy = "Keep to fields that set the effort, such as reasoning_effort."
            yield Misfit("would override the caller's own field", remedy, None, name)
    try:
        size = len(json.dumps(request, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        yield Misfit(f"cannot be sent as JSON ({error})", "Use text, numbers, true, false, lists and mappings.")
        return
    if size > MAX_REQUEST_BYTES:
        yield Misfit(
            f"{size:,} bytes; at most {MAX_REQUEST_BYTES:,} are sent", "Keep to the fields that set the effort."
        )
    for path, value in _leaves(request):
        name = path.rpartition(".")[2]
        if _SECRET_NAME.search(name) or (isinstance(value, str) and _SECRET_VALUE.search(value)):
            remedy = "Remove it: a registry is read by many, and credentials belong to the caller."
            yield Misfit("looks like a secret", remedy, None, path)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{i}")
    else:
        yield path, value


def request_in(
    dialect: Dialect, request: Mapping[str, Any], given: Mapping[Dialect, Mapping[str, Any]]
) -> dict[str, Any]:
    """The fields that ask for an effort in a dialect: those that the file gives for it, else translated."""
    if dialect in given:
        return dict(given[dialect])
    fields = dict(request)
    effort = fields.pop("reasoning_effort", None)
    if effort is None or dialect == "openai_chat":
        return dict(request)
    if dialect == "anthropic_messages":
        if effort == "none":
            return {**fields, "thinking": {"type": "disabled"}}
        return {**fields, "output_config": {"effort": effort}}
    return {**fields, "reasoning": {"effort": effort}}
