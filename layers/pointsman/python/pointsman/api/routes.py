"""The routes of contract 7. A handler parses, calls the library and answers; it catches nothing.

Deciding needs the embedder; everything else does not, so the two groups can live in separate functions.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from pointsman.api.schemas import (
    ConfigsOut,
    DecisionOut,
    HealthOut,
    HistoryOut,
    ModelsOut,
    OutcomeRequest,
    ProblemOut,
    RecordedDecisionOut,
    RouteRequest,
)
from pointsman.history import Filter, History
from pointsman.registry import Model, Registry

if TYPE_CHECKING:
    from pointsman.decision import Decision
    from pointsman.router import Router

MOST_ON_A_PAGE = 200

CallerOf = Callable[[Request], str | None]

_PROBLEM = {"model": ProblemOut, "content": {"application/problem+json": {}}}
DecisionId = Annotated[str, Path(max_length=64, examples=["01KAQ3V9ZC8M0Y6W2N4T7R5B1D"])]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route."""
    titles = {400: "Cannot be read", 404: "Not found", 413: "Too large", 422: "Not valid", 503: "Unavailable"}
    return {status: {**_PROBLEM, "description": titles[status]} for status in statuses}


def answer(document: "Mapping[str, Any] | Decision") -> Response:
    """A JSON answer of what is known to be right; it is not checked a second time against its schema."""
    return Response(orjson.dumps(document), media_type="application/json")


def deciding_routes(router: "Router", caller_of: CallerOf | None = None) -> APIRouter:
    """`POST /api/route`."""
    routes = APIRouter(prefix="/api", tags=["decide"])

    @routes.post("/route", response_model=DecisionOut, responses=problems(400, 413, 422))
    def route(request: RouteRequest, http: Request) -> Response:
        """Which model should serve this prompt?"""
        decision = router.decide(
            request.prompt,
            request.config,
            task=request.task,
            preferred_input_modalities=request.preferred_input_modalities,
            supports=request.supports,
            max_output_tokens=request.max_output_tokens,
            caller=caller_of(http) if caller_of is not None else None,
        )
        return answer(decision)

    return routes


def registry_routes(registry: Registry, health: Mapping[str, Any]) -> APIRouter:
    """`GET /api/health`, `/api/configs` and `/api/models`; answered from memory."""
    routes = APIRouter(prefix="/api", tags=["registry"])
    configs = [config.model_dump(mode="json") for config in registry.configs.values()]
    models = [_model(model, registry) for model in registry.models.values()]

    @routes.get("/health", response_model=HealthOut)
    def get_health() -> Response:
        """Version, artifact and registry."""
        return answer(health)

    @routes.get("/configs", response_model=ConfigsOut)
    def get_configs() -> Response:
        """Every router config."""
        return answer({"configs": configs})

    @routes.get("/models", response_model=ModelsOut)
    def get_models() -> Response:
        """Every model of the registry."""
        return answer({"models": models})

    return routes


def history_routes(history: History) -> APIRouter:
    """`GET /api/history`, one decision, and its outcomes."""
    routes = APIRouter(prefix="/api/history", tags=["history"])

    @routes.get("", response_model=HistoryOut, responses=problems(400, 422, 503))
    def page(
        limit: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        config: Annotated[str | None, Query(max_length=64)] = None,
        model: Annotated[str | None, Query(max_length=200)] = None,
        since: Annotated[datetime | None, Query(description="Included")] = None,
        until: Annotated[datetime | None, Query(description="Excluded")] = None,
    ) -> Response:
        """Decisions, newest first."""
        found = history.page(limit, cursor, Filter(config, model, since, until))
        return answer({"calls": found.calls, "next": found.next})

    @routes.get("/{decision_id}", response_model=RecordedDecisionOut, responses=problems(404, 503))
    def get(decision_id: DecisionId) -> Response:
        """A whole decision with its outcomes."""
        return answer(history.get(decision_id))

    @routes.put(
        "/{decision_id}/outcomes",
        response_model=RecordedDecisionOut,
        responses=problems(400, 404, 422, 503),
    )
    def put_outcome(decision_id: DecisionId, outcome: OutcomeRequest) -> Response:
        """Keep what really happened with a selected model; the last one a model stands."""
        return answer(history.set_outcome(decision_id, outcome.model_id, outcome.model_dump()))

    return routes


def _model(model: Model, registry: Registry) -> dict[str, Any]:
    return {
        **model.model_dump(mode="json", by_alias=True),
        "benchmarks": dict(model.scores),
        "capability": model.capability,
        "capability_known": model.capability is not None,
        "configs": [
            name
            for name, config in registry.configs.items()
            if model.model_id in {one.model_id for one in registry.candidates(config)}
        ],
    }
