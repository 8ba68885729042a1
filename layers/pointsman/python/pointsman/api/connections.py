"""Connections of the local server: no client holds one, or the server, for longer than its share.

uvicorn's protocol with time-outs for a request's head and body and for a client that does not read its answer, a cap of
open connections, and an end that waits for nobody who sends slowly.
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pointsman.errors import Overloaded, problem_document

HEAD_S, IDLE_S, WRITE_S = 10.0, 15.0, 30.0
# A body may take this long, and longer by its size at the slowest speed that is waited for.
BODY_S, SLOWEST_BYTES_A_SECOND = 20.0, 65_536
# Refused connections are held for a moment, so that the refusal is read; so many at most, the newest.
LINGER_S, MOST_LINGERING = 1.0, 256
GRACE_S = 10
# A connection that has sent no request for so long makes room for a new one when there is no other.
PATIENT_S = 1.0


def _raw(document: dict[str, Any], reason: str, more: str = "") -> bytes:
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {document['status']} {reason}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\nx-content-type-options: nosniff\r\n{more}\r\n"
    )
    return head.encode() + body


_FULL = _raw(
    Overloaded("The server has as many connections as it takes. Try again in a second.").problem(),
    "Service Unavailable",
    "retry-after: 1\r\n",
)
_SLOW = _raw(
    problem_document(408, "timeout", "The request took too long", "The request did not arrive in time. Send it again."),
    "Request Timeout",
)


def protocol(most: int) -> type[H11Protocol]:
    """The protocol of a server that takes `most` connections at once."""
    lingering: dict[H11Protocol, None] = {}
    # Those whose next request has not arrived whole, the longest waiting first, with the time since when.
    silent: dict[Any, float] = {}

    class Bounded(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _waiting_for: str | None = None
        _refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if len(self.connections) < most or self._make_room():
                super().connection_made(transport)
                self._wait("head", HEAD_S)
                return
            self._refused = True
            self.transport = transport
            if len(lingering) >= MOST_LINGERING:
                told = next(iter(lingering))  # for the longest time
                del lingering[told]
                told.transport.abort()
            lingering[self] = None
            transport.write(_FULL)
            if transport.can_write_eof():
                transport.write_eof()
            self._timer = self.loop.call_later(LINGER_S, transport.abort)

        def _make_room(self) -> bool:
            oldest = next(iter(silent), None)
            if oldest is None or self.loop.time() - silent[oldest] < PATIENT_S:
                return False
            oldest.transport.abort()
            oldest._stop()
            return True

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            super().data_received(data)
            self._wait_for_the_rest()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            lingering.pop(self, None)
            if not self._refused:
                super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._wait("answer", WRITE_S)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop()

        def shutdown(self) -> None:
            if self._waiting_for == "head":
                self.transport.abort()
                return
            super().shutdown()
            if self._waiting_for == "body":
                self._stop()
                self._wait("body", GRACE_S / 2)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing():
                self._wait_for_the_rest()

        def _wait_for_the_rest(self) -> None:
            """What the client has yet to send decides what is waited for."""
            theirs = self.conn.their_state
            if theirs is h11.SEND_BODY:
                declared = next((int(v) for k, v in self.headers if k == b"content-length" and v.isdigit()), 0)
                self._wait("body", BODY_S + declared / SLOWEST_BYTES_A_SECOND)
            elif theirs is h11.IDLE and self.conn.trailing_data[0]:
                self._wait("head", HEAD_S)
            elif self._waiting_for != "answer":
                self._stop()
                if theirs is h11.IDLE:
                    silent[self] = self.loop.time()

        def _wait(self, what: str, seconds: float) -> None:
            if self._waiting_for == what:
                return  # every part that arrives is not a new start
            self._stop()
            self._waiting_for = what
            if what == "head":
                silent[self] = self.loop.time()
            self._timer = self.loop.call_later(seconds, self._too_slow)

        def _stop(self) -> None:
            self._waiting_for = None
            silent.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
            if self._waiting_for != "answer" and not answering and not self.transport.is_closing():
                self.transport.write(_SLOW)
                self.transport.close()
            else:
                self.transport.abort()

    return Bounded
