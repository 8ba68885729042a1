"""A limit on the size of a request's body, kept while it is read: nothing larger is ever held in memory."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.api.problems import problem_response
from pointsman.errors import Fault, PayloadTooLarge


class BodyTooLarge(Exception):
    """Raised inside the app when the body turns out too large; never leaves this module's wrapper."""


def limit_body(app: ASGIApp, most: int) -> ASGIApp:
    """The app, refusing bodies of more than `most` bytes with 413."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            await problem_response(_too_large(most).problem())(scope, receive, send)
            return
        read = 0
        answered = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise BodyTooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            # Once the limit is passed, only our own answer is sent, whatever the app made of it.
            if read <= most:
                answered = True
                await send(message)

        with suppress(BodyTooLarge):
            await app(scope, counted, watched)
        if read > most and not answered:
            await problem_response(_too_large(most).problem())(scope, receive, send)

    return limited


def _too_large(most: int) -> PayloadTooLarge:
    message = f"the body has more than {most:,} bytes"
    remedy = "Send a shorter prompt, or raise POINTSMAN_MAX_PROMPT_BYTES."
    return PayloadTooLarge(f"prompt: {message}. {remedy}", [Fault("prompt", message, remedy)])
