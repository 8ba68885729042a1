"""The FastAPI app, put together from what a process has: a router, a history, a folder of static files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import pointsman
from pointsman.api import openapi, problems
from pointsman.api.deciding import deciding_routes
from pointsman.api.docs_page import HEADERS, docs_page
from pointsman.api.doors import AccessOf
from pointsman.api.doors import access_of as guarded_access
from pointsman.api.elsewhere import mount_elsewhere
from pointsman.api.gate import Gate
from pointsman.api.health import Health
from pointsman.api.limits import limit_body
from pointsman.api.routes import health_routes, history_routes, registry_routes
from pointsman.api.shapes import shape_errors
from pointsman.artifact.manifest import Manifest
from pointsman.history import History
from pointsman.registry import Registry

if TYPE_CHECKING:
    from pointsman.router import Router
    from pointsman.telemetry.figures import Figures

# JSON may write a byte of a prompt in six (an escaped control character), and a prompt is not all of a body.
BODY_FACTOR, BODY_EXTRA = 6, 65_536

PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def create_app(
    registry: Registry,
    manifest: Manifest,
    digest: str,
    *,
    router: "Router | None" = None,
    history: History | None = None,
    web: Path | None = None,
    access_of: AccessOf = guarded_access,
    figures: "Figures | None" = None,
) -> FastAPI:
    """An app with the routes its parts allow: deciding with a router, history with a store, a page with `web`.

    `access_of` says who makes a request and what for, as whatever let it in knows; decisions record the name.
    """
    app = FastAPI(
        title="Pointsman",
        version=pointsman.__version__,
        summary="Which model should serve this prompt?",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        openapi_tags=openapi.TAGS,
        redirect_slashes=False,
    )
    problems.install(app)
    openapi.describe(app, registry.configs)
    kept = history if history is not None or router is None else router.history
    recorder = router.recorder if router is not None else None
    health = Health(registry, manifest, digest, kept, recorder)
    app.include_router(health_routes(health))
    app.include_router(registry_routes(registry))
    if router is not None:
        app.include_router(deciding_routes(router, Gate(router.settings.max_waiting), access_of))
    longest = 0 if router is None else router.settings.max_prompt_bytes
    app.add_middleware(limit_body, most=longest * BODY_FACTOR + BODY_EXTRA)
    if figures is not None:
        from pointsman.telemetry.figures import metrics_routes

        app.include_router(metrics_routes(figures, access_of))
    if history is not None:
        app.include_router(history_routes(history, registry, access_of))

    @app.get("/api/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()), headers=HEADERS)

    page = None if web is None else with_headers(StaticFiles(directory=web, html=True), PAGE_HEADERS)
    mount_elsewhere(app, page)
    app.add_middleware(with_headers, headers={"x-content-type-options": "nosniff", "cache-control": "no-store"})
    app.add_middleware(shape_errors)
    return app


def with_headers(app: ASGIApp, headers: Mapping[str, str]) -> ASGIApp:
    """The app, with these headers on every answer that does not have them yet."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in headers.items():
                    found.setdefault(name, value)
            await send(message)

        await app(scope, receive, sending)

    return wrapped
