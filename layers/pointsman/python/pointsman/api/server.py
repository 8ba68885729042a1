"""The local server: the API and the page on one port, the history in one SQLite file or in a table."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import uvicorn
from starlette.types import ASGIApp

from pointsman.api.connections import GRACE_S, IDLE_S, MOST_LINGERING, protocol
from pointsman.api.cors import with_cors
from pointsman.api.deciding import PATHS
from pointsman.api.doors import guard, is_loopback, own_names
from pointsman.artifact.manifest import other_weights
from pointsman.auth.tokens_file import watched_tokens
from pointsman.compose import open_app, open_history, open_router
from pointsman.errors import HistoryUnavailable, ServerError, SettingsError
from pointsman.history import History
from pointsman.history.sqlite import PURGE_EVERY_S, SqliteHistory
from pointsman.instants import Clock, utc_now
from pointsman.settings import load_settings
from pointsman.telemetry.figures import open_figures
from pointsman.telemetry.spans import open_spans
from pointsman.telemetry.watching import Listener, note, watch

# Files beside connections: the history's, the listener, threads' pipes.
OTHER_FILES = 64
# How long a thread computes before another may: the event loop, which answers health, waits for a few of these.
SWITCH_S = 0.001
CHECKED_AT_START_BYTES = 64 * 2**20

log = logging.getLogger("pointsman")


def run(
    host: str,
    port: int,
    *,
    db: Path | None,
    table: str | None,
    artifact: Path | None,
    registry: Path | None,
    tokens: Path | None = None,
    allowed_hosts: Sequence[str] = (),
    no_auth: bool = False,
    clock: Clock = utc_now,
) -> None:
    """Serve until interrupted. `clock` says what time it is for decisions.

    Raises:
        StartupError: the settings, tokens, registry, artifact or port cannot be used, or the address can be reached
            by others and no tokens are asked for.
        HistoryUnavailable: the history cannot be opened.
    """
    settings = load_settings(db=db, table=table, artifact=artifact, registry=registry, tokens=tokens)
    if settings.tokens is None and not is_loopback(host) and not no_auth:
        raise ServerError(
            f"--host {host}: other machines can reach this address, and no token would be asked for. Make one with "
            "`pointsman token new NAME --file tokens.json` and serve with --tokens tokens.json, or say "
            "--insecure-no-auth."
        )
    document = None if settings.tokens is None else watched_tokens(settings.tokens)
    names = own_names(host, [*settings.allowed_hosts.split(","), *allowed_hosts])
    if not (settings.web / "index.html").is_file():
        raise SettingsError(f"POINTSMAN_WEB={str(settings.web)!r} holds no index.html. Correct it or unset it.")
    spans, figures = open_spans(settings), open_figures(settings)
    listeners: list[Listener] = [one for one in (spans, figures) if one is not None]
    # The port first: it is the quickest to fail.
    listener = listen(host, port)
    try:
        history = open_history(settings)
        try:
            with looked_after(history):
                router = open_router(settings, history, note if listeners else None, clock=clock)
                if figures is not None:
                    figures.of_router(router)
                app = open_app(settings, router=router, history=history, page=True, figures=figures)
                known = router.registry
                weights = other_weights(settings.artifact, router.artifact.manifest)
                if weights is not None:
                    log.warning(
                        "%s was not built from %s as it is now. Run `make artifact`.", settings.artifact, weights
                    )
                shown = f"[{host}]" if ":" in host else host
                click.echo(
                    f"Pointsman serves http://{shown}:{listener.getsockname()[1]} "
                    f"({len(known.models)} models, {len(known.configs)} configs; "
                    f"history in {settings.table or settings.db})"
                )
                guarded = guard(app, names, is_loopback(host), document, settings.requests_per_minute)
                watched = watch(guarded, PATHS, listeners, None if spans is None else spans.close)
                try:
                    _serve(with_cors(watched, settings.cors_origins), listener, settings.max_connections)
                finally:
                    if router.recorder is not None:
                        router.recorder.close()
        finally:
            history.close()
    finally:
        listener.close()


def _serve(app: ASGIApp, listener: socket.socket, most_connections: int) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_S)
    config = uvicorn.Config(
        app,
        http=protocol(_connections(most_connections)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(IDLE_S),
        timeout_graceful_shutdown=GRACE_S,
    )
    with suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        uvicorn.Server(config).run(sockets=[listener])


def _connections(wanted: int) -> int:
    """How many connections this process may have; the limit of open files is raised for them where it may be."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + MOST_LINGERING + OTHER_FILES
    if soft < needed and hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return min(wanted, max(1, max(soft, needed) - MOST_LINGERING - OTHER_FILES))


@contextmanager
def looked_after(history: History) -> Iterator[None]:
    """While it is served: the history is read for damage once, and what is too old is deleted as time goes by.

    Raises:
        HistoryUnavailable: a small file is damaged. A large one is read beside the requests.
    """
    ended = threading.Event()
    large = False
    if isinstance(history, SqliteHistory):
        large = history.path.stat().st_size > CHECKED_AT_START_BYTES
        if not large:
            history.check()

    def look_after() -> None:
        unchecked = large
        while True:
            try:
                if unchecked and isinstance(history, SqliteHistory):
                    history.check()
                    unchecked = False
                history.purge()
            except HistoryUnavailable as error:
                log.warning("%s", error.detail)
            if ended.wait(PURGE_EVERY_S):
                return

    keeper = threading.Thread(target=look_after, name="keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join(GRACE_S)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; 0 takes any free port.

    Raises:
        ServerError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio would not turn off Nagle's algorithm on what is accepted, and the body of a
    # kept-alive answer would wait 40 ms for the acknowledgement of its head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ServerError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --port or --host."
        ) from None
    except (OverflowError, UnicodeError):
        listener.close()
        raise ServerError(f"--host {host!r} is not an address. Use one such as 127.0.0.1.") from None
    return listener
