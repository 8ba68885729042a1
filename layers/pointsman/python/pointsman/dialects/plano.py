"""Plano's `POST /routing/v1/{chat/completions, messages, responses}`: models in the order they are to be tried."""

from collections.abc import Mapping
from typing import Any

from ulid import ULID

from pointsman.dialects.naming import name_in
from pointsman.dialects.request import InputFormat
from pointsman.registry import ModelAtEffort, Registry
from pointsman.registry.fields import Gateway

FORMATS: Mapping[str, InputFormat] = {
    "chat/completions": "openai_chat",
    "messages": "anthropic_messages",
    "responses": "openai_responses",
}


def answer(
    decision: Mapping[str, Any],
    registry: Registry,
    form: InputFormat,
    gateway: Gateway | None,
    asked: Mapping[str, str],
    *,
    trace_id: str | None,
    session_id: str | None,
) -> dict[str, Any]:
    """The answer of a decision (a plain document). `calls` adds to the models what asks for their effort.

    Args:
        gateway, asked: in whose names the models are told.
        trace_id: of the caller; without one, the decision's id as 32 hexadecimal digits.
        session_id: as the caller gave it.
    """
    calls = []
    for call in (*decision["calls"], *decision["fallbacks"]):
        candidate = ModelAtEffort(registry.models[call["model_id"]], call["effort"])
        request = dict(candidate.request_for(form)) if candidate.effort is not None else {}
        calls.append({"model": name_in(candidate, gateway, asked), "request": request})
    session = decision.get("session") or {}
    return {
        "models": [call["model"] for call in calls],
        "route": decision["config"],
        "trace_id": trace_id or f"{int(ULID.from_str(decision['id'])):032x}",
        "session_id": session_id,
        "pinned": bool(session.get("stayed")),
        "switched": bool(session.get("switched")),
        "calls": calls,
    }
