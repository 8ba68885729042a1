"""Routing in the LiteLLM proxy: a callback that asks Pointsman before a call and reports usage after it.

    litellm_settings:
      callbacks: pointsman_client.litellm.routing
    callback_settings:
      pointsman: {url: http://127.0.0.1:8080}

A request for a model called `auto`, `pointsman` or `pointsman/CONFIG` is routed among the chat models of the proxy's
`model_list` (or every request, with `route: all`). What always holds: where Pointsman gives no answer that can
be used, the request goes on as it came; and a call that was not routed is not reported.
"""

# ruff: noqa: ARG002 (the signatures are LiteLLM's)
import importlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pointsman_client.answer import Answer, Call
from pointsman_client.client import AsyncClient
from pointsman_client.names import Names, folded

if TYPE_CHECKING:

    class CustomLogger:
        """LiteLLM's own class."""
else:
    from litellm.integrations.custom_logger import CustomLogger

log = logging.getLogger("pointsman_client")

# LiteLLM's names of the calls that are routed, and the dialect of each.
DIALECTS = {
    "completion": "chat", "acompletion": "chat", "anthropic_messages": "messages", "aanthropic_messages": "messages",
    "responses": "responses", "aresponses": "responses",
}  # fmt: skip
# What decides of a body; the rest holds LiteLLM's own objects and secrets.
TOLD = (
    "messages", "system", "input", "instructions", "tools", "response_format", "text", "max_tokens",
    "max_completion_tokens", "max_output_tokens",
)  # fmt: skip
# How a body asks for effort: what was decided takes the place of all of them.
EFFORT = ("reasoning_effort", "thinking", "reasoning", "output_config")
ROUTED = ("auto", "pointsman")
PREFIX = "pointsman/"
KEPT = 20_000
LOOKED_AFTER_S = 10.0


@dataclass
class _Asked:
    """A call that was asked about: the answer, what the request asked for, and what was reported of it."""

    answer: Answer
    asked: str
    observed: bool
    reported: set[str] = field(default_factory=set)


class Routing(CustomLogger):
    """The callback.

    Args:
        client: asks the service.
        config: of requests for `auto` and `pointsman`; the service's own default where it is None.
        every: route every request, not only those for such a name.
        observe: decide, record and report, and leave every request as it came.
        deployments: the proxy's `model_list`; LiteLLM's running one where it is not given.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        config: str | None = None,
        every: bool = False,
        observe: bool = False,
        deployments: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        super().__init__()
        self.client, self.config, self.observe, self.every = client, config, observe, every
        self._deployments = deployments or _running_deployments
        self._calls: OrderedDict[str, _Asked] = OrderedDict()
        self._names = Names()
        # Pointsman's name of each group's model, also of those that are no candidates.
        self._own: dict[str, str] = {}
        self._groups: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: object, data: dict[str, Any], call_type: str
    ) -> dict[str, Any] | None:
        """Set model, effort and fallbacks of a request; LiteLLM calls it before it chooses a deployment."""
        asked, dialect = data.get("model"), DIALECTS.get(call_type)
        if dialect is None or not isinstance(asked, str) or not (self.every or _is_routed(asked)):
            return None
        try:
            return await self._route(user_api_key_dict, data, asked, dialect)
        except Exception:  # the caller's request is worth more than the reason
            log.exception("A request for %s goes on as it came", asked)
            return None

    async def _route(self, key: Any, data: dict[str, Any], asked: str, dialect: str) -> dict[str, Any] | None:
        self._look()
        candidates = _allowed(self._names, key)
        if not candidates:
            return None
        headers = {"anthropic-version": "2023-06-01"} if dialect == "messages" else {}
        observed = {"observe": True, "own_model": self._own.get(asked, asked)} if self.observe else {}
        answer = await self.client.route(
            body={name: data[name] for name in TOLD if data.get(name) is not None} | observed,
            default=asked,
            models=candidates,
            config=_config(asked) or self.config,
            session_id=_session_of(data),
            headers=headers,
        )
        if call_id := data.get("litellm_call_id"):
            self._calls[call_id] = _Asked(answer, asked, self.observe)
            while len(self._calls) > KEPT:
                self._calls.popitem(last=False)
        if self.observe or not answer.routed:
            return None
        data["model"] = answer.model
        _set_effort(data, answer, dialect)
        if not data.get("fallbacks"):
            own = [{"model": asked}] if asked in self._groups and asked != answer.model else []
            fallbacks = [_fallback(one, dialect) for one in answer.fallbacks if one.model != answer.model]
            if fallbacks or own:
                data["fallbacks"] = [*fallbacks, *own]
        # A model that lacks a parameter of the caller's is no reason that its request fails.
        data.setdefault("drop_params", True)
        return data

    def _look(self) -> None:
        """Take up the proxy's models, which may change while it runs."""
        if time.monotonic() - self._looked_at < LOOKED_AFTER_S:
            return
        self._looked_at = time.monotonic()
        deployments = self._deployments()
        pairs: dict[str, str] = {}
        groups: set[str] = set()
        own: dict[str, str] = {}
        taken: dict[str, str] = {}
        for one in deployments:
            name, ours = one.get("model_name"), _candidate(one)
            if isinstance(name, str):
                groups.add(name)
                own.setdefault(name, ours or str((one.get("litellm_params") or {}).get("model") or name))
            if not isinstance(name, str) or ours is None or name in pairs:
                continue
            if (other := taken.setdefault(folded(ours), name)) != name:
                self.client.trouble.say(f"twice {ours}", f"{ours} is {other} and {name}: {other} is used")
                continue
            pairs[name] = ours
        self._names, self._groups, self._own = Names(pairs), frozenset(groups), own
        self.client.names = self._names

    async def async_log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: object, start_time: datetime, end_time: datetime
    ) -> None:
        """Report what a routed call used."""
        self._report(kwargs, start_time, end_time, failed=False)

    async def async_log_failure_event(
        self, kwargs: Mapping[str, Any], response_obj: object, start_time: datetime, end_time: datetime
    ) -> None:
        """Report that a routed call failed."""
        self._report(kwargs, start_time, end_time, failed=True)

    def _report(self, kwargs: Mapping[str, Any], start: datetime, end: datetime, *, failed: bool) -> None:
        call = self._calls.get(str(kwargs.get("litellm_call_id")))
        if call is None or not call.answer.routed:
            return
        try:
            said: Mapping[str, Any] = kwargs.get("standard_logging_object") or {}
            served = said.get("model_group") or call.answer.model
            model = self._served(call, served)
            # A stream and an adapter within a call are logged more than once.
            if (seen := f"{served} failed" if failed else "served") in call.reported or model is None:
                return
            call.reported.add(seen)
            used = {} if failed else _used(said)
            self.client.report(
                call.answer,
                model=model,
                latency_ms=max(0.0, (end - start).total_seconds() * 1000),
                error=_error_of(kwargs, said) if failed else None,
                source="gateway",
                **used,
            )
        except Exception:
            log.exception("A call is not reported")

    def _served(self, call: _Asked, group: str) -> Call | str | None:
        """Who served a call, of what was decided where it was one of those."""
        if not call.observed:
            for one in (call.answer, *call.answer.fallbacks):
                if one.model == group:
                    return one
        return self._own.get(group)

    async def async_post_call_response_headers_hook(
        self, data: Mapping[str, Any], user_api_key_dict: object, response: object, **_: object
    ) -> dict[str, str] | None:
        """Tell the caller what was decided, so that it can report how it went; or why it was not, or is not kept."""
        call = self._calls.get(str(data.get("litellm_call_id")))
        if call is None:
            return None
        answer = call.answer
        told = {
            "x-pointsman-decision-id": answer.decision_id,
            "x-pointsman-model": answer.candidate_id,
            "x-pointsman-problem": answer.problem.kind
            if answer.problem
            else None
            if answer.recorded
            else "not_recorded",
        }
        return {name: value for name, value in told.items() if value and value.isascii()}


def _running_deployments() -> Sequence[Mapping[str, Any]]:
    router = getattr(importlib.import_module("litellm.proxy.proxy_server"), "llm_router", None)
    return list(getattr(router, "model_list", None) or ())


def _is_routed(name: str) -> bool:
    return name in ROUTED or name.startswith(PREFIX)


def _config(name: str) -> str | None:
    """The config that a routed name asks for; None for the usual one."""
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def _candidate(deployment: Mapping[str, Any]) -> str | None:
    """Pointsman's name of a deployment's model; None where it is no candidate.

    `model_info.pointsman` says it, else `litellm_params.model` with the effort that the deployment sets.
    """
    info, params = deployment.get("model_info") or {}, deployment.get("litellm_params") or {}
    name, mode, model = deployment.get("model_name"), info.get("mode"), params.get("model")
    told = info.get("pointsman")
    if isinstance(told, str) and told:
        return told
    if told is False or mode not in (None, "chat", "responses", "completion"):
        return None
    if not isinstance(name, str) or not isinstance(model, str) or _is_routed(name) or "*" in name + model:
        return None
    effort = params.get("reasoning_effort")
    return f"{model}@{effort}" if isinstance(effort, str) else model


def _allowed(names: Names, key: Any) -> list[str]:
    """The candidates that a key may call; all of them where it is held to none of them by name."""
    allowed = list(names.ours)
    for held in (getattr(key, "models", None), getattr(key, "team_models", None)):
        named = [name for name in allowed if name in held] if isinstance(held, (list, tuple)) else []
        allowed = named or allowed
    return allowed


def _session_of(data: Mapping[str, Any]) -> str | None:
    for place in (data, data.get("metadata"), data.get("litellm_metadata")):
        for name in ("litellm_session_id", "session_id"):
            if isinstance(place, Mapping) and isinstance(found := place.get(name), str) and found.strip():
                return found[:256]
    return None


def _effort_in(call: Call, dialect: str) -> dict[str, Any]:
    """What asks for the effort of a call, in the dialect of the request."""
    # LiteLLM takes OpenAI's word for it in messages, too, and says it as the model's provider does.
    return call.request_for("openai_responses" if dialect == "responses" else "openai_chat")


def _set_effort(data: dict[str, Any], call: Call, dialect: str) -> None:
    asked = _effort_in(call, dialect)
    if not asked:
        return
    for name in EFFORT:
        if name == "output_config" and isinstance(data.get(name), Mapping):  # it holds the format of the answer, too
            data[name] = {key: value for key, value in data[name].items() if key != "effort"}
        elif name in data and not (name == "reasoning" and name in asked and isinstance(data[name], Mapping)):
            del data[name]
    for name, value in asked.items():
        data[name] = (
            {**data[name], **value} if isinstance(data.get(name), Mapping) and isinstance(value, dict) else value
        )


def _fallback(call: Call, dialect: str) -> dict[str, Any]:
    """A fallback as LiteLLM takes it: a group, and what differs in the call."""
    return {"model": call.model, **_effort_in(call, dialect)}


def _used(said: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens, cost and end of a call from LiteLLM's record of it."""
    usage = (said.get("metadata") or {}).get("usage_object") or {}
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens")
    response = said.get("response")
    found = {
        "input_tokens": _whole(said.get("prompt_tokens")),
        "cached_tokens": _whole(cached if cached is not None else usage.get("cache_read_input_tokens")),
        "output_tokens": _whole(said.get("completion_tokens")),
        # LiteLLM says 0 of a model whose price it does not know.
        "cost_usd": said.get("response_cost") or None,
        "finish_reason": _finish_of(response) if isinstance(response, Mapping) else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _finish_of(response: Mapping[str, Any]) -> str | None:
    """Why an answer ended: of chat, messages or Responses."""
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    for found in (first.get("finish_reason"), response.get("stop_reason")):
        if isinstance(found, str):
            return found
    if (reason := (response.get("incomplete_details") or {}).get("reason")) is not None:
        return str(reason)
    output = response.get("output")
    if response.get("status") != "completed" or not isinstance(output, list):
        return None
    called = any(isinstance(one, Mapping) and one.get("type") == "function_call" for one in output)
    return "tool_calls" if called else "stop"


def _error_of(kwargs: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """The kind of an error and its status; the text may quote the prompt and is left out."""
    information = said.get("error_information") or {}
    kind = information.get("error_class") or type(kwargs.get("exception")).__name__
    code = information.get("error_code")
    return f"{kind} {code}" if code else str(kind)


SETTINGS = ("url", "token", "config", "route", "observe", "timeout_s")


def from_settings(given: Mapping[str, Any]) -> Routing:
    """The callback as `callback_settings: {pointsman: …}` says; POINTSMAN_URL and POINTSMAN_TOKEN stand for theirs.

    Raises:
        ValueError: a setting is unknown or makes no sense.
    """
    if unknown := sorted(given.keys() - set(SETTINGS)):
        raise ValueError(f"callback_settings.pointsman.{unknown[0]}: unknown. Use one of: {', '.join(SETTINGS)}.")
    route, observe = given.get("route", "named"), given.get("observe", False)
    if route not in ("named", "all"):
        raise ValueError(f"callback_settings.pointsman.route: {route!r} is neither named nor all.")
    if not isinstance(observe, bool):
        raise ValueError(f"callback_settings.pointsman.observe: {observe!r} is neither true nor false.")
    client = AsyncClient(given.get("url"), token=given.get("token"), timeout_s=float(given.get("timeout_s", 0.5)))
    return Routing(client, config=given.get("config"), every=route == "all", observe=observe)


routing: Routing


def __getattr__(name: str) -> Any:
    """`routing` is made when the proxy asks for it, of the settings that it has read by then."""
    if name != "routing":
        raise AttributeError(name)
    settings = getattr(importlib.import_module("litellm"), "callback_settings", None) or {}
    made = globals()["routing"] = from_settings(settings.get("pointsman") or {})
    return made
