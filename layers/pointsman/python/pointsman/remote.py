"""Asking a running service in place of the library: for the command line and for `pointsman mcp`."""

from collections.abc import Mapping
from typing import Any

from pointsman.errors import ServiceError, SettingsError

ASK_S = 10.0


def ask(
    server: str, token: str | None, method: str, path: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The JSON object that a service answers.

    Raises:
        ServiceError: there is no such answer, or it is a refusal, whose words are told.
        SettingsError: httpx is not installed.
    """
    try:
        import httpx
    except ModuleNotFoundError:
        raise SettingsError("--server needs the client: pip install 'pointsman[client]'.") from None
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    try:
        answer = httpx.request(method, f"{server.rstrip('/')}{path}", json=body, headers=headers, timeout=ASK_S)
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ServiceError(f"{server}: no answer of a Pointsman service ({error}). Is it running there?") from None
    if answer.status_code != 200 or not isinstance(document, dict):
        detail = document.get("detail") if isinstance(document, dict) else None
        raise ServiceError(f"{server}: {detail or f'answered {answer.status_code}'}")
    return document
