"""A service that answers as it is told to, on a socket of its own: what clients must bear."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import select
from typing import Any

Reply = bytes | Callable[[socket.socket], None]

DECISION: dict[str, Any] = {
    "id": "01KAQ3V9ZC8M0Y6W2N4T7R5B1D",
    "calls": [{"model_id": "openai/gpt-5.6-luna", "effort": "low", "request": {"reasoning_effort": "low"}}],
    "fallbacks": [{"model_id": "acme/other", "effort": None, "request": {}, "expected_quality": 0.8, "cost": 0.001}],
    "expected_quality": 0.9,
    "cost": 0.0005,
    "reason": "value",
    "recorded": True,
}


def http(status: int, body: object, kind: str = "application/json", **headers: str) -> bytes:
    """The bytes of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "content-type": kind,
        "content-length": str(len(content)),
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + content


def silent(_: socket.socket) -> None:
    """Say nothing."""
    time.sleep(3)


def dripping(one: socket.socket) -> None:
    """Say a byte at a time, so that no single read ever takes long."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60\r\n\r\n" + b" " * 60:
            one.sendall(bytes([byte]))
            time.sleep(0.05)


def hanging_up(one: socket.socket) -> None:
    """Begin an answer and close."""
    one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")


def keeping(one: socket.socket, *, read: bool) -> None:
    """Answer and keep the connection; close it when the next request comes, which was `read` or not."""
    one.sendall(http(200, DECISION))
    select([one], [], [])
    if read:
        one.recv(1_000_000)


class Nasty:
    """The server: what it answers, and the requests that it got as (path, body)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reply: Reply | Callable[[str, Any], bytes] = http(200, DECISION)
        self.by_path: Callable[[str, Any], Reply] | None = None
        self.requests: list[tuple[str, Any]] = []

    def paths(self, start: str) -> list[Any]:
        """The bodies sent to paths that begin so."""
        return [body for path, body in self.requests if path.startswith(start)]


@contextmanager
def nasty_server() -> Iterator[Nasty]:
    """A server for the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Nasty(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve(one: socket.socket) -> None:
        with one, suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                part = one.recv(65_536)
                if not part:
                    return
                received += part
            head, _, body = received.partition(b"\r\n\r\n")
            length = next(
                (int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), 0
            )
            while len(body) < length:
                body += one.recv(65_536)
            path, document = head.split(b" ")[1].decode(), json.loads(body or b"null")
            server.requests.append((path, document))
            reply: Any = server.reply if server.by_path is None else server.by_path(path, document)
            if callable(reply):
                reply(one)
            else:
                one.sendall(reply.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))

    def accept() -> None:
        with suppress(OSError):
            while True:
                one, _ = listener.accept()
                threading.Thread(target=serve, args=(one,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # or a thread that waits for a connection would get one more
        listener.close()
