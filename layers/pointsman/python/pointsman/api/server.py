"""The local server: the API and the page on one port, the history in one SQLite file or in a table."""

import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
import uvicorn

from pointsman.api.doors import guard, is_loopback, own_names
from pointsman.auth.tokens_file import watched_tokens
from pointsman.compose import open_app, open_history, open_router
from pointsman.errors import ServerError, SettingsError
from pointsman.settings import load_settings


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
) -> None:
    """Serve until interrupted.

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
    # The port first: it is the quickest to fail.
    listener = listen(host, port)
    try:
        history = open_history(settings)
        try:
            router = open_router(settings, history)
            app = open_app(settings, router=router, history=history, page=True)
            known = router.registry
            shown = f"[{host}]" if ":" in host else host
            click.echo(
                f"Pointsman serves http://{shown}:{listener.getsockname()[1]} "
                f"({len(known.models)} models, {len(known.configs)} configs; "
                f"history in {settings.table or settings.db})"
            )
            logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
            guarded = guard(app, names, is_loopback(host), document, settings.requests_per_minute)
            config = uvicorn.Config(guarded, log_config=None, access_log=False, server_header=False)
            with suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            history.close()
    finally:
        listener.close()


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
