"""The local server under bad conditions: nobody waits for somebody else's connection."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import uvicorn
from pointsman.api import connections
from pointsman.api.server import listen

from tests.loops import run as run_alone


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_is_sent_at_once(host: str) -> None:
    """Nagle's algorithm is off on what the server accepts, or a kept-alive answer would wait 40 ms."""
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")

    async def accepted() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Look(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                peer = transport.get_extra_info("socket")
                seen.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        listener = listen(host, 0)
        server = await asyncio.get_running_loop().create_server(Look, sock=listener)
        async with server:
            _, writer = await asyncio.open_connection(host, listener.getsockname()[1])
            option = await asyncio.wait_for(seen, 10)
            writer.close()
        return option

    assert run_alone(accepted())


class App:
    """What the protocol serves in these tests: reads the body and answers at once."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answer = b"ok"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.answer})


Served = Callable[..., "tuple[App, int, uvicorn.Server, threading.Thread]"]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Serves an app over real sockets with short times, until the test ends."""
    running: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []

    def serve(most: int = 8, **seconds: float) -> tuple[App, int, uvicorn.Server, threading.Thread]:
        for name, value in seconds.items():
            monkeypatch.setattr(connections, name, value)
        app, listener = App(), listen("127.0.0.1", 0)
        config = uvicorn.Config(
            app, http=connections.protocol(most), ws="none", log_config=None, access_log=False, lifespan="off",
            timeout_keep_alive=1, timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, thread, listener))
        return app, listener.getsockname()[1], server, thread

    yield serve
    for server, thread, listener in running:
        server.should_exit = True
        thread.join(20)
        listener.close()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=20)
    one.sendall(sent)
    return one


def all_of(one: socket.socket) -> bytes:
    """What the server says until it closes."""
    said = b""
    with one, suppress(ConnectionResetError):
        while part := one.recv(65_536):
            said += part
    return said


HALF_HEAD = b"POST /api/route HTTP/1.1\r\nhost: localhost\r\n"
HALF_BODY = HALF_HEAD + b"content-length: 100\r\n\r\nhalf"
WHOLE = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "sent", [b"", b"P", HALF_HEAD, HALF_BODY, HALF_HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
)
def test_a_request_that_does_not_arrive_is_ended(served: Served, sent: bytes) -> None:
    _, port, _, _ = served(HEAD_S=0.3, BODY_S=0.3)
    said = all_of(connect(port, sent))
    assert said.startswith(b"HTTP/1.1 408 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["status"] == 408


def test_drops_of_a_request_are_no_new_start(served: Served) -> None:
    _, port, _, _ = served(HEAD_S=0.5, BODY_S=0.5)
    one = connect(port, HALF_BODY)
    sent = 0
    with suppress(OSError):
        while sent < 90:
            time.sleep(0.1)
            one.sendall(b"x")
            sent += 1
    assert sent < 50  # it was ended long before the body was whole
    one.close()


def test_a_client_that_does_not_read_its_answer_is_ended(served: Served) -> None:
    app, port, server, _ = served(WRITE_S=0.3)
    app.answer = b"x" * 50_000_000
    one = connect(port, WHOLE)
    deadline = time.monotonic() + 20
    while not app.bodies or server.server_state.connections:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    one.close()


def test_more_connections_than_the_cap_are_told_to_come_back(served: Served) -> None:
    _, port, _, _ = served(most=4, PATIENT_S=60.0)
    held = [connect(port, HALF_BODY) for _ in range(4)]
    time.sleep(0.2)
    said = all_of(connect(port, WHOLE))
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in said
    for one in held:
        one.close()
    time.sleep(0.2)
    assert all_of(connect(port, WHOLE)).startswith(b"HTTP/1.1 200 ")


def test_everyone_beyond_the_cap_is_told_however_many_they_are(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_LINGERING", 3)
    _, port, _, _ = served(most=2, PATIENT_S=60.0)
    held = [connect(port, HALF_BODY) for _ in range(2)]
    time.sleep(0.2)
    for _ in range(12):
        one = connect(port)
        held.append(one)
        assert one.recv(100).startswith(b"HTTP/1.1 503 ")
    for one in held:
        one.close()


@pytest.mark.parametrize("sent", [b"", HALF_HEAD])
def test_connections_that_say_nothing_lock_nobody_out(served: Served, sent: bytes) -> None:
    _, port, _, _ = served(most=4, PATIENT_S=0.2)
    held = [connect(port, sent) for _ in range(40)]
    time.sleep(0.5)
    assert all_of(connect(port, WHOLE)).startswith(b"HTTP/1.1 200 ")
    for one in held:
        one.close()


def test_a_kept_alive_connection_serves_on_after_a_pause(served: Served) -> None:
    app, port, _, _ = served(HEAD_S=0.2)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.post("/", content=b"y" * 200_000).status_code == 200
            time.sleep(0.4)
    assert [len(body) for body in app.bodies] == [200_000] * 3


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY])
def test_a_stop_waits_for_nobody_who_sends_slowly(served: Served, sent: bytes) -> None:
    _, port, server, thread = served()
    one = connect(port, sent)
    time.sleep(0.2)
    server.should_exit = True
    thread.join(15)
    assert not thread.is_alive()
    one.close()
