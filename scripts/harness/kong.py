"""What Kong's `ai-routing-provider` does with a decision, as its documentation tells it: what it asks, what it refuses.

The plugin asks once, within 300 ms, and takes advice only: a target must be one of its own, with the model, format and
address that it knows. On anything else it uses its default target. By default it withholds every text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

Disclosure = Literal["none", "latest_user_prompt", "recent_message_window", "full"]
WINDOW = 4


@dataclass(frozen=True)
class Target:
    """A model that the gateway may reach."""

    model: str
    protocol: str = "openai_chat"
    base_url: str = "https://provider.example/v1"


@dataclass(frozen=True)
class Routed:
    """Which target serves a request, whether a decision said so, and why not."""

    backend: str
    outcome: Literal["enforced", "fallback"]
    reason: str | None = None
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plugin:
    """The plugin as it is configured."""

    client: httpx.Client
    decision_route: str
    targets: Mapping[str, Target]
    default_target: str
    protocol: str = "openai_chat"
    disclosure: Disclosure = "none"
    timeout_s: float = 0.3

    def route(self, messages: Sequence[Mapping[str, Any]], session_id: str) -> Routed:
        """The target of a request with these messages."""
        request = {"model": self.decision_route, "messages": self.disclosed(messages)}
        if self.protocol == "openai_responses":
            request = {"model": self.decision_route, "input": request["messages"]}
        try:
            answer = self.client.post(
                "/v1/decision",
                json={"input_format": self.protocol, "request": request},
                headers={"x-switchyard-session-id": session_id},
                timeout=self.timeout_s,
            )
        except httpx.HTTPError as error:
            return self._fallback(f"decision call failed: {type(error).__name__}")
        if answer.status_code != 200:
            return self._fallback(f"decision call failed: status {answer.status_code}")
        return self._judged(answer)

    def disclosed(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages as they leave the gateway: roles and places stay, texts as far as they are shared."""
        users = [i for i, message in enumerate(messages) if message["role"] == "user"]
        shown: set[int] = {
            "none": set(),
            "latest_user_prompt": set(users[-1:]),
            "recent_message_window": set(range(max(0, len(messages) - WINDOW), len(messages))),
            "full": set(range(len(messages))),
        }[self.disclosure]
        return [
            dict(message)
            if i in shown
            else {"role": message["role"], "content": f"[redacted: {len(str(message['content']))} chars]"}
            for i, message in enumerate(messages)
        ]

    def _judged(self, answer: httpx.Response) -> Routed:
        try:
            selected = answer.json()["selected"]
            name, client = selected["target"], selected.get("llm_client") or {}
        except (ValueError, KeyError, TypeError):
            return self._fallback("malformed decision")
        known = self.targets.get(name) if isinstance(name, str) else None
        if known is None:
            return self._fallback(f"unknown target {name!r}")
        told = {"model": selected.get("model"), "format": client.get("format"), "base_url": client.get("base_url")}
        bound = {"model": known.model, "format": known.protocol, "base_url": known.base_url}
        for field, value in told.items():
            if value is not None and value != bound[field]:
                return self._fallback(f"drift: {field} is {value!r}, not {bound[field]!r}")
        more = answer.json().get("fallbacks") or []
        return Routed(name, "enforced", None, tuple(one["target"] for one in more))

    def _fallback(self, reason: str) -> Routed:
        return Routed(self.default_target, "fallback", reason)
