"""A gateway's event, made whole: payload version 2.0 with every field there and of its type, or a clear refusal.

What the event was (version 1.0, a named stage, nulls in the place of empty maps) makes no difference behind this.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pointsman.auth.http import token_in_query
from pointsman.errors import MalformedRequest

HOST = re.compile(r"[^:\s]+(:\d{1,5})?", re.ASCII)


def request_of(event: object) -> dict[str, Any]:
    """The HTTP request of an event, as payload version 2.0 has it.

    Raises:
        MalformedRequest: the event is no HTTP request, holds credentials in its address, or a body that is no text.
    """
    whole = _mapping(event)
    context = _mapping(whole.get("requestContext"))
    http = _mapping(context.get("http"))
    method, path = http.get("method", whole.get("httpMethod")), whole.get("rawPath", whole.get("path"))
    if not isinstance(method, str) or not method.isalpha() or not isinstance(path, str):
        raise MalformedRequest("This function answers HTTP requests of its gateway, and this event is none.")
    query = _query(whole)
    if (why := token_in_query(query)) is not None:
        raise MalformedRequest(why)
    body, encoded = _body(whole)
    path = _without_stage(path, context.get("stage")) if "rawPath" in whole else path
    source = http.get("sourceIp") or _mapping(context.get("identity")).get("sourceIp")
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(_headers(whole)),
        "requestContext": {
            "http": {"method": method.upper(), "path": path, "sourceIp": source if isinstance(source, str) else ""},
            "authorizer": _authorizer(context),
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _without_stage(path: str, stage: object) -> str:
    """A path without the name of its stage, which version 2.0 puts in front of it."""
    if not isinstance(stage, str) or not (path == f"/{stage}" or path.startswith(f"/{stage}/")):
        return path
    return path.removeprefix(f"/{stage}") or "/"


def _headers(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    several = _mapping(event.get("multiValueHeaders"))
    for name, value in {**_mapping(event.get("headers")), **several}.items():
        values = [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else [value]
        text = ", ".join(str(one) for one in values if isinstance(one, str | int | float))
        name = str(name).lower()
        # The adapter makes numbers of the ports in these, and fails where there is none.
        if text and name != "x-forwarded-port" and (name != "host" or HOST.fullmatch(text)):
            yield name, text


def _query(event: Mapping[str, Any]) -> str:
    raw = event.get("rawQueryString")
    if isinstance(raw, str):
        return raw
    several = _mapping(event.get("multiValueQueryStringParameters")) or _mapping(event.get("queryStringParameters"))
    return urlencode({name: "" if value is None else value for name, value in several.items()}, doseq=True)


def _body(event: Mapping[str, Any]) -> tuple[str | None, bool]:
    body, encoded = event.get("body"), event.get("isBase64Encoded")
    if body is not None and not isinstance(body, str):
        found = "an object" if isinstance(body, Mapping) else f"a {type(body).__name__}"
        raise MalformedRequest(f"The event's body is {found}. A gateway sends text: write the JSON into a string.")
    encoded = encoded is True or (isinstance(encoded, str) and encoded.lower() == "true")
    if encoded:
        try:
            base64.b64decode(body or "", validate=True)
        except (binascii.Error, ValueError):
            raise MalformedRequest("The body is not base64, though the request says so. Send plain JSON.") from None
    return body, encoded


def _authorizer(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """What let the request in, in the places where version 2.0 has it."""
    found = _mapping(context.get("authorizer"))
    if "http" in context:
        return found
    identity = _mapping(context.get("identity"))
    return {
        "lambda": found,
        "jwt": {"claims": _mapping(found.get("claims"))},
        "iam": {"userArn": identity.get("userArn")},
    }
