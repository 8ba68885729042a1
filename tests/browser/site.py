"""A small web server for what the real one never does: it serves the page as a bare file server would, without
headers of its own, and gives API answers that a test makes up, down to cutting a connection."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from typing import Any

from scripts.harness.http_server import listening
from tests.browser.driving import ROOT

Handler = Callable[["Exchange"], None]


class Exchange(SimpleHTTPRequestHandler):
    """One request; `answer` and `cut` are what a test's handler may call."""

    site: "Site"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.site.seen.append(self.path)
        for start, handler in self.site.answers.items():
            if self.path.startswith(start):
                handler(self)
                return
        super().do_GET()

    def answer(self, document: Any, status: int = 200) -> None:
        """A whole JSON answer."""
        body = json.dumps(document).encode()
        self._begin(status, len(body))
        self.wfile.write(body)

    def cut(self, body: bytes, promised: int) -> None:
        """A part of an answer; then the connection ends."""
        self._begin(200, promised)
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True

    def _begin(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Site:
    """A running site: its address, its answers by path, and the paths it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Handler] = {}
        self.seen: list[str] = []


@contextmanager
def bare_site() -> Iterator[Site]:
    """A site that runs for the block."""

    class Bound(Exchange):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(ROOT / "web"))

    with listening(Bound) as url:
        Bound.site = Site(url)
        yield Bound.site
