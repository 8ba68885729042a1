"""Errors on the gateways' routes in the shapes of OpenAI and Anthropic, whoever in the app refused the request."""

import json
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.api.problems import MEDIA_TYPE
from pointsman.dialects.errors import shape_of, shaped


def shape_errors(app: ASGIApp) -> ASGIApp:
    """The app, with its problem documents turned into what callers of a path expect."""

    async def shaping(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or shape_of(scope["path"]) is None:
            await app(scope, receive, send)
            return
        began: Message | None = None
        told = bytearray()

        async def watched(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                    began = message
                    return
            elif began is not None and message["type"] == "http.response.body":
                told.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _send(scope, began, bytes(told), send)
                return
            await send(message)

        await app(scope, receive, watched)

    return shaping


async def _send(scope: Scope, began: Message, told: bytes, send: Send) -> None:
    # A route that takes several dialects says which one the request was in.
    shape = scope.get("state", {}).get("error_shape") or shape_of(scope["path"])
    # Not orjson: what was refused may hold half a character, and is told as it came.
    status, document = shaped(json.loads(told), shape or "openai")
    body = json.dumps(document).encode()
    kept: list[Any] = [
        (name, value) for name, value in began["headers"] if name not in (b"content-type", b"content-length")
    ]
    headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
