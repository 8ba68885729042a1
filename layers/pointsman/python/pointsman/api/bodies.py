"""Bodies of requests: JSON, parsed once and away from the event loop, and refused while refusing is still cheap.

A body with hundreds of thousands of unknown fields or values would take seconds to refuse field by field. So what is
too much is counted before pydantic sees it.
"""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from pointsman.errors import MOST_FAULTS, Fault, MalformedRequest, RequestError, shortened
from pointsman.faults import nearest_name, printable

# Bodies up to this size are parsed where they are read.
SMALL_BYTES = 65_536
MOST_VALUES = 100_000
# How a key ends. Behind a backslash it does not: that quote belongs to a text.
KEY_ENDS = (b'":', b'" :')


class BodyRoute(APIRoute):
    """A route whose JSON body is parsed and counted before anything else looks at it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given the parsed body."""
        handle = super().get_route_handler()
        annotation = self.body_field.field_info.annotation if self.body_field is not None else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
        reads = self.body_field is not None

        async def handler(request: Request) -> Response:
            if reads and _is_json(request):
                try:
                    raw = await request.body()
                except ClientDisconnect:
                    raise MalformedRequest("The body ended before it was whole.") from None
                if raw:
                    small = len(raw) <= SMALL_BYTES
                    request._json = parsed(raw, model) if small else await run_in_threadpool(parsed, raw, model)
            return await handle(request)

        return handler


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def parsed(raw: bytes, model: type[BaseModel] | None) -> Any:
    """The JSON of a body for a model; None: for whoever checks its names.

    Raises:
        MalformedRequest: it is not JSON, or gives a key of an object twice.
        RequestError: it has more unknown fields than are listed one by one, or more values than any request needs.
    """
    try:
        document = from_json(raw)
    except ValueError:
        document = _leniently(raw)
    if not isinstance(document, dict):
        return document
    if model is not None:
        check_names(document, model)
    keys = _keys_of(document, MOST_VALUES)
    if keys is None:
        message, remedy = f"the body holds more than {MOST_VALUES:,} values", "Send a smaller request."
        raise RequestError(f"{message}. {remedy}", [Fault("body", message, remedy)])
    if _keys_in(raw) > keys:
        json.loads(raw, object_pairs_hook=_once_each)
    return document


def _keys_in(raw: bytes) -> int:
    """How many keys a JSON text gives, those given twice included; fewer where it is written like no program does.

    It costs a look at the bytes, where a parser that tells of every key would take many times as long as ours.
    """
    return sum(raw.count(end) - raw.count(b"\\" + end) for end in KEY_ENDS)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raise MalformedRequest for an object that gives a key twice: only one of the two could be heard."""
    twice = [name for name, n in Counter(name for name, _ in pairs).items() if n > 1]
    if twice:
        name = printable(shortened(twice[0]))
        raise MalformedRequest(f"The body gives {name!r} more than once in one object. Give each key once.")
    return dict(pairs)


def check_names(document: Mapping[str, Any], model: type[BaseModel]) -> None:
    """Refuse a body with more unknown fields than are listed one by one.

    Raises:
        RequestError: with the first of them.
    """
    unknown = [name for name in document if name not in _names(model)]
    if len(unknown) > MOST_FAULTS:
        raise _unknown(unknown, sorted(_names(model)))


def _leniently(raw: bytes) -> Any:
    """What Python's parser makes of it: it takes infinities and halves of pairs, whose fields are then named."""
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not JSON: {error.msg}. Send a JSON object.") from None
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} at {error.start + 1:,}"
        raise MalformedRequest(f"The body is not UTF-8: {place}. Send JSON in UTF-8.") from None
    except (ValueError, RecursionError):
        raise MalformedRequest(
            "The body is not JSON that can be read: nested too deep, or with endless numbers."
        ) from None


def _names(model: type[BaseModel]) -> set[str]:
    return {one.alias or name for name, one in model.model_fields.items()} | set(model.model_fields)


def _unknown(names: list[str], known: list[str]) -> RequestError:
    faults = [
        Fault(printable(shortened(name)), "unknown field", nearest_name(name, known) or "Remove it.")
        for name in names[:MOST_FAULTS]
    ]
    more = len(names) - len(faults)
    first = faults[0]
    detail = (
        f"{first.field}: {first.message}. {first.remedy} ({len(names) - 1:,} more, the first of them under `errors`)"
    )
    return RequestError(detail, faults, more)


def _keys_of(document: Any, most: int) -> int | None:
    """How many keys the objects of a JSON value have; None where it holds more than so many values."""
    keys, count, left = 0, 0, [document]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            keys += len(value)
            value = list(value.values())
        count += len(value)
        if count > most:
            return None
        left += [one for one in value if isinstance(one, dict | list)]
    return keys
