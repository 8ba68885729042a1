"""Our errors in the shapes of OpenAI and Anthropic, for callers that expect them; their own statuses and types."""

from collections.abc import Mapping
from typing import Any, Literal

Shape = Literal["openai", "anthropic"]
# Where a caller expects one of the shapes; with a slash at its end, everything below.
_PATHS: tuple[tuple[str, Shape], ...] = (
    ("/routing/v1/messages", "anthropic"),
    ("/routing/v1/", "openai"),
    ("/v1/decision", "openai"),
)
# Both APIs answer 400 to a request that is not valid, and 404 to a model that is not there.
_STATUS = {422: 400}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def shape_of(path: str) -> Shape | None:
    """The shape that callers of a path expect; None for our own problem documents."""
    for known, shape in _PATHS:
        if path == known or (known.endswith("/") and path.startswith(known)):
            return shape
    return None


def shaped(problem: Mapping[str, Any], shape: Shape) -> tuple[int, dict[str, Any]]:
    """The status and the body of a problem document in a shape."""
    kind = str(problem["type"]).rpartition(":")[2]
    status = 404 if kind == "unknown-config" else _STATUS.get(problem["status"], problem["status"])
    message = problem.get("detail") or problem["title"]
    if shape == "anthropic":
        return status, {
            "type": "error",
            "error": {"type": _ANTHROPIC_TYPES.get(status, "api_error"), "message": message},
        }
    faults = problem.get("errors") or [{}]
    generic = "server_error" if status >= 500 else "invalid_request_error"
    return status, {
        "error": {
            "message": message,
            "type": _OPENAI_TYPES.get(status, generic),
            "param": faults[0].get("field"),
            "code": "model_not_found" if kind in ("unknown-config", "unknown-model") else kind.replace("-", "_"),
        }
    }
