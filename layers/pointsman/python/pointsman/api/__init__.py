"""The HTTP API: FastAPI routes, used by the local server and by the functions alike."""

from pointsman.api.app import create_app

__all__ = ["create_app"]
