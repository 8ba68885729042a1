"""The API's own description, at /api/openapi.json: every answer with the status and the media type that are sent.

Made for programs that write clients: operations have names that stay, say what a token must be for, and have examples.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pointsman.api import examples
from pointsman.api.dialect_schemas import (
    ChatRequest,
    DecisionRequest,
    MessagesRequest,
    ProviderErrorOut,
    ResponsesRequest,
)
from pointsman.api.problems import MEDIA_TYPE
from pointsman.api.request_schemas import RouteRequest
from pointsman.api.schemas import ProblemOut

TAGS = [
    {"name": "decide", "description": "Which model, at which effort, should serve a request"},
    {"name": "gateways", "description": "The same, in the contracts of gateways that ask a routing service"},
    {"name": "history", "description": "Decisions, and what happened with them"},
    {"name": "registry", "description": "The models and configs that the service knows"},
    {"name": "health", "description": "Whether the service can do its work"},
]
BODIES = (RouteRequest, ChatRequest, ResponsesRequest, MessagesRequest, DecisionRequest)

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of `pointsman token new`, with the scopes that an operation names. A local server without "
    "tokens asks for none.",
}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
_TITLES = {
    400: "Cannot be read",
    401: "No token",
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    422: "Not valid",
    503: "Unavailable",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route."""
    return {status: {"model": ProblemOut, "description": _TITLES[status]} for status in statuses}


def may(*scopes: str) -> dict[str, Any]:
    """The documented scopes that a token must have for a route; none is needed where a service has no tokens."""
    return {"security": [{"bearer": list(scopes)}, {}]}


def describe(app: FastAPI, configs: Iterable[str]) -> None:
    """Make the app describe its errors as it sends them (as problem documents, no others), and name its configs."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes, tags=app.openapi_tags
            )
            app.openapi_schema = _with_examples(_corrected(_with_bodies(made)))
            app.openapi_schema["components"]["securitySchemes"] = {"bearer": _BEARER}
            if request := app.openapi_schema["components"]["schemas"].get("RouteRequest"):
                request["properties"]["config"]["enum"] = sorted(configs)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _with_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the schemas that routes name and FastAPI does not see: bodies, and errors of other shapes."""
    schemas = document["components"]["schemas"]
    told = str(document["paths"])
    for model in (*BODIES, ProviderErrorOut):
        if f"schemas/{model.__name__}'" in told:
            found = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(found.pop("$defs", {}))
            schemas[model.__name__] = found
    return document


def _corrected(document: dict[str, Any]) -> dict[str, Any]:
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.setdefault("security", may()["security"])
            operation["summary"] = operation["description"].partition("\n")[0]
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            answers = operation["responses"]
            for status in [status for status in answers if status.isdigit() and int(status) >= 400]:
                if "HTTPValidationError" in str(answers[status]):
                    # FastAPI adds it to whatever has a parameter; a route that can refuse one says so itself.
                    del answers[status]
                else:
                    if "ProviderErrorOut" not in str(answers[status]):
                        answers[status]["content"] = {MEDIA_TYPE: dict(_PROBLEM)}
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


def _with_examples(document: dict[str, Any]) -> dict[str, Any]:
    for operation in [one for operations in document["paths"].values() for one in operations.values()]:
        named = operation["operationId"]
        if named in examples.BODIES:
            told = {word: {"value": body} for word, body in examples.BODIES[named].items()}
            operation["requestBody"]["content"]["application/json"]["examples"] = told
        if named in examples.ANSWERS:
            operation["responses"]["200"]["content"]["application/json"]["example"] = examples.ANSWERS[named]
        if MEDIA_TYPE in operation["responses"].get("422", {}).get("content", ()):
            operation["responses"]["422"]["content"][MEDIA_TYPE]["example"] = examples.PROBLEM
    return document


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What a parameter may say: one that is left out is not null, and `null` in an address is a word."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) > 1:
        return {**schema, "anyOf": kinds}
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]} if kinds else schema
