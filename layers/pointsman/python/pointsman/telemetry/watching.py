"""Every request for a decision, told once it was answered to whoever listens: the only place where that happens.

A request is watched from the outermost door, so that what is refused before it is read is told too. The router says
what was decided, by a context that follows the request into its thread. Listeners are told after the answer is sent;
one that fails is logged once and never fails a request.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.api.problems import PROBLEM

if TYPE_CHECKING:
    from pointsman.decision import Decision

log = logging.getLogger("pointsman.telemetry")


@dataclass(slots=True)
class Watched:
    """A request for a decision and what became of it.

    Attributes:
        headers: those of the request, by small names; of several of one name the first.
        began_ns: nanoseconds since 1970. `seconds`: until the answer was sent.
        status: of the answer; None where the caller left before there was one.
        problem: the code of the error that was answered.
        replayed: the id of the earlier decision that a retry with the same `Idempotency-Key` got.
        decision, stages: what was decided, and the milliseconds of embed, choose and record.
    """

    route: str
    headers: Mapping[str, str]
    began_ns: int
    seconds: float = 0.0
    status: int | None = None
    problem: str | None = None
    replayed: str | None = None
    decision: "Decision | None" = None
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """The kind of what went wrong; None where a decision was answered."""
        if self.status is not None and self.status < 400:
            return None
        return self.problem or ("disconnected" if self.status is None else str(self.status))


Listener = Callable[[Watched], None]

_watched: ContextVar[Watched | None] = ContextVar("watched", default=None)


def note(decision: "Decision", stages: Mapping[str, float]) -> None:
    """The router's observer: what was decided for the request that is being answered here."""
    watched = _watched.get()
    if watched is not None:
        watched.decision, watched.stages = decision, stages


def watch(
    app: ASGIApp, paths: Collection[str], listeners: Sequence[Listener], closing: Callable[[], None] | None = None
) -> ASGIApp:
    """The app, with every POST to one of the paths told to the listeners; the app itself where nobody listens.

    `closing` is called when the server has answered its last request: a signal ends the process right after that.
    """
    if not listeners:
        return app
    failed: set[Listener] = set()

    def tell(watched: Watched) -> None:
        for listener in listeners:
            try:
                listener(watched)
            except Exception:
                if listener not in failed:
                    failed.add(listener)
                    log.exception("telemetry failed; requests are answered all the same, and this is said once")

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and closing is not None:
            await app(scope, receive, partial(_closing, send, closing))
            return
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in paths:
            await app(scope, receive, send)
            return
        watched = Watched(scope["path"], _headers(scope["headers"]), time.time_ns())
        started = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                watched.status = message["status"]
                told = _headers(message["headers"])
                if told.get("idempotency-replayed") == "true":
                    watched.replayed = told.get("x-pointsman-decision-id")
            await send(message)

        context = _watched.set(watched)
        try:
            await app(scope, receive, sending)
        finally:
            _watched.reset(context)
            watched.seconds = time.perf_counter() - started
            watched.problem = scope.get(PROBLEM)
            tell(watched)

    return watching


async def _closing(send: Send, closing: Callable[[], None], message: Message) -> None:
    if message["type"] == "lifespan.shutdown.complete":
        closing()
    await send(message)


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(raw)}
