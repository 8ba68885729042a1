"""What pydantic found wrong, as our faults: the only module that knows its kinds of error, with one table of remedies.

Requests, registry files, model profiles, manifests and settings all come through here, so the same mistake is told in
the same words wherever it is made.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pointsman.errors import Fault, shortened

if TYPE_CHECKING:
    from pydantic import ValidationError

# What to do about a kind of error; the placeholders are the error's own context.
_REMEDIES = {
    "missing": "Add it.",
    "string_type": "Give text, in quotes.",
    "string_too_long": "Use at most {max_length} characters.",
    "string_too_short": "Use at least {min_length} characters.",
    "string_pattern_mismatch": "Match the pattern {pattern}.",
    "string_unicode": "Send whole characters: a surrogate must be one of a pair.",
    "int_type": "Give a whole number.",
    "int_parsing": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    # Of a strict number: text that YAML does not take for one.
    "float_type": "Write a plain number such as 0.00009 (YAML reads 9e-5 as text).",
    "float_parsing": "Give a number.",
    "finite_number": "Use a finite number.",
    "greater_than": "Use a number above {gt}.",
    "greater_than_equal": "Use a number of at least {ge}.",
    "less_than": "Use a number below {lt}.",
    "less_than_equal": "Use a number of at most {le}.",
    "bool_type": "Give true or false.",
    "bool_parsing": "Give true or false.",
    "list_type": "Give a list.",
    "tuple_type": "Give a list.",
    "dict_type": "Give a mapping of fields.",
    "mapping_type": "Give a mapping of fields.",
    "model_type": "Give a mapping of fields.",
    "model_attributes_type": "Give a mapping of fields.",
    "too_short": "Give at least {min_length}.",
    "too_long": "Give at most {max_length}.",
    "literal_error": "Use one of: {expected}.",
    "enum": "Use one of: {expected}.",
    "date_type": "Write a date as YYYY-MM-DD.",
    "date_parsing": "Write a date as YYYY-MM-DD.",
    "date_from_datetime_parsing": "Write a date as YYYY-MM-DD.",
}
_OTHERWISE = "Correct it."


def faults_of(
    errors: "ValidationError | Sequence[Mapping[str, Any]]", *, fields: Iterable[str] = (), see: str = "", skip: int = 0
) -> list[Fault]:
    """Every fault that pydantic found: the dotted path of the field, what is wrong, the remedy, and the value.

    Args:
        fields: the names there are at the top, told to who used an unknown one.
        see: where the fields are described, told where there is no better remedy.
        skip: leading parts of a location to leave out of the path: FastAPI says first where it looked.
    """
    found = errors if isinstance(errors, Sequence) else errors.errors()
    return [_fault(error, tuple(fields), see, skip) for error in found]


def first_fault(errors: "ValidationError | Sequence[Mapping[str, Any]]") -> str:
    """The first thing that pydantic found wrong, in words: the field and the message."""
    first = faults_of(errors)[0]
    return f"{first.field}: {first.message}"


def printable(text: str) -> str:
    """The text without lone surrogates, which no encoding could carry."""
    return text.encode(errors="replace").decode()


def _fault(error: Mapping[str, Any], fields: Sequence[str], see: str, skip: int) -> Fault:
    kind, where = error["type"], error["loc"]
    field = ".".join(map(str, where[skip:])) or (str(where[0]) if where else "(all)")
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    if kind == "extra_forbidden":
        message = "unknown field"
        remedy = f"Remove it, or use one of: {', '.join(fields)}." if fields and len(where) == 1 else "Remove it."
    else:
        remedy = _REMEDIES.get(kind, _OTHERWISE).format_map(_Blank(error.get("ctx", {})))
    if see and remedy in ("Remove it.", _OTHERWISE):
        remedy = f"{remedy[:-1]}; {see}."
    value = None if kind == "missing" else _shown(error.get("input"))
    return Fault(printable(field), printable(message[0].lower() + message[1:]), remedy, value)


def _shown(value: object) -> str | None:
    """A value as an error shows it; one that holds others (and perhaps itself) is not shown."""
    if not isinstance(value, str | int | float | bool | None):
        return None
    return printable(shortened(value if isinstance(value, str) else json.dumps(value)))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
