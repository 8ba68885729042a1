"""Health, configs, models, history and outcomes. Never loads the embedder, so it starts fast."""

from typing import TYPE_CHECKING

from pointsman.compose import open_app
from pointsman.settings import load_settings

from functions.shared import access_of, opened_history, serve

if TYPE_CHECKING:
    from fastapi import FastAPI


def build() -> "FastAPI":
    """The app of everything but deciding. Of the artifact it reads the manifest only."""
    settings = load_settings()
    return open_app(settings, history=opened_history(settings), access_of=access_of)


handler = serve(build)
