"""The doors of the local server: which names it answers to, and whose tokens it takes.

A browser can be made to send requests here under a name that somebody else has pointed at this machine; so only
names that are this server's own are answered. Addresses are no names: nobody can point those elsewhere.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.api.problems import problem_response
from pointsman.auth.access import EVERYTHING, Access
from pointsman.auth.bearer import Denied, Document, check
from pointsman.auth.http import bearer_of, token_in_query
from pointsman.auth.quotas import check_quota, counter_in_memory
from pointsman.errors import BadToken, MalformedRequest, NoToken, PointsmanError, WrongHost, shortened

AccessOf = Callable[[Request], Access]
_ACCESS = "pointsman.access"

log = logging.getLogger("pointsman.api")


def access_of(request: Request) -> Access:
    """Who makes a request, as the guard found; everything is allowed where there is no guard."""
    found = request.scope.get(_ACCESS, EVERYTHING)
    assert isinstance(found, Access)
    return found


def is_of_api(path: str) -> bool:
    """Whether a path is the API's, ours or a gateway's, or the figures'; the page's files and `/health` are not."""
    return path in ("/api", "/metrics") or path.startswith(("/api/", "/v1/", "/routing/"))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def own_names(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """The names that a server listening on `host` has, and `more`, all in lower case."""
    machine = () if is_loopback(host) else (socket.gethostname(), socket.getfqdn())
    return frozenset(name.strip().rstrip(".").lower() for name in ("localhost", host, *machine, *more) if name.strip())


def is_own_host(header: str, names: frozenset[str], loopback: bool) -> bool:
    """Whether a Host header names this server; of addresses, any will do unless only this machine can reach it."""
    host, colon, port = header.strip().rpartition(":")
    if not colon or not port.isdigit():
        host = header.strip()
    host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if host in names:
        return True
    try:
        return ip_address(host).is_loopback or not loopback
    except ValueError:
        return False


def guard(
    app: ASGIApp,
    names: frozenset[str],
    loopback: bool,
    document: Callable[[], Document] | None = None,
    per_minute: int = 0,
) -> ASGIApp:
    """The app behind the doors: requests under other names are refused, and where there are tokens, so is /api without.

    The page's files are given to everyone, since they hold nothing; the page asks for the token itself.
    """
    count = counter_in_memory()

    def let_in(scope: Scope) -> None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        host = [value.decode("latin-1") for value in headers.get(b"host", [])]
        if len(host) != 1 or not is_own_host(host[0], names, loopback):
            named = shortened(", ".join(host)) or "(none)"
            raise WrongHost(f"Host {named}: not a name of this server. Use its address, or serve with --allow-host.")
        path = scope["path"]
        if document is None or not is_of_api(path):
            return
        if (why := token_in_query(scope["query_string"].decode("latin-1"))) is not None:
            raise MalformedRequest(why)
        given = [value.decode("latin-1") for value in headers.get(b"authorization", [])]
        found = check(document(), bearer_of(given[0]) if len(given) == 1 else None, datetime.now(UTC))
        if isinstance(found, Denied):
            log.info("refused a token: %s, name %s", found.reason, found.name)
            raise NoToken if found.reason == "missing" else BadToken
        check_quota(found, count, per_minute)
        scope[_ACCESS] = found

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                let_in(scope)
            except PointsmanError as error:
                if error.status >= 500:
                    log.error("%s", error.detail)
                    error = PointsmanError("The tokens cannot be read now. The cause is in the server's log.")
                await problem_response(error.problem(), error.headers)(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded
