"""What the functions share: from a gateway's event to an answer, and never an exception out of a function.

`serve` makes the handler of an app. The app is built once, when the function starts. What cannot be built is
logged with its remedy and answered with a problem document, and is tried again with the next request; before a
SnapStart snapshot it is raised instead, so that the deployment fails and the version before it keeps serving.
"""

import json
import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from mangum import Mangum
from pointsman.auth.access import FORMER_SCOPES, Access, scopes_of
from pointsman.compose import open_history
from pointsman.errors import AccessError, MalformedRequest, PointsmanError, problem_document
from pointsman.history import History
from pointsman.history.dynamodb import DynamoHistory
from pointsman.settings import Settings

from functions.events import request_of
from functions.gate import check_caller, check_origin
from functions.gate import renew as renew_gate

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

Answer = dict[str, Any]
Handler = Callable[[Any, Any], Answer]

PROBLEM = "application/problem+json"
# A browser that was here once never asks without TLS again. A laptop's server has none, and does not say so.
TRANSPORT = {"strict-transport-security": "max-age=31536000"}
TEXT = ["application/json", PROBLEM, "text/"]

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()

# What the app found out about a request, for its trace: an app runs in a thread that has no trace of its own.
annotations: dict[str, str] = {}


def configure_logs() -> None:
    """The library's loggers write through ours, but for a decision to replay: its line is JSON of its own."""
    api, history = logging.getLogger("pointsman"), logging.getLogger("pointsman.history")
    api.handlers = list(logger.handlers)
    replayable = logging.StreamHandler()
    replayable.setFormatter(logging.Formatter("%(message)s"))
    history.handlers = [replayable]
    api.propagate = history.propagate = False


def problem(error: PointsmanError) -> Answer:
    """The gateway's answer of an error."""
    return answer(error.problem(), error.headers)


def answer(document: Mapping[str, Any], more: Mapping[str, str] | None = None) -> Answer:
    """The gateway's answer of a problem document."""
    headers = {
        "content-type": PROBLEM,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **TRANSPORT,
        **(more or {}),
    }
    return {
        "statusCode": document["status"],
        "headers": headers,
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def not_started() -> Answer:
    """What a client hears of a function that cannot start; the cause is in the log, for the operator."""
    detail = "The service cannot answer until its operator mends it. The cause is in the function's log."
    return answer(problem_document(503, "startup", "Pointsman cannot start", detail))


def access_of(request: "Request") -> Access:
    """Who calls and what for, as the gateway's authorizer found: a token, a JWT, or an identity of IAM."""
    return access_in(request.scope.get("aws.event"))


def access_in(event: Any) -> Access:
    """The same of an event. IAM's policies say themselves which routes an identity may call."""
    token = _at(event, "lambda")
    if isinstance(token.get("name"), str):
        # An authorizer of before says nothing of scopes.
        scopes = token.get("scopes")
        quota = token.get("per_minute")
        return Access(
            token["name"][:256],
            frozenset(FORMER_SCOPES) if scopes is None else scopes_of(str(scopes).split()),
            int(quota) if quota else None,
        )
    claims = _at(event, "jwt", "claims")
    if isinstance(claims.get("sub"), str):
        # A provider's scopes carry the name of the resource before a slash.
        granted = scopes_of(word.rpartition("/")[2] for word in str(claims.get("scope", "")).split())
        return Access(claims["sub"][:256], granted or frozenset(FORMER_SCOPES))
    arn = _at(event, "iam").get("userArn")
    return Access(arn[:256] if isinstance(arn, str) and arn else None)


def _at(event: Any, *path: str) -> Mapping[str, Any]:
    found: Any = event
    for part in ("requestContext", "authorizer", *path):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def serve(build: Callable[[], "FastAPI"]) -> Handler:
    """The handler of the app that `build` makes. Nothing is raised but by a start before a snapshot."""
    configure_logs()
    app: Mangum | None = None

    def start() -> Mangum:
        return Mangum(build(), lifespan="off", text_mime_types=TEXT)

    try:
        app = start()
    except Exception as error:
        logger.exception("cannot start: %s", error)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            raise

    @tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context(clear_state=True)
    def handler(event: Any, context: Any) -> Answer:
        nonlocal app
        try:
            request = request_of(event)
            check_origin(request)
            check_caller(access_in(request))
        except (MalformedRequest, AccessError) as error:
            return problem(error)
        try:
            app = app or start()
        except Exception as error:
            logger.exception("cannot start: %s", error)
            return not_started()
        annotations.clear()
        try:
            made: Answer = app(request, context)
            made["headers"] = {**made.get("headers", {}), **TRANSPORT}
            return made
        except Exception:
            # The app answers its own errors; this is one of the adapter's.
            logger.exception("the request was not answered")
            return problem(PointsmanError("The request was not answered. It may be tried again."))
        finally:
            for name, value in annotations.items():
                tracer.put_annotation(name, value)
            if metrics.metric_set:  # flushing none is a warning in the log
                metrics.flush_metrics()

    wrapped: Handler = handler
    return wrapped


def opened_history(settings: Settings) -> History:
    """The table's history, connected before a snapshot is taken and again after it is restored."""
    history = open_history(settings)
    if isinstance(history, DynamoHistory):
        history.connect()
        after_restore(history.refresh)
        after_restore(renew_gate)
    return history


def after_restore(renew: Callable[[], None]) -> None:
    """Call `renew` when a SnapStart snapshot is restored, after giving every copy its own randomness."""
    try:
        from snapshot_restore_py import register_after_restore
    except ImportError:  # no SnapStart here: `sam local`, or a test
        return
    register_after_restore(random.seed)
    register_after_restore(renew)
