"""Pages of other origins that may ask the local server; none unless POINTSMAN_CORS_ORIGINS names them.

A browser's question whether it may ask (the preflight) carries no token, so it is answered before tokens are looked at;
what it then asks needs one like anything else. Cookies play no part.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

REMEMBERED_S = 600
# What a page may read of an answer beside its body.
EXPOSED = (
    *(f"x-pointsman-{name}" for name in ("decision-id", "model", "effort", "p-complete", "cost-usd", "reason")),
    *("x-pointsman-session", "idempotency-replayed", "retry-after"),
)


def with_cors(app: ASGIApp, origins: str) -> ASGIApp:
    """The app, answering pages of these origins (with commas between them); the app itself where there are none."""
    named = [origin.strip().rstrip("/").lower() for origin in origins.split(",") if origin.strip()]
    if not named:
        return app
    return CORSMiddleware(
        app,
        allow_origins=named,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
        max_age=REMEMBERED_S,
    )
