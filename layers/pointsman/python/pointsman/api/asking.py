"""From a body and its headers to what the router is asked: a prompt or a conversation, a config, and our own fields.

A body is either a prompt with our fields, and then nothing else may be in it, or one of a provider's dialects with our
fields beside the provider's, which are the provider's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from pointsman.api.bodies import check_names
from pointsman.api.problems import of_body
from pointsman.api.request_schemas import Dial, RouteRequest
from pointsman.dialects.fields import (
    config_named,
    idempotency_key_of,
    own_fields,
    session_id_of,
)
from pointsman.dialects.naming import known_name
from pointsman.dialects.reading import CARRIERS, dialect_of, read
from pointsman.dialects.request import Request
from pointsman.registry import Registry
from pointsman.registry.fields import Gateway

T = TypeVar("T", bound=Dial)

# How each of our fields is written in a header.
KINDS: Mapping[str, str] = {
    "config": "text",
    "task": "text",
    "preferred_input_modalities": "list",
    "supports": "list",
    "strict_supports": "flag",
    "max_output_tokens": "whole",
    "cached_input_tokens": "whole",
    "images": "whole",
    "threshold": "number",
    "worth_usd": "number",
    "within": "number",
    "models": "list",
    "exclude": "list",
    "efforts": "list",
    "max_cost_usd": "number",
    "max_latency_s": "number",
    "sticky": "text",
    "observe": "flag",
    "own_model": "text",
    "names": "text",
}
DEFAULT_CONFIG = "auto"


@dataclass(frozen=True)
class Asking:
    """What a request asks of the router, and how it wants its answer.

    `asked` are the names that the caller used for models, by ours; `names` the gateway whose names it wants.
    """

    prompt: str | Request
    config: str
    fields: Mapping[str, Any]
    session_id: str | None
    retry_key: str | None
    names: Gateway | None = None
    asked: Mapping[str, str] = field(default_factory=dict)


def asking_of(body: Mapping[str, Any], headers: Mapping[str, str], registry: Registry) -> Asking:
    """What a body of any dialect asks, with its headers (by small names).

    Raises:
        RequestError: the body speaks none or two dialects, or a field makes no sense.
    """
    found = own_fields(body, headers, KINDS)
    if not any(name in body for name in CARRIERS if name != "prompt"):
        check_names(body, RouteRequest)
        beside = {name: value for name, value in body.items() if name not in KINDS}
        checked = _checked(RouteRequest, {**beside, **found})
        return _asking(checked.prompt, checked, DEFAULT_CONFIG, body, headers, registry)
    request = read(body, dialect_of(body, anthropic_version=headers.get("anthropic-version")))
    named = config_named(request.model, registry.configs) or DEFAULT_CONFIG
    return _asking(request, _checked(Dial, found), named, body, headers, registry)


def asking_in(
    request: Request,
    bodies: Mapping[str, Any],
    headers: Mapping[str, str],
    registry: Registry,
    config: str = DEFAULT_CONFIG,
) -> Asking:
    """The same of a request that was read already; our fields may be in any of the `bodies`, merged by the caller."""
    checked = _checked(Dial, own_fields(bodies, headers, KINDS))
    return _asking(request, checked, config, bodies, headers, registry)


def _asking(
    prompt: str | Request,
    checked: Dial,
    config: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    registry: Registry,
) -> Asking:
    fields = checked.model_dump(exclude={"prompt", "config", "session_id", "names"})
    if fields["own_model"] is not None:
        fields["own_model"] = known_name(registry, fields["own_model"])
    asked: dict[str, str] = {}
    for name in ("models", "exclude"):
        if fields[name]:
            ours = [known_name(registry, theirs) for theirs in fields[name]]
            if name == "models":
                pairs = zip(ours, fields[name], strict=True)
                asked = {known: theirs for known, theirs in pairs if known != theirs}
            fields[name] = ours
    return Asking(
        prompt=prompt,
        config=checked.config if "config" in checked.model_fields_set else config,
        fields=fields,
        session_id=session_id_of(body, headers),
        retry_key=idempotency_key_of(headers),
        names=checked.names,
        asked=asked,
    )


def _checked(model: type[T], fields: Mapping[str, Any]) -> T:
    """The fields as their schema has them."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise of_body(error) from None
