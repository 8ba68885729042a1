"""Our own fields beside a provider's: in the body by their names, or as headers `x-pointsman-*`. A body's field wins.

Headers are text, so each is read as what its field is; lists are written with commas.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pointsman.dialects.request import refuse

PREFIX = "x-pointsman-"
# Where callers say which conversation a request belongs to, the surest first.
SESSION_HEADERS = (
    "x-switchyard-session-id",
    "x-claude-code-session-id",
    "x-session-id",
    "session-id",
    "x-model-affinity",
)
MOST_SESSION_CHARACTERS = 256
IDEMPOTENCY_HEADER = "idempotency-key"
# A route of ours as a caller names it in `model`: alone or with our name before it.
_OURS = "pointsman/"
# Ours though without an underscore; and what providers call by names that are near to ours.
_DISTINCT = ("threshold", "sticky")
_PROVIDERS = frozenset({"max_output_tokens", "max_tokens", "max_completion_tokens", "max_input_tokens", "session_id"})
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def own_fields(body: Mapping[str, Any], headers: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Those of our fields that a body or its headers give, not checked yet.

    Args:
        headers: by small names.
        kinds: what each of our fields is: text, number, whole, flag or list.

    Raises:
        RequestError: a header is not what its field is, or there is no such field; or a field of the body that is
            nobody's is spelled nearly as one of ours.
    """
    found = {name: body[name] for name in kinds if name in body}
    _check_spelling(body, kinds)
    for header, value in headers.items():
        if header.startswith(PREFIX):
            name = header.removeprefix(PREFIX).replace("-", "_")
            if name not in kinds:
                known = ", ".join(PREFIX + one.replace("_", "-") for one in sorted(kinds))
                refuse(header, "unknown header", f"Remove it, or use one of: {known}.")
            if name not in found:
                found[name] = _KINDS[kinds[name]](header, value.strip())
    return found


def _check_spelling(body: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Refuse a slip in one of our names, which would be taken for the provider's business and change nothing.

    Names that are words of everybody's, such as `models` and `images`, are too near to others to be told from a slip.
    """
    distinct = [name for name in kinds if "_" in name or name in _DISTINCT]
    for name in body:
        if name not in kinds and name not in _PROVIDERS and len(name) < 50:
            near = get_close_matches(name.casefold(), distinct, n=1, cutoff=0.87)
            if near:
                refuse(name, "unknown field", f"Did you mean {near[0]!r}?")


def session_id_of(body: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """The id that the caller gives the conversation; None where it gives none.

    Raises:
        RequestError: the id is not text, or too long to be one.
    """
    field = "session_id"
    found = body.get(field)
    if found is None:
        field = next((name for name in SESSION_HEADERS if headers.get(name, "").strip()), field)
        found = headers.get(field)
    if found is None:
        return None
    if not isinstance(found, str):
        refuse(field, "not text", "Send the id of the conversation as text.", found)
    try:
        found.encode()
    except UnicodeEncodeError:
        refuse(field, "not valid Unicode", "Send whole characters: a surrogate must be one of a pair.")
    found = found.strip()
    if len(found) > MOST_SESSION_CHARACTERS:
        message = f"{len(found):,} characters; an id has at most {MOST_SESSION_CHARACTERS}"
        refuse(field, message, "Send a short id of the conversation, such as a UUID.", found)
    return found or None


def idempotency_key_of(headers: Mapping[str, str]) -> str | None:
    """The key by which a retried request is known; None where there is none.

    Raises:
        RequestError: it is too long.
    """
    key = headers.get(IDEMPOTENCY_HEADER, "").strip()
    if len(key) > MOST_SESSION_CHARACTERS:
        message = f"{len(key):,} characters; a key has at most {MOST_SESSION_CHARACTERS}"
        refuse(IDEMPOTENCY_HEADER, message, "Send a short one, such as a UUID.", key)
    return key or None


def config_named(model: object, configs: Mapping[str, Any]) -> str | None:
    """The config that a body's `model` names, as `auto` or `pointsman/auto`; None where it names none."""
    if not isinstance(model, str):
        return None
    name = model.removeprefix(_OURS)
    return name if name in configs else None


def trace_id_of(headers: Mapping[str, str]) -> str | None:
    """The trace that a request belongs to, by its W3C `traceparent`."""
    found = _TRACE.fullmatch(headers.get("traceparent", "").strip().lower())
    return found[1] if found else None


def _number(header: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        refuse(header, "not a number", "Give a number, such as 0.8.", value)


def _whole(header: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        refuse(header, "not a whole number", "Give digits only, such as 4096.", value)
    return int(value)


def _flag(header: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        refuse(header, "neither true nor false", "Write true or false.", value)
    return value.lower() == "true"


def _list(_: str, value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]


def _text(_: str, value: str) -> str:
    return value


_KINDS: Mapping[str, Callable[[str, str], Any]] = {
    "text": _text,
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "list": _list,
}
