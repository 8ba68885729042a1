"""Errors to problem documents (RFC 9457): the one place where an exception becomes an HTTP answer.

No stack trace and no internal message reaches a client; what was not expected is logged and answered as 500.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pointsman.errors import (
    MOST_FAULTS,
    AccessError,
    HistoryUnavailable,
    MalformedRequest,
    NotFound,
    Overloaded,
    PointsmanError,
    RequestError,
    problem_document,
    shortened,
)
from pointsman.faults import faults_of

MEDIA_TYPE = "application/problem+json"
# Where a request's scope says the code of the problem that it was answered with.
PROBLEM = "pointsman.problem"

log = logging.getLogger("pointsman.api")

_NO_OBJECT = ("missing", "model_attributes_type", "model_type", "dict_type")

_NOT_ANSWERED = PointsmanError("The request was not answered. It may be tried again.").problem()


class _ProblemResponse(Response):
    """An answer that notes its problem's code in the scope, for whoever tells of errors."""

    media_type = MEDIA_TYPE
    code = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PROBLEM] = self.code
        await super().__call__(scope, receive, send)


def problem_response(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP answer of a problem document."""
    content = json.dumps(document, ensure_ascii=True)
    response = _ProblemResponse(content, status_code=int(document["status"]), headers=dict(headers or {}))
    response.code = str(document["type"]).rpartition(":")[2]
    return response


def again(response: Response) -> Response:
    """The response, asking to be tried again in a second."""
    response.headers["retry-after"] = "1"
    return response


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem document."""

    @app.exception_handler(PointsmanError)
    def ours(request: Request, error: PointsmanError) -> Response:
        if isinstance(error, RequestError | NotFound | AccessError):
            return problem_response(error.problem(), error.headers)
        if isinstance(error, Overloaded):
            return again(problem_response(error.problem()))
        log.error("%s %s: %s", request.method, request.url.path, error.detail)
        if isinstance(error, HistoryUnavailable):
            response = problem_response(problem_document(error.status, error.code, error.title, error.told))
            return response if error.restart else again(response)
        return problem_response(_NOT_ANSWERED)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(_of_validation(error.errors(), _query_of(request)).problem())

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return problem_response(NotFound(f"There is nothing at {request.url.path[:200]}.").problem())
        if error.status_code == 400:
            return problem_response(MalformedRequest("The body is not JSON. Send a JSON object.").problem())
        detail = f"{request.method} is not for this address." if error.status_code == 405 else error.detail
        code = {405: "method-not-allowed"}.get(error.status_code, "http")
        response = problem_response(problem_document(error.status_code, code, error.detail, detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        log.exception("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem_response(_NOT_ANSWERED)


def of_body(error: ValidationError) -> RequestError:
    """What pydantic found wrong with a body, in the words in which FastAPI's findings are told."""
    return _of_validation([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])


def _query_of(request: Request) -> type[BaseModel] | None:
    """What the query of a request was checked against, where it is a model."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    kinds = [field.field_info.annotation for field in dependant.query_params] if dependant is not None else []
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _of_validation(errors: Sequence[Mapping[str, Any]], query: type[BaseModel] | None = None) -> RequestError:
    """What FastAPI found wrong, as one of our errors; an unknown name in the `query` is told the names there are."""
    if any(error["type"] == "json_invalid" for error in errors):
        reason = errors[0].get("ctx", {}).get("error", "it cannot be parsed")
        return MalformedRequest(f"The body is not JSON: {reason}. Send a JSON object.")
    if any(tuple(error["loc"]) == ("body",) and error["type"] in _NO_OBJECT for error in errors):
        return MalformedRequest(
            "The body is not a JSON object. Send one, with the header Content-Type: application/json."
        )
    # The first part of a location is where FastAPI looked: body, query or path.
    of_query = query if all(error["loc"][0] == "query" for error in errors) else None
    faults = faults_of(errors[:MOST_FAULTS], kind=of_query, skip=1, see="/api/docs describes the fields")
    first = faults[0]
    unlisted = max(0, len(errors) - MOST_FAULTS)
    told = f" ({len(faults) + unlisted - 1} more under `errors`)" if len(faults) > 1 else ""
    return RequestError(f"{shortened(first.field)}: {first.message}. {first.remedy}{told}", faults, unlisted)
