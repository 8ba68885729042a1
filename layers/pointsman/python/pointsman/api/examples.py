"""Examples of the API's description: bodies that are taken as they stand, and answers as they came.

What always holds, and `tests/contract/test_openapi_for_generators.py` checks: each fits its schema, each body is
answered with 200 by the real registry, and an answer has the fields of the one that stands here.
"""

from collections.abc import Mapping
from typing import Any

_ID = "01M8BYXNWZJHV0CA34B2ZDJ4KW"
_SMALL, _LARGE = "openai/gpt-5.6-luna", "anthropic/claude-opus-5.5"
_QUESTION = [{"role": "user", "content": "What is 1+1?"}]
_OUTCOME = {"model_id": f"{_SMALL}@medium", "completed": True, "input_tokens": 12, "output_tokens": 5, "source": "user"}

BRIEF: Mapping[str, Any] = {
    "id": _ID,
    "config": "auto",
    "selected": [f"{_SMALL}@medium"],
    "calls": [{"model_id": _SMALL, "effort": "medium", "request": {"reasoning_effort": "medium"}}],
    "fallbacks": [
        {
            "model_id": _LARGE,
            "effort": "low",
            "request": {"reasoning_effort": "low"},
            "expected_quality": 0.972157,
            "cost": 0.0095,
            "reason": "value",
        }
    ],
    "expected_quality": 0.967399,
    "cost": 0.000673,
    "costs": {"input": 1e-06, "cached": 0.0, "output": 0.000672, "total": 0.000673},
    "tokens": {"expected": 560, "p90": 1175},
    "latency": None,
    "reason": "value",
    "explanation": f"{_SMALL}@medium is worth the most of 7 candidates where a completed request is worth $0.1: "
    "97% expected.",
    "session": None,
    "shadow": None,
    "recorded": True,
}
_PLANO = {
    "models": [_SMALL, _LARGE],
    "route": "auto",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "session_id": None,
    "pinned": False,
    "switched": False,
    "calls": [
        {"model": _SMALL, "request": {"reasoning_effort": "medium"}},
        {"model": _LARGE, "request": {"reasoning_effort": "low"}},
    ],
}

# By operation, each by a word that names it.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "route": {
        "prompt": {"prompt": "What is 1+1?"},
        "among models": {"prompt": "What is 1+1?", "models": [_SMALL, _LARGE], "worth_usd": 0.1},
        "conversation": {"messages": _QUESTION, "config": "cheap", "session_id": "conversation-1"},
        "Responses": {"input": "What is 1+1?", "instructions": "Answer in a word."},
        "Messages": {"system": "Answer in a word.", "messages": _QUESTION, "max_tokens": 1024},
    },
    "decideForSwitchyard": {
        "chat": {"input_format": "openai_chat", "request": {"model": "auto", "messages": _QUESTION}}
    },
    "routeChatForPlano": {"chat": {"model": "auto", "messages": _QUESTION}},
    "routeMessagesForPlano": {"messages": {"model": "auto", "messages": _QUESTION, "max_tokens": 1024}},
    "routeResponsesForPlano": {"response": {"model": "auto", "input": "What is 1+1?"}},
    "replaceOutcome": {"judged": _OUTCOME},
    "addOutcome": {
        "judged": _OUTCOME,
        "used": {"model_id": f"{_SMALL}@medium", "input_tokens": 12, "output_tokens": 5, "latency_ms": 840.0},
        "failed": {"model_id": f"{_SMALL}@medium", "error": "timed out after 30 s", "source": "gateway"},
    },
    "addOutcomes": {"batch": {"outcomes": [{"id": _ID, **_OUTCOME}]}},
}
ANSWERS: Mapping[str, Any] = {
    "route": BRIEF,
    "routeChatForPlano": _PLANO,
    "routeMessagesForPlano": _PLANO,
    "routeResponsesForPlano": _PLANO,
    "listDecisions": {
        "calls": [
            {
                "id": _ID,
                "ts": "2026-11-26T12:57:38.463Z",
                "caller": None,
                "config": "auto",
                "selected": [f"{_SMALL}@medium"],
                "expected_quality": 0.967399,
                "cost": 0.000673,
                "reason": "value",
                "strongest": {"model_id": f"{_LARGE}@high", "cost": 0.0454},
                "prompt_preview": "What is 1+1?",
            }
        ],
        "next": None,
    },
    "deleteDecision": {"deleted": _ID},
    "addOutcomes": {"results": [{"id": _ID, "model_id": f"{_SMALL}@medium", "status": 200}]},
    "getReadiness": {
        "status": "ready",
        "artifact": "d64dc4b3387a00f66a2382e2762e9e55918b0c38adf00659e51d0b26a9ba3870",
        "store": "writable",
        "last_append": "2026-11-26T12:57:38.557Z",
    },
}
PROBLEM: Mapping[str, Any] = {
    "type": "urn:pointsman:problem:invalid-request",
    "title": "The request is not valid",
    "status": 422,
    "detail": "thresold: unknown field. Did you mean 'threshold'?",
    "errors": [{"field": "thresold", "message": "unknown field", "remedy": "Did you mean 'threshold'?"}],
}
# What is refused with just that.
REFUSED: Mapping[str, Any] = {"prompt": "What is 1+1?", "thresold": 0.8}
