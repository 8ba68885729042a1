"""NVIDIA Switchyard's `POST /v1/decision`, as Kong's ai-routing-provider and Traefik's nemo-switchyard call it.

    {"input_format": "openai_chat", "request": {"model": "<config>", "messages": […]}}
    {"selected": {"target", "model", "llm_client": {"format"}, "extra_body"}, "fallbacks": […]}

No `base_url` is ever answered: a gateway compares it with its own and refuses what differs.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pointsman.dialects.naming import name_in, target_of
from pointsman.dialects.reading import format_of, read
from pointsman.dialects.request import InputFormat, Request, mapped, refuse
from pointsman.registry import ModelAtEffort, Registry, RouterConfig


def read_envelope(body: Mapping[str, Any]) -> tuple[InputFormat, Mapping[str, Any], Request]:
    """The format, the provider's body within, and its request.

    A gateway sends no tools, and may have taken the calls away with them: results without calls are let through.

    Raises:
        RequestError: the envelope or the body within is not what it should be.
    """
    form = format_of("input_format", body.get("input_format"))
    if "request" not in body:
        refuse("request", "missing", f"Send the body of the call in the format {form}.")
    inner = mapped("request", body["request"])
    return form, inner, read(inner, form, lenient=True)


def without_target(candidates: Iterable[ModelAtEffort], targets: Mapping[str, str]) -> list[str]:
    """The ids of candidates that the gateway could not be told of; none where there is no map."""
    return [one.candidate_id for one in candidates if targets and target_of(one, targets) is None]


def answer(decision: Mapping[str, Any], registry: Registry, config: RouterConfig, form: InputFormat) -> dict[str, Any]:
    """The answer of a decision (a plain document): what was chosen, and what comes after it."""

    def target(call: Mapping[str, Any]) -> dict[str, Any]:
        candidate = ModelAtEffort(registry.models[call["model_id"]], call["effort"])
        model = name_in(candidate, config.names)
        return {
            "target": target_of(candidate, config.targets) or model,
            "model": model,
            "llm_client": {"format": form},
            "extra_body": dict(candidate.request_for(form)) if candidate.effort is not None else {},
        }

    selected, *more = decision["calls"]
    return {"selected": target(selected), "fallbacks": [target(call) for call in (*more, *decision["fallbacks"])]}
