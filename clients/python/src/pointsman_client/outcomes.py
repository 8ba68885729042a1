"""What happened with a model, as it is reported, and the usage objects of providers.

What always holds: an outcome that is made is one that the service takes; what is wrong is told to whoever reports it.
"""

import math
from collections.abc import Mapping
from typing import Any

_COUNTS = ("input_tokens", "cached_tokens", "output_tokens")
_MEASURES = ("latency_ms", "cost_usd", "score")
_TEXTS = {"finish_reason": 64, "error": 500}
SOURCES = ("user", "judge", "test", "gateway")


def outcome_of(decision_id: str, model_id: str, usage: object, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outcome as it goes over the wire; None where nothing is said in it.

    Raises:
        ValueError: a field is not what it should be.
    """
    said = {**usage_of(usage), **{name: value for name, value in fields.items() if value is not None}}
    for name in _COUNTS:
        if name in said and (not isinstance(said[name], int) or isinstance(said[name], bool) or said[name] < 0):
            raise ValueError(f"{name}: {said[name]!r} is not a whole number of at least 0.")
    for name in _MEASURES:
        if name in said:
            said[name] = _measure(name, said[name])
    for name, most in _TEXTS.items():
        if name in said:
            said[name] = str(said[name])[:most]
    if not isinstance(said.get("completed", True), bool):
        raise ValueError(f"completed: {said['completed']!r} is neither True nor False.")
    if said.get("source", "user") not in SOURCES:
        raise ValueError(f"source: {said['source']!r} is none of {', '.join(SOURCES)}.")
    if said.get("cached_tokens", 0) > said.get("input_tokens", math.inf):
        del said["cached_tokens"]  # a provider that counts them apart; the total is what is known
    if not said.keys() - {"source"}:
        return None
    return {"id": decision_id, "model_id": model_id, **said}


def usage_of(usage: object) -> dict[str, int]:
    """Tokens of a usage object or dict of OpenAI (chat, Responses) or Anthropic; cached ones are part of the input."""
    if usage is None:
        return {}
    read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    cached = _count(_get(usage, "prompt_tokens_details"), "cached_tokens")
    if read is None and written is None:
        read, written = _count(usage, "input_tokens"), _count(usage, "output_tokens")
        cached = _count(_get(usage, "input_tokens_details"), "cached_tokens")
        kept, loaded = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
        if read is not None and (kept is not None or loaded is not None):  # Anthropic counts them beside the input
            read, cached = read + (kept or 0) + (loaded or 0), kept or 0
    found = zip(_COUNTS, (read, cached, written), strict=True)
    return {name: count for name, count in found if count is not None}


def _get(thing: object, name: str) -> object:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _count(thing: object, name: str) -> int | None:
    value = _get(thing, name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _measure(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name}: {value!r} is not a number of at least 0.")
    if name == "score" and value > 1:
        raise ValueError(f"score: {value!r} is not from 0 to 1.")
    return float(value)
