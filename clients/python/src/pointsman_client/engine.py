"""One thread with an event loop of its own, which asks the service and sends outcomes for both clients.

What always holds: whoever asks waits no longer than the time-out, whatever the service does with its connection; and
whoever reports does not wait at all. The thread is started when it is needed first, and anew in a forked process.
"""

import asyncio
import json
import os
import threading
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

import httpx

from pointsman_client.answer import Answer, Kind, Problem, Unreadable, answer_of, by_default
from pointsman_client.names import Names
from pointsman_client.trouble import Trouble

T = TypeVar("T")

BATCH = 200  # as many as the service takes at once
WAITING_OUTCOMES = 20_000
MOST_ANSWER_BYTES = 8 * 2**20
# Outcomes are kept while the service is away, and tried again after these pauses.
PAUSES_S = (1.0, 5.0, 30.0, 60.0)
GATHERED_S = 0.2
# How many names that the service does not know are left out before a request goes on without it.
MOST_UNKNOWN = 50
UNKNOWN_FOR_S = 600.0
# How long a connection that rests is kept: for less than the service does (15 s), or one is used while it is closed.
KEPT_S = 10.0
# How a connection ends whose other side has closed it meanwhile.
DROPPED = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class Engine:
    """What asks and reports. `http` makes the connections; it is called in the engine's own thread."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        trouble: Trouble,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._headers, self._timeout_s = url.rstrip("/"), dict(headers), timeout_s
        self.trouble = trouble
        self._transport = transport
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self._http: httpx.AsyncClient | None = None
        self._outcomes: deque[dict[str, Any]] = deque()
        self._sending: Future[None] | None = None
        self._in_flight = 0
        self.closed = False
        # Names that the service does not know, and when they are asked for again: its registry may have grown.
        self._unknown: dict[str, float] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start some work in the engine's thread.

        Raises:
            RuntimeError: the engine is closed.
        """
        if self.closed:
            work.close()
            raise RuntimeError("the client is closed")
        return asyncio.run_coroutine_threadsafe(work, self._running())

    async def route(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        detail: str,
        names: Names,
        default: str,
        timeout_s: float,
    ) -> Answer:
        """The service's answer, or the default."""
        if self.trouble.resting():
            return by_default(
                default, Problem("resting", "the service failed before and is left alone for some seconds")
            )
        after: float | None = None
        try:
            answer = await asyncio.wait_for(self._asked(body, headers, detail, names), timeout_s)
        except Unreadable as error:
            problem, after = error.problem, error.after_s
        except (TimeoutError, httpx.TimeoutException):
            problem = Problem("slow", f"no answer within {timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            problem = Problem("unreachable", f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        except Exception as error:  # whatever it is, it is no reason that the caller's request fails
            problem = Problem("unreadable", f"{type(error).__name__}: {error}")
        else:
            self.trouble.well()
            return answer
        self.trouble.failed(problem, after)
        return by_default(default, problem)

    async def _asked(self, body: Mapping[str, Any], headers: Mapping[str, str], detail: str, names: Names) -> Answer:
        models = body.get("models")
        now = time.monotonic()
        left_out = {name for name, until in self._unknown.items() if until > now}
        for _ in range(MOST_UNKNOWN):
            sent = dict(body)
            if models is not None:
                sent["models"] = [name for name in models if name not in left_out]
                if not sent["models"]:
                    raise Unreadable(Problem("refused", f"the service knows none of the models: {', '.join(models)}"))
            status, told, document = await self._post(f"/api/route?detail={detail}", sent, headers)
            if status == 200:
                return answer_of(document, names, sent.get("models"))
            missing = _unknown_models(document) & set(sent.get("models") or ())
            if not missing:
                raise _refusal(status, told, document)
            left_out |= missing
            self._unknown.update(dict.fromkeys(missing, now + UNKNOWN_FOR_S))
            self.trouble.say("unknown", f"knows no {', '.join(sorted(missing))}: routed among the others")
        raise Unreadable(Problem("refused", f"the service knows none of {MOST_UNKNOWN} of the models"))

    async def _post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> tuple[int, httpx.Headers, object]:
        """Status, headers and JSON of an answer; None for what is not JSON."""
        try:
            content_sent = json.dumps(body, default=_plain).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise Unreadable(Problem("refused", f"the request is no JSON: {error}")) from None
        told = {"content-type": "application/json", **(headers or {})}
        async with AsyncExitStack() as opened:
            response = await self._opened(opened, self._url + path, content_sent, told)
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MOST_ANSWER_BYTES:
                    raise Unreadable(Problem("unreadable", "the answer is longer than 8 MiB"))
        try:
            return response.status_code, response.headers, httpx.Response(200, content=bytes(content)).json()
        except (ValueError, RecursionError):
            if response.status_code == 200:
                kind = response.headers.get("content-type", "of no type")
                raise Unreadable(Problem("unreadable", f"the answer is not JSON ({kind})")) from None
            return response.status_code, response.headers, None

    async def _opened(
        self, opened: AsyncExitStack, url: str, content: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """An answer that has begun; asked for again where a kept connection turns out to be closed.

        That says nothing of the service, which closes what rests, makes room, or was started anew. It has not read the
        request, unless it ended in the middle of it: then it may be decided twice.
        """
        connected = False

        async def trace(event: str, _: object) -> None:
            nonlocal connected
            connected = connected or event.startswith("connection.connect")

        http, traced = self._client(), {"trace": trace}
        try:
            return await opened.enter_async_context(
                http.stream("POST", url, content=content, headers=headers, extensions=traced)
            )
        except DROPPED:
            if connected:
                raise
        return await opened.enter_async_context(http.stream("POST", url, content=content, headers=headers))

    def report(self, outcome: dict[str, Any]) -> bool:
        """Put an outcome into the queue; False where there is no more room."""
        if self.closed:
            return False
        loop = self._running()
        with self._lock:
            if len(self._outcomes) >= WAITING_OUTCOMES:
                self.trouble.say("full", f"{WAITING_OUTCOMES:,} outcomes wait for the service: more are lost")
                return False
            self._outcomes.append(outcome)
            if self._sending is None or self._sending.done():
                self._sending = asyncio.run_coroutine_threadsafe(self._send(GATHERED_S), loop)
        return True

    async def flush(self) -> None:
        """Send what waits; comes back when nothing waits any more."""
        while self._outcomes or self._in_flight:
            sending = self._sending
            if self._in_flight or (sending is not None and not sending.done()):
                await asyncio.sleep(0.01)
            else:
                await self._send(0)

    async def _send(self, gathered_s: float) -> None:
        """Send outcomes until none waits."""
        failures = 0
        await asyncio.sleep(gathered_s)
        while self._outcomes:
            batch = [self._outcomes.popleft() for _ in range(min(BATCH, len(self._outcomes)))]
            self._in_flight = len(batch)
            try:
                kept = await self._sent(batch)
            finally:
                self._in_flight = 0
            if kept:
                self._outcomes.extendleft(reversed(kept))
                if self.closed:
                    return
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
            else:
                failures = 0

    async def _sent(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send a batch; what is to be sent again."""
        try:
            status, _, document = await self._post("/api/outcomes", {"outcomes": list(batch)})
        except (httpx.HTTPError, OSError, Unreadable) as error:
            self.trouble.say("reports", f"outcomes wait: {type(error).__name__}: {error}")
            return list(batch)
        if status == 429 or status >= 500:
            self.trouble.say("reports", f"outcomes wait: it answers {status}")
            return list(batch)
        if status != 200:
            if len(batch) > 1 and status in (400, 413, 422):  # one of them may be the reason
                return [one for outcome in batch for one in await self._sent([outcome])]
            self.trouble.say("report refused", f"outcomes are lost: it answers {status}: {_detail_of(document)}")
            return []
        results = document.get("results") if isinstance(document, Mapping) else None
        for one in results if isinstance(results, list) else ():
            if isinstance(one, Mapping) and one.get("status") != 200:
                self.trouble.say("outcome refused", f"an outcome was not kept: {one.get('detail')}")
        return []

    def close(self, timeout_s: float = 2.0) -> None:
        """Send what waits, at most for so long, and end the thread."""
        with self._lock:
            if self.closed:
                return
            waits = bool(self._outcomes or self._in_flight)
            loop = self._loop if self._process == os.getpid() else None
        if waits and loop is not None:
            try:
                self.run(self.flush()).result(timeout_s)
            except Exception as error:
                self.trouble.say("lost", f"{len(self._outcomes)} outcomes are lost: {type(error).__name__}")
        self.closed = True
        if loop is not None:
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(self._end(), loop).result(1)
            loop.call_soon_threadsafe(loop.stop)

    async def _end(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                headers=self._headers,
                timeout=httpx.Timeout(max(self._timeout_s, 5.0)),
                transport=self._transport,
                limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=KEPT_S),
            )
        return self._http

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                self._http = self._sending = None
                self._in_flight = 0
                self._outcomes.clear()  # in a forked process they are its parent's, which sends them
                threading.Thread(target=_live, args=(self._loop,), name="pointsman-client", daemon=True).start()
            return self._loop


def _live(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _plain(thing: Any) -> object:
    """What SDKs put into conversations: their own objects."""
    if hasattr(thing, "model_dump"):
        return thing.model_dump(mode="json", exclude_none=True)
    if isinstance(thing, Mapping):
        return dict(thing)
    raise TypeError(f"{type(thing).__name__} cannot be sent")


def _refusal(status: int, headers: httpx.Headers, document: object) -> Unreadable:
    kind: Kind = (
        "busy" if status == 429 else "failing" if status >= 500 else "refused" if status >= 400 else "unreadable"
    )
    after = headers.get("retry-after", "") if kind in ("busy", "failing") else ""
    problem = Problem(kind, f"the service answers {status}: {_detail_of(document)}", status)
    return Unreadable(problem, float(after) if after.isdecimal() and len(after) < 9 else None)


def _detail_of(document: object) -> str:
    if isinstance(document, Mapping):
        for name in ("detail", "title", "message", "error"):
            if document.get(name):
                return str(document[name])[:500]
    return "and does not say why"


def _unknown_models(document: object) -> set[str]:
    """The names that a problem document calls unknown."""
    if not isinstance(document, Mapping) or "unknown-model" not in str(document.get("type")):
        return set()
    errors = document.get("errors")
    return {
        str(one["value"])
        for one in (errors if isinstance(errors, list) else ())
        if isinstance(one, Mapping) and str(one.get("field", "")).startswith("models") and one.get("value")
    }
