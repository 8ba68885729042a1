"""What no route answers: 405 with `Allow` where another method would do, else the page, and 404 for the rest.

Nothing under /api, nor of the gateways' routes, is ever answered by the page.
"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.api.doors import is_of_api

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OF_THE_PAGE = ("GET", "HEAD")


def mount_elsewhere(app: Starlette, page: ASGIApp | None) -> None:
    """Answer what the routes so far do not; `page` is the page's files, where they are served."""
    routes = list(app.routes)

    def allowed(scope: Scope) -> list[str]:
        """The methods by which a route would answer at this address."""
        return [
            method
            for method in METHODS
            if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
        ]

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        methods = allowed({**scope, "root_path": scope.get("app_root_path", "")})
        if methods:
            raise HTTPException(405, headers={"allow": ", ".join(methods)})
        if is_of_api(scope["path"]) or page is None:
            raise HTTPException(404)
        if scope["method"] not in _OF_THE_PAGE:
            raise HTTPException(405, headers={"allow": ", ".join(_OF_THE_PAGE)})
        await page(scope, receive, send)

    app.mount("/", elsewhere)
