"""Shadow mode: decide and record, but answer with the caller's own model, and tell what would have been chosen.

A team can so see what the router would save before anything depends on it.
"""

from collections.abc import Sequence

from pointsman.dialects.naming import candidate_of
from pointsman.dialects.request import Request
from pointsman.errors import Fault, NoCandidate, RequestError
from pointsman.registry import ModelAtEffort, Registry, RouterConfig
from pointsman.routing.asked import Asked
from pointsman.routing.deciding import Given
from pointsman.routing.weighing import Weighed


def observed_of(
    asked: Asked, body: Request, config: RouterConfig, registry: Registry, candidates: Sequence[ModelAtEffort]
) -> Given | None:
    """The caller's own model, where it is only to be observed what we would choose; None elsewhere.

    Raises:
        RequestError: the caller names no model of its own.
        UnknownModel: the registry does not know it.
    """
    observe = config.observe if asked.observe is None else asked.observe
    if not observe:
        return None
    name = asked.own_model or body.model
    if name is None or name in registry.configs:
        message, remedy = "missing", "Name the model that you would call without us, in own_model or the body's model."
        raise RequestError(f"own_model: {message}. {remedy}", [Fault("own_model", message, remedy)])
    model_id, effort = candidate_of(registry, name)
    own = registry.candidate(model_id if effort is None else f"{model_id}@{effort}")
    why = "it is the caller's own, and is only observed:"
    return Given(own.candidate_id, "observed", why, among=frozenset(one.candidate_id for one in candidates))


def check_observed(observed: Given, weighed: Weighed) -> None:
    """Raise NoCandidate where the caller's own model cannot serve the request, or nothing else can."""
    ids = weighed.ids.tolist()
    if observed.candidate_id not in ids:
        place = weighed.pool.ids.index(observed.candidate_id or "")
        why = weighed.excluded.get(place, "cannot serve it")
        remedy = "Call it without asking, or name another."
        raise NoCandidate(
            f"own_model: {observed.candidate_id} {why}. {remedy}",
            [Fault("own_model", why, remedy, observed.candidate_id)],
        )
    if not (observed.among or frozenset()) & set(ids):
        raise NoCandidate("None of the config's candidates can serve this prompt, so there is nothing to observe.")
