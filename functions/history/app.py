"""Health, configs, models, history and outcomes. Never loads the embedder, so it starts fast."""

from typing import TYPE_CHECKING

from pointsman.api import create_app
from pointsman.manifest import read_manifest
from pointsman.registry import load_registry
from pointsman.settings import load_settings

from functions.shared import opened_history, serve

if TYPE_CHECKING:
    from fastapi import FastAPI


def build() -> "FastAPI":
    """The app of everything but deciding. Of the artifact it reads the manifest only."""
    settings = load_settings()
    manifest, digest = read_manifest(settings.artifact)
    return create_app(load_registry(settings.registry), manifest, digest, history=opened_history(settings))


handler = serve(build)
