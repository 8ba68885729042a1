"""The clients: `Client` for threads, `AsyncClient` for event loops. Both ask through the same engine."""

import asyncio
import concurrent.futures
import importlib
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal

import httpx

from pointsman_client.answer import Answer, Call, Problem, by_default
from pointsman_client.engine import Engine
from pointsman_client.names import Names
from pointsman_client.outcomes import outcome_of
from pointsman_client.trouble import Trouble

Models = Mapping[str, str] | Iterable[str | tuple[str, str]]
Source = Literal["user", "judge", "test", "gateway"]
Detail = Literal["brief", "full"]

# What a caller waits beyond the time-out, should the engine's thread itself be held up.
SLACK_S = 0.25


def _before_threads_end(close: Callable[[], object]) -> None:
    """Have it called while names can still be looked up, which takes threads that end before `atexit` comes."""
    # Last registered, first called: the executor that looks names up registers its own end when it is imported.
    importlib.import_module("concurrent.futures.thread")
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with suppress(RuntimeError):  # the program ends already
            register(close)


class _Base:
    """What both clients are made of.

    Args:
        url: of the service; POINTSMAN_URL, else http://127.0.0.1:8080.
        default: the caller's model where the service gives no answer that can be used.
        models: the models that the caller has: `{its name: Pointsman's id}`, or names that both use. They are the
            candidates of every request, and no other is ever answered. Without it, names are the service's.
        token: POINTSMAN_TOKEN where it is not given.
        timeout_s: the longest that a request waits for an answer, connecting included.
        rest_s: after three failures in a row the service is not asked for so long; 0: it is asked each time.

    Raises:
        NamesError: a name in `models` has two meanings.
        ValueError: the url or the time-out is none.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        default: str | None = None,
        models: Models = (),
        config: str | None = None,
        token: str | None = None,
        timeout_s: float = 0.5,
        rest_s: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = url or os.environ.get("POINTSMAN_URL") or "http://127.0.0.1:8080"
        token = token or os.environ.get("POINTSMAN_TOKEN")
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url: {url!r} is no address. Use one such as http://127.0.0.1:8080.")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s: {timeout_s!r} is not a time. Give seconds, such as 0.5.")
        self.names, self.default, self.config, self.timeout_s = Names(models), default, config, timeout_s
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.trouble = Trouble(f"Pointsman at {url}", rest_s)
        self._engine = Engine(url, headers, timeout_s, self.trouble, transport)
        # Outcomes that wait are sent when the client is forgotten, or the program ends.
        self._ending = weakref.finalize(self, self._engine.close)
        _before_threads_end(self._ending)

    def report(
        self,
        answer: Answer | str | None,
        *,
        model: Call | str | None = None,
        usage: object = None,
        completed: bool | None = None,
        score: float | None = None,
        input_tokens: int | None = None,
        cached_tokens: int | None = None,
        output_tokens: int | None = None,
        latency_ms: float | None = None,
        cost_usd: float | None = None,
        finish_reason: str | None = None,
        error: str | None = None,
        source: Source | None = None,
    ) -> bool:
        """Say what happened, without waiting; whether there is anything to report.

        Args:
            answer: what `route` gave, or a decision's id (then `model` is needed). One that was not routed is not
                reported, and neither is one that was not recorded.
            model: who served, where it was not the chosen one: a fallback, or a name.
            usage: the provider's usage object or dict (OpenAI, Anthropic), instead of the three counts.
            completed: did it complete the request? None where nobody judged.
            source: who says so.

        Raises:
            ValueError: a field is not what it should be.
        """
        decision_id = answer.decision_id if isinstance(answer, Answer) else answer
        if decision_id is None or (isinstance(answer, Answer) and not (answer.routed and answer.recorded)):
            return False
        served = model if model is not None else answer if isinstance(answer, Answer) else None
        if served is None:
            raise ValueError("model: a decision's id alone does not say who served. Give model.")
        model_id = served.candidate_id if isinstance(served, Call) else self._id_of(served, answer)
        if model_id is None:
            raise ValueError(f"model: {served} was not chosen by the service. Give a name.")
        fields = {
            "completed": completed, "score": score, "input_tokens": input_tokens, "cached_tokens": cached_tokens,
            "output_tokens": output_tokens, "latency_ms": latency_ms, "cost_usd": cost_usd,
            "finish_reason": finish_reason, "error": error, "source": source,
        }  # fmt: skip
        outcome = outcome_of(decision_id, model_id, usage, fields)
        return outcome is not None and self._engine.report(outcome)

    def _id_of(self, name: str, answer: Answer | str | None) -> str:
        """The candidate that a name of the caller's means; of an answer, one of its calls where it is one."""
        if isinstance(answer, Answer):
            for call in (answer, *answer.fallbacks):
                if name == call.model and call.candidate_id is not None:
                    return call.candidate_id
        return self.names.report(name)

    def _asked(
        self,
        messages: Sequence[Any] | None,
        prompt: str | None,
        default: str | None,
        models: Sequence[str] | None,
        config: str | None,
        session_id: str | None,
        body: Mapping[str, Any] | None,
        fields: Mapping[str, Any],
    ) -> tuple[dict[str, Any], str]:
        """The body of a request and the default. ValueError: the call itself makes no sense."""
        default = default or self.default
        if default is None:
            raise ValueError("default: missing. Name the model that serves where Pointsman gives no answer.")
        given = {"messages": messages, "prompt": prompt}
        if sum(one is not None for one in (messages, prompt, body)) != 1:
            raise ValueError("Give one of messages, prompt and body.")
        ours = {
            "models": self.names.ask(models),
            "config": config or self.config,
            "session_id": session_id,
        }
        sent = {
            **(body or {}),
            **{name: value for name, value in {**given, **ours, **fields}.items() if value is not None},
        }
        return sent, default

    def _late(self, default: str, timeout_s: float) -> Answer:
        if self._engine.closed:
            return by_default(default, Problem("closed", "the client is closed"))
        problem = Problem("slow", f"no answer within {timeout_s:g} s")
        self.trouble.failed(problem)
        return by_default(default, problem)


class Client(_Base):
    """Asks a Pointsman service; for threads. The arguments are those of both clients (see the package's page)."""

    def route(
        self,
        *,
        messages: Sequence[Any] | None = None,
        prompt: str | None = None,
        body: Mapping[str, Any] | None = None,
        default: str | None = None,
        models: Sequence[str] | None = None,
        config: str | None = None,
        session_id: str | None = None,
        timeout_s: float | None = None,
        detail: Detail = "brief",
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Which model should serve this? The default's answer where the service has none.

        Args:
            messages, prompt, body: one of them: messages of OpenAI or Anthropic, a prompt, or a whole body of a
                provider's API (chat, Responses, Anthropic's messages).
            models: the candidates, in the caller's names.
            fields: anything else that `POST /api/route` takes: threshold, worth_usd, exclude, efforts, tools, …

        Raises:
            ValueError: no default, or not one of messages, prompt and body.
        """
        sent, default = self._asked(messages, prompt, default, models, config, session_id, body, fields)
        within = timeout_s or self.timeout_s
        try:
            work = self._engine.route(sent, headers or {}, detail, self.names, default, within)
            return self._engine.run(work).result(within + SLACK_S)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError, RuntimeError):
            return self._late(default, within)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until the outcomes are sent; False where they are not after so long."""
        try:
            self._engine.run(self._engine.flush()).result(timeout_s)
        except (concurrent.futures.TimeoutError, RuntimeError):
            return False
        return True

    def close(self) -> None:
        """Send the outcomes that wait (two seconds at most), and end."""
        self._ending()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class AsyncClient(_Base):
    """The same for event loops; it may be used from any loop, and from several."""

    async def route(
        self,
        *,
        messages: Sequence[Any] | None = None,
        prompt: str | None = None,
        body: Mapping[str, Any] | None = None,
        default: str | None = None,
        models: Sequence[str] | None = None,
        config: str | None = None,
        session_id: str | None = None,
        timeout_s: float | None = None,
        detail: Detail = "brief",
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Which model should serve this? As `Client.route`."""
        sent, default = self._asked(messages, prompt, default, models, config, session_id, body, fields)
        within = timeout_s or self.timeout_s
        try:
            work = self._engine.route(sent, headers or {}, detail, self.names, default, within)
            return await asyncio.wait_for(asyncio.wrap_future(self._engine.run(work)), within + SLACK_S)
        except (TimeoutError, concurrent.futures.CancelledError, RuntimeError):
            return self._late(default, within)

    async def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until the outcomes are sent; False where they are not after so long."""
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._engine.run(self._engine.flush())), timeout_s)
        except (TimeoutError, RuntimeError):
            return False
        return True

    async def close(self) -> None:
        """Send the outcomes that wait (two seconds at most), and end."""
        await asyncio.to_thread(self._ending)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()
