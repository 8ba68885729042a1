"""What gateways call a model, in both directions: their name to our candidate, our candidate to their name.

A name is looked for as it is given; then in small letters; then without what gateways put before or behind it, such as
`openrouter/`, `:free` or the date of a snapshot. The first that the registry knows wins.
"""

import re
from collections.abc import Iterator, Mapping

from pointsman.registry import ModelAtEffort, Registry
from pointsman.registry.fields import Gateway

# Who carries a call, as LiteLLM, Vercel and others write it before a model's name.
_CARRIERS = (
    "openrouter",
    "litellm",
    "litellm_proxy",
    "bedrock",
    "converse",
    "vertex_ai",
    "azure",
    "azure_ai",
    "models",
    "gateway",
)
_SNAPSHOT = re.compile(r"[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6}|latest)$")
_VARIANT = re.compile(r":(?:free|nitro|floor|online|extended|beta|thinking|batch)$")
_REGION = re.compile(r"^(?:us|eu|apac|jp|au|global)\.")


def candidate_of(registry: Registry, name: str) -> tuple[str, str | None]:
    """The model id and the effort (None: not named) of what a gateway calls a model.

    Raises:
        UnknownModel: nothing in the registry is called so.
    """
    found = _found(registry, name)
    return registry.split(next(_spellings(name))) if found is None else found


def known_name(registry: Registry, name: str) -> str:
    """Our own name (`id` or `id@effort`) of what a caller calls a model; as it is where nobody knows it."""
    found = _found(registry, name)
    if found is None:
        return name
    model_id, effort = found
    return model_id if effort is None else f"{model_id}@{effort}"


def _found(registry: Registry, name: str) -> tuple[str, str | None] | None:
    return next((found for spelled in _spellings(name) if (found := registry.find(spelled))), None)


def name_in(candidate: ModelAtEffort, gateway: Gateway | None, asked: Mapping[str, str] | None = None) -> str:
    """What a gateway calls the model of a candidate; where it has no name of its own there, our id.

    `asked` are names that the caller used, by candidate or model id; they win where no gateway is named.
    """
    model = candidate.model
    if gateway is not None:
        return model.gateway_names.get(gateway, model.model_id)
    if asked:
        return asked.get(candidate.candidate_id) or asked.get(model.model_id) or model.model_id
    return model.model_id


def target_of(candidate: ModelAtEffort, targets: Mapping[str, str]) -> str | None:
    """The gateway's target of a candidate, by its id or its model's; None where the map has none."""
    return targets.get(candidate.candidate_id) or targets.get(candidate.model_id)


def _spellings(name: str) -> Iterator[str]:
    """What a name may stand for, the likeliest first."""
    yield name
    small = name.strip().lower()
    yield small
    base, at, effort = small.rpartition("@")
    suffix = f"@{effort}" if at and base and not _SNAPSHOT.fullmatch(f"@{effort}") else ""
    bare = base if suffix else small
    for _ in range(4):
        shorter = _VARIANT.sub("", _SNAPSHOT.sub("", bare))
        head, slash, rest = shorter.partition("/")
        if slash and head in _CARRIERS:
            shorter = rest
        shorter = _REGION.sub("", shorter)
        if shorter == bare:
            break
        bare = shorter
        yield bare + suffix
    _, slash, rest = bare.rpartition("/")
    if slash:
        yield rest + suffix
