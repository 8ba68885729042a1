"""The local server under bad conditions: nobody waits for somebody else's connection."""

import asyncio
import socket

import pytest
from pointsman.api.server import listen


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

    assert asyncio.run(accepted())
