"""The routes that decide: ours, NVIDIA Switchyard's and Plano's. A handler reads, calls the library and answers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Body, Query, Request, Response

from pointsman.api.asking import DEFAULT_CONFIG, Asking, asking_in, asking_of
from pointsman.api.bodies import BodyRoute
from pointsman.api.dialect_schemas import PlanoOut, SwitchyardOut
from pointsman.api.doors import AccessOf
from pointsman.api.gate import Gate
from pointsman.api.openapi import may, problems
from pointsman.api.retries import decided_once
from pointsman.api.schemas import BriefOut, DecisionOut
from pointsman.decision import BRIEF, Call, Decision
from pointsman.dialects import plano, switchyard
from pointsman.dialects.fields import config_named, trace_id_of
from pointsman.dialects.naming import name_in
from pointsman.dialects.reading import read
from pointsman.dialects.request import InputFormat
from pointsman.errors import UnknownConfig
from pointsman.registry import ModelAtEffort, Registry

if TYPE_CHECKING:
    from pointsman.router import Router

Document = Mapping[str, Any]
JsonBody = Annotated[dict[str, Any], Body()]

_ANTHROPIC: InputFormat = "anthropic_messages"
_SCHEMAS: Mapping[InputFormat, str] = {
    "openai_chat": "ChatRequest",
    "openai_responses": "ResponsesRequest",
    "anthropic_messages": "MessagesRequest",
}
_TOLD = ("id", "calls", "expected_quality", "cost", "reason", "session")
# A gateway waits 300 ms in all: what the store has not taken by then goes to the log.
GATEWAYS_PATIENCE_S = 0.1
# Where decisions are asked for.
PATHS = frozenset({"/api/route", "/v1/decision", *(f"/routing/v1/{path}" for path in plano.FORMATS)})


def deciding_routes(router: "Router", gate: Gate, access_of: AccessOf) -> APIRouter:
    """`POST /api/route`, `/v1/decision` and `/routing/v1/…`."""
    routes = APIRouter(route_class=BodyRoute)

    def caller_of(http: Request) -> str | None:
        access = access_of(http)
        access.need("route")
        return access.name

    def decided(asking: Asking, body: object, caller: str | None, **more: Any) -> tuple[Decision | Document, bool]:
        def decide(decision_id: str | None) -> Decision:
            return router.decide(
                asking.prompt,
                asking.config,
                caller=caller,
                session_id=asking.session_id,
                decision_id=decision_id,
                **{**asking.fields, **more},
            )

        if asking.retry_key is None:
            return decide(None), False
        return decided_once(router, asking.retry_key, caller, body, decide)

    @routes.post(
        "/api/route",
        operation_id="route",
        tags=["decide"],
        response_model=DecisionOut | BriefOut,
        responses=problems(400, 413, 422, 503),
        openapi_extra=_body_of("RouteRequest", "ChatRequest", "ResponsesRequest", "MessagesRequest"),
    )
    async def route(
        body: JsonBody,
        http: Request,
        detail: Annotated[Literal["full", "brief"], Query(description="brief: what is to be called, and why")] = "full",
    ) -> Response:
        """Which model, at which effort, should serve this prompt or conversation?"""
        caller = caller_of(http)

        def answered() -> Response:
            registry = router.registry
            asking = asking_of(body, http.headers, registry)
            made, again = decided(asking, body, caller)
            names = asking.names or registry.config(asking.config).names
            answer = _answer(made, detail)
            if names is not None or asking.asked:
                answer = orjson.dumps(_named(orjson.loads(answer), registry, asking, names))
            return Response(answer, media_type="application/json", headers=_headers(made, again))

        return await gate.run(answered)

    @routes.post(
        "/v1/decision",
        operation_id="decideForSwitchyard",
        tags=["gateways"],
        response_model=SwitchyardOut,
        responses=_errors(),
        openapi_extra=_body_of("DecisionRequest"),
    )
    async def switchyard_decision(body: JsonBody, http: Request) -> Response:
        """NVIDIA Switchyard's Decision API, as Kong and Traefik call it."""
        caller = caller_of(http)
        if body.get("input_format") == _ANTHROPIC:
            http.state.error_shape = "anthropic"

        def answered() -> Response:
            registry = router.registry
            form, inner, request = switchyard.read_envelope(body)
            outer = {name: value for name, value in body.items() if name not in ("input_format", "request")}
            named = config_named(request.model, registry.configs)
            asking = asking_in(request, {**inner, **outer}, http.headers, registry, named or "")
            if not asking.config:
                raise _no_such_route(request.model, registry)
            config = registry.config(asking.config)
            lacking = switchyard.without_target(registry.candidates(config), config.targets)
            excluded = [*asking.fields["exclude"], *lacking]
            made, again = decided(asking, body, caller, exclude=excluded, patience_s=GATEWAYS_PATIENCE_S)
            return _json(switchyard.answer(_document(made), registry, config, form), _headers(made, again))

        return await gate.run(answered)

    def plano_route(path: str, form: InputFormat) -> None:
        @routes.post(
            f"/routing/v1/{path}",
            tags=["gateways"],
            operation_id=f"route{_SCHEMAS[form].removesuffix('Request')}ForPlano",
            response_model=PlanoOut,
            responses=_errors(),
            openapi_extra=_body_of(_SCHEMAS[form]),
        )
        async def planos(body: JsonBody, http: Request) -> Response:
            """Plano's routing service: models in the order they are to be tried."""
            caller = caller_of(http)

            def answered() -> Response:
                registry = router.registry
                request = read(body, form)
                named = config_named(request.model, registry.configs) or DEFAULT_CONFIG
                asking = asking_in(request, body, http.headers, registry, named)
                made, again = decided(asking, body, caller)
                answer = plano.answer(
                    _document(made),
                    registry,
                    form,
                    asking.names or registry.config(asking.config).names,
                    asking.asked,
                    trace_id=trace_id_of(http.headers),
                    session_id=asking.session_id,
                )
                return _json(answer, _headers(made, again))

            return await gate.run(answered)

    for path, form in plano.FORMATS.items():
        plano_route(path, form)
    return routes


def _body_of(*schemas: str) -> dict[str, Any]:
    """The documented body of a route."""
    references = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {**may("route"), "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _errors() -> dict[int | str, dict[str, Any]]:
    """The documented errors of the gateways' routes, whose shapes are OpenAI's and Anthropic's."""
    titles = {400: "Not valid", 404: "No such config", 413: "Too large"}
    schema = {"$ref": "#/components/schemas/ProviderErrorOut"}
    return {
        status: {"description": title, "content": {"application/json": {"schema": schema}}}
        for status, title in titles.items()
    }


def _document(made: Decision | Document) -> Document:
    return made.to_dict() if isinstance(made, Decision) else made


def _answer(made: Decision | Document, detail: str) -> bytes:
    if isinstance(made, Decision):
        return made.brief() if detail == "brief" else made.to_json()
    return orjson.dumps(made if detail == "full" else {name: made.get(name) for name in BRIEF})


def _json(document: Document, headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers=dict(headers))


def _headers(made: Decision | Document, again: bool) -> dict[str, str]:
    """The decision in a few words, for those who do not read bodies."""
    document = {name: getattr(made, name) for name in _TOLD} if isinstance(made, Decision) else made
    call, session = document["calls"][0], document.get("session")
    model_id, effort = (call.model_id, call.effort) if isinstance(call, Call) else (call["model_id"], call["effort"])
    found = {
        "x-pointsman-decision-id": document["id"],
        "x-pointsman-model": model_id,
        "x-pointsman-effort": effort,
        "x-pointsman-p-complete": f"{document['expected_quality']:.6g}",
        "x-pointsman-cost-usd": _told_cost(document["cost"]),
        "x-pointsman-reason": document["reason"],
        "x-pointsman-session": session
        and ("switched" if session["switched"] else "stayed" if session["stayed"] else "new"),
        "idempotency-replayed": "true" if again else None,
    }
    return {name: value for name, value in found.items() if value and value.isascii()}


def _told_cost(usd: float | None) -> str | None:
    return None if usd is None or usd != usd else f"{usd:.7g}"


def _named(document: dict[str, Any], registry: Registry, asking: Asking, names: Any) -> dict[str, Any]:
    """The document with what the caller calls each model beside our ids."""
    for call in (*document["calls"], *document["fallbacks"]):
        candidate = ModelAtEffort(registry.models[call["model_id"]], call["effort"])
        call["model"] = name_in(candidate, names, asking.asked)
    return document


def _no_such_route(model: str | None, registry: Registry) -> UnknownConfig:
    known = ", ".join(sorted(registry.configs))
    if model is None:
        return UnknownConfig(f"request.model: missing. Name a config: {known}.")
    return UnknownConfig(f"request.model: there is no config {model[:100]!r}. Use one of: {known}.")
