"""Where settings become a router, a history and an app: the only place that wires them.

The local server, the functions and the command line all start here. What a process does not use is not imported.
"""

from typing import TYPE_CHECKING

from pointsman.artifact.manifest import read_manifest
from pointsman.history import History
from pointsman.instants import Clock, utc_now
from pointsman.registry import load_registry
from pointsman.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from pointsman.api.doors import AccessOf
    from pointsman.router import Observer, Router
    from pointsman.telemetry.figures import Figures

WARM_UP = "Hello"


def open_history(settings: Settings) -> History:
    """The store the settings ask for: a DynamoDB table where they name one, else one SQLite file.

    Raises:
        HistoryUnavailable: the file cannot be used. A table is asked for nothing before its first use.
        SettingsError: a table is named and boto3 is not installed.
    """
    if settings.table:
        from pointsman.history.dynamodb import DynamoHistory

        return DynamoHistory(
            settings.table,
            settings.retention_days,
            endpoint=settings.dynamodb_endpoint or None,
            deadline_s=settings.store_deadline_s,
        )
    from pointsman.history.sqlite import SqliteHistory

    return SqliteHistory(settings.db, settings.retention_days, deadline_s=settings.store_deadline_s)


def open_router(
    settings: Settings,
    history: History | None = None,
    observe: "Observer | None" = None,
    clock: Clock = utc_now,
) -> "Router":
    """The router of the settings, warm: the first inference allocates, and should not be somebody's request.

    Another `clock` lives through other times than ours: `python -m benchmarks fortnight` has two weeks in minutes.

    Raises:
        StartupError: the registry, the artifact or the embedder cannot be used.
    """
    from pointsman.artifact.load import load_artifact, load_embedder
    from pointsman.artifact.signature import public_keys
    from pointsman.history.expiring import MemoryExpiring
    from pointsman.router import Router
    from pointsman.routing.sessions import sessions_of

    registry = load_registry(settings.registry)
    artifact = load_artifact(settings.artifact, public_keys(settings.artifact_keys))
    embedder = load_embedder(artifact, settings.threads, settings.embedder)
    sessions = sessions_of(MemoryExpiring() if history is None else history.expiring(), settings)
    router = Router(registry, artifact, embedder, history, settings, observe, sessions, clock)
    router.predict(WARM_UP)
    return router


def open_app(
    settings: Settings,
    *,
    router: "Router | None" = None,
    history: History | None = None,
    page: bool = False,
    access_of: "AccessOf | None" = None,
    figures: "Figures | None" = None,
) -> "FastAPI":
    """The app of what a process has: deciding with a router, reading with a history, the page where it is asked for.

    `figures` are told at /metrics. Without a router, nothing of the artifact but its manifest is read.

    Raises:
        StartupError: the registry or the manifest cannot be used.
    """
    from pointsman.api import create_app
    from pointsman.api.doors import access_of as guarded_access

    if router is not None:
        registry, manifest, digest = router.registry, router.artifact.manifest, router.artifact.digest
    else:
        registry = load_registry(settings.registry)
        manifest, digest = read_manifest(settings.artifact)
    web = settings.web if page else None
    who = access_of or guarded_access
    return create_app(
        registry, manifest, digest, router=router, history=history, web=web, access_of=who, figures=figures
    )
