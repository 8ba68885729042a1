"""What pydantic found wrong, as our faults: the only module that knows its kinds of error, with one table of remedies.

Requests, registry files, model profiles, manifests and settings all come through here, so the same mistake is told in
the same words wherever it is made.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pointsman.errors import Fault, shortened
from pointsman.instants import HOW

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

NUMBER = "Give a number."
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
    "float_type": NUMBER,
    "float_parsing": NUMBER,
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
    "instant": HOW,
}
_OTHERWISE = "Correct it."
# What is wrong, where pydantic's own words are for programmers.
_MESSAGES = {
    "too_short": "holds {actual_length}",
    "too_long": "holds {actual_length}",
    "float_type": "not a number",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "model_attributes_type": "not a mapping of fields",
}


@dataclass(frozen=True)
class Misfit:
    """One value that does not fit with others. `field` stands for the last part of its place, `below` goes under it."""

    message: str
    remedy: str
    field: str | None = None
    below: str | None = None
    value: object = None

    def place(self, loc: Sequence[str | int]) -> tuple[str, ...]:
        """The place of the fault, given the place of the field that was being checked."""
        parts = [str(part) for part in loc]
        if self.field is not None:
            parts = [*parts[:-1], self.field]
        return (*parts, *self.below.split(".")) if self.below else tuple(parts)


class Misfits(ValueError):
    """What a validator found in values that must fit with one another, all of it."""

    def __init__(self, *found: Misfit) -> None:
        super().__init__(" ".join(f"{one.message}. {one.remedy}" for one in found))
        self.found = found


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """A remedy that names the known name nearest to this one, whatever its letter case; None where none is near."""
    by_fold = {one.casefold(): one for one in known}
    close = get_close_matches(name[:200].casefold(), by_fold, n=1, cutoff=0.75)
    return f"Did you mean {by_fold[close[0]]!r}?" if close else None


def faults_of(
    errors: "ValidationError | Sequence[Mapping[str, Any]]",
    *,
    fields: Iterable[str] = (),
    kind: "type[BaseModel] | None" = None,
    see: str = "",
    skip: int = 0,
) -> list[Fault]:
    """Every fault that pydantic found: the dotted path of the field, what is wrong, the remedy, and the value.

    Args:
        fields: the names there are at the top, told to who used an unknown one.
        kind: what was validated, whose blocks know the names there are at every depth.
        see: where the fields are described, told where there is no better remedy.
        skip: leading parts of a location to leave out of the path: FastAPI says first where it looked.
    """
    found = errors if isinstance(errors, Sequence) else errors.errors()
    return [fault for error in found for fault in _faults(error, tuple(fields), kind, see, skip)]


def first_fault(errors: "ValidationError | Sequence[Mapping[str, Any]]") -> str:
    """The first thing that pydantic found wrong, in words: the field and the message."""
    first = faults_of(errors)[0]
    return f"{first.field}: {first.message}"


def top_fields(error: "ValidationError") -> set[str]:
    """The fields at the top that pydantic found wrong, or something in them."""
    return {str(one["loc"][0]) for one in error.errors() if one["loc"]}


def printable(text: str) -> str:
    """The text without lone surrogates, which no encoding could carry."""
    return text.encode(errors="replace").decode()


def _faults(
    error: Mapping[str, Any], fields: Sequence[str], model: "type[BaseModel] | None", see: str, skip: int
) -> Iterator[Fault]:
    where = error["loc"]
    misfits = error.get("ctx", {}).get("error")
    if not isinstance(misfits, Misfits):
        known = fields if len(where) == 1 else ()
        yield _fault(error, _fields_at(model, where[:-1]) if model else known, see, skip)
        return
    for one in misfits.found:
        own = one.value is None and one.field is None and one.below is None
        value = error.get("input") if own else one.value
        yield Fault(printable(".".join(one.place(where)[skip:])), printable(one.message), one.remedy, _shown(value))


def _fields_at(kind: "type[BaseModel]", loc: Sequence[str | int]) -> list[str]:
    """The fields of the block at a place: its own before those that it shares with other blocks."""
    for part in loc:
        field = kind.model_fields.get(str(part))
        kind = (field and _model_in(field.annotation)) or kind
    return sorted(kind.model_fields, key=lambda name: name not in kind.__annotations__)


def _model_in(annotation: Any) -> "type[BaseModel] | None":
    if hasattr(annotation, "model_fields"):
        model: type[BaseModel] = annotation
        return model
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


def _fault(error: Mapping[str, Any], fields: Sequence[str], see: str, skip: int) -> Fault:
    kind, where = error["type"], error["loc"]
    field = ".".join(map(str, where[skip:])) or (str(where[0]) if where else "(all)")
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    if kind == "extra_forbidden":
        message = "unknown field"
        near = nearest_name(str(where[-1]), fields)
        remedy = near or (f"Remove it, or use one of: {', '.join(fields)}." if fields else "Remove it.")
    else:
        context = error.get("ctx", {})
        plain = {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
        if kind in _MESSAGES:
            message = _MESSAGES[kind].format_map(_Blank(plain))
        remedy = _percent(kind, context, error.get("input")) or _REMEDIES.get(kind, _OTHERWISE).format_map(
            _Blank(plain)
        )
    if see and remedy in ("Remove it.", _OTHERWISE):
        remedy = f"{remedy[:-1]}; {see}."
    value = None if kind == "missing" else _shown(error.get("input"))
    return Fault(printable(field), printable(message[0].lower() + message[1:]), remedy, value)


def _percent(kind: str, context: Mapping[str, Any], value: object) -> str | None:
    """The remedy where a share of 1 was written in percent."""
    if kind == "less_than_equal" and context.get("le") == 1 and isinstance(value, int | float) and 1 < value <= 100:
        return f"Use a number of at most 1: {value:g} % is {value / 100:g}."
    return None


def _shown(value: object) -> str | None:
    """A value as an error shows it; one that holds others (and perhaps itself) is not shown."""
    if not isinstance(value, str | int | float | bool | None):
        return None
    return printable(shortened(value if isinstance(value, str) else json.dumps(value)))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
