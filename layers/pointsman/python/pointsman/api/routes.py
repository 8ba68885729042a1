"""The routes of contract 7. A handler parses, calls the library and answers; it catches nothing.

Deciding needs the embedder; everything else does not, so the two groups can live in separate functions.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from pointsman.api.bodies import BodyRoute
from pointsman.api.doors import AccessOf
from pointsman.api.health import Health
from pointsman.api.openapi import may, problems
from pointsman.api.outcome_schemas import OutcomeRequest, OutcomeResultsOut, OutcomesRequest
from pointsman.api.request_schemas import HistoryQuery
from pointsman.api.schemas import (
    ConfigsOut,
    DeletedOut,
    HealthOut,
    HistoryOut,
    ModelsOut,
    ReadyOut,
    RecordedDecisionOut,
)
from pointsman.dialects.naming import known_name
from pointsman.errors import Fault, NotFound, RequestError
from pointsman.history import Filter, History, erasure
from pointsman.history.asking import decision_id_of, page_of
from pointsman.history.base import no_such_decision
from pointsman.registry import Model, ModelAtEffort, Registry

DecisionId = Annotated[str, Path(examples=["01KAQ3V9ZC8M0Y6W2N4T7R5B1D"])]


def answer(document: Mapping[str, Any]) -> Response:
    """A JSON answer of what is known to be right; it is not checked a second time against its schema."""
    return Response(orjson.dumps(document), media_type="application/json")


def health_routes(health: Health) -> APIRouter:
    """`GET /api/health` (and `/health`) and `/api/ready`. The first is answered in the event loop, from memory."""
    routes = APIRouter(tags=["health"])

    async def alive() -> Response:
        """Whether the process answers: version, artifact, registry, and how recording goes."""
        return answer(health.alive())

    routes.get("/api/health", operation_id="getHealth", response_model=HealthOut)(alive)
    routes.get("/health", include_in_schema=False)(alive)

    @routes.get("/api/ready", operation_id="getReadiness", response_model=ReadyOut, responses=problems(503))
    def ready() -> Response:
        """Whether it can do its work: artifact loaded, store writable."""
        return answer(health.ready())

    return routes


def registry_routes(registry: Registry) -> APIRouter:
    """`GET /api/configs` and `/api/models`; answered from memory."""
    routes = APIRouter(prefix="/api", tags=["registry"])
    configs = [
        {**config.model_dump(mode="json"), "candidates": len(registry.candidates(config))}
        for config in registry.configs.values()
    ]
    models = [_model(model, registry) for model in registry.models.values()]

    @routes.get("/configs", operation_id="listConfigs", response_model=ConfigsOut)
    def get_configs() -> Response:
        """Every router config."""
        return answer({"configs": configs})

    @routes.get("/models", operation_id="listModels", response_model=ModelsOut)
    def get_models() -> Response:
        """Every model of the registry."""
        return answer({"models": models})

    return routes


def once_each(request: Request) -> None:
    """Raise RequestError where a parameter is given twice: only one of them could be heard."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            message, remedy = "given more than once", "Give it once."
            raise RequestError(f"{name}: {message}. {remedy}", [Fault(name, message, remedy)])


def history_routes(history: History, registry: Registry, access_of: AccessOf) -> APIRouter:
    """`GET /api/history`, one decision, its outcomes, and its end."""
    routes = APIRouter(prefix="/api/history", tags=["history"], route_class=BodyRoute)
    batches = APIRouter(prefix="/api/outcomes", tags=["history"], route_class=BodyRoute)

    @routes.get(
        "",
        operation_id="listDecisions",
        response_model=HistoryOut,
        responses=problems(400, 422, 503),
        dependencies=[Depends(once_each)],
        openapi_extra=may("read"),
    )
    def page(asked: Annotated[HistoryQuery, Query()], http: Request) -> Response:
        """Decisions, newest first: the caller's own, unless its token may read all."""
        access = access_of(http)
        access.need("read")
        where = Filter(asked.config, asked.model, asked.since, asked.until)
        visible = None if access.may("read:all") else access.may_see
        found = page_of(history, registry, asked.limit, asked.cursor, where, visible)
        return answer({"calls": found.calls, "next": found.next})

    @routes.get(
        "/{decision_id}",
        operation_id="getDecision",
        response_model=RecordedDecisionOut,
        responses=problems(404, 503),
        openapi_extra=may("read"),
    )
    def get(decision_id: DecisionId, http: Request) -> Response:
        """A whole decision with its outcomes."""
        access = access_of(http)
        access.need("read")
        found = history.get(decision_id_of(decision_id))
        if not access.may_see(found["caller"]):
            raise no_such_decision(decision_id)
        return answer(found)

    @routes.delete(
        "/{decision_id}",
        operation_id="deleteDecision",
        response_model=DeletedOut,
        responses=problems(404, 503),
        openapi_extra=may("admin"),
    )
    def delete(decision_id: DecisionId, http: Request) -> Response:
        """Delete a decision with its outcomes; a note of it, without content, is kept."""
        access = access_of(http)
        access.need("admin")
        known = decision_id_of(decision_id)
        erasure.delete(history, known, access.name)
        return answer({"deleted": known})

    @routes.put(
        "/{decision_id}/outcomes",
        operation_id="replaceOutcome",
        response_model=RecordedDecisionOut,
        responses=problems(400, 404, 413, 422, 503),
        openapi_extra=may("report"),
    )
    def put_outcome(decision_id: DecisionId, outcome: OutcomeRequest, http: Request) -> Response:
        """Keep what really happened with a model; the last one of a candidate stands.

        Whoever may report and not see the decision gets it without what was asked.
        """
        return told(report(decision_id, outcome, http, add=False), http)

    @routes.post(
        "/{decision_id}/outcomes",
        operation_id="addOutcome",
        response_model=RecordedDecisionOut,
        responses=problems(400, 404, 413, 422, 503),
        openapi_extra=may("report"),
    )
    def post_outcome(decision_id: DecisionId, outcome: OutcomeRequest, http: Request) -> Response:
        """Add what happened with a model to what is known of it."""
        return told(report(decision_id, outcome, http, add=True), http)

    @batches.post(
        "",
        operation_id="addOutcomes",
        response_model=OutcomeResultsOut,
        responses=problems(400, 413, 422, 503),
        openapi_extra=may("report"),
    )
    def post_outcomes(batch: OutcomesRequest, http: Request) -> Response:
        """Add outcomes of several decisions; each is kept or refused by itself."""
        access_of(http).need("report")
        results: list[dict[str, Any]] = []
        for one in batch.outcomes:
            result = {"id": one.id, "model_id": one.model_id, "status": 200}
            try:
                report(one.id, one, http, add=True)
            except (RequestError, NotFound) as error:
                result |= {"status": error.status, "detail": error.detail}
            results.append(result)
        return answer({"results": results})

    def report(decision_id: str, outcome: OutcomeRequest, http: Request, *, add: bool) -> dict[str, Any]:
        access = access_of(http)
        access.need("report")
        fields = {**outcome.model_dump(exclude={"id"}), "reported_by": access.name}
        name = known_name(registry, outcome.model_id)
        return history.set_outcome(decision_id_of(decision_id), name, fields, add=add)

    def told(found: dict[str, Any], http: Request) -> Response:
        seen = access_of(http).may_see(found["caller"])
        return answer(found if seen else {**found, "prompt": None, "task": None})

    both = APIRouter()
    both.include_router(routes)
    both.include_router(batches)
    return both


def _effort(candidate: ModelAtEffort) -> dict[str, Any]:
    """What is known of a model at one effort; who measured it stands in the registry's files."""
    return {
        "request": dict(candidate.request),
        "capability": candidate.capability,
        "benchmarks": {name: round(100 * score, 6) for name, score in candidate.benchmarks.items()},
        "output_tokens": dict(candidate.output_tokens),
    }


def _model(model: Model, registry: Registry) -> dict[str, Any]:
    return {
        **model.model_dump(mode="json", by_alias=True),
        "benchmarks": dict(model.scores),
        "efforts": {one.effort: _effort(one) for one in registry.expand([model.model_id], "all") if one.effort},
        "capability": model.capability,
        "capability_known": model.capability is not None,
        "configs": [
            name
            for name, config in registry.configs.items()
            if model.model_id in {one.model_id for one in registry.candidates(config)}
        ],
    }
