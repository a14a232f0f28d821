"""Connections that say nothing or are too many do not stay. Limits of minutes are made short here."""

import asyncio
import socket
from typing import Any

import pytest

from maycloud.services.dax import server
from maycloud.services.dax.server import Listener
from waiting import PATIENCE

NODE: Any = None  # nothing is asked of it before a request


async def connect(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


async def is_closed(client: socket.socket) -> bool:
    """Waits for the other end to close the connection, or to say something."""
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), PATIENCE) == b""
    except ConnectionResetError:
        return True


async def settle(listener: Listener, connections: int) -> None:
    """Until the loop has heard of all that happened to its connections."""
    async with asyncio.timeout(PATIENCE):
        while len(listener.connections) != connections:
            await asyncio.sleep(0.01)


async def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GREETING", 0.05)
    monkeypatch.setattr(server, "SWEEP", 0.02)
    listener = Listener(NODE)
    with await connect(await listener.start("127.0.0.1", 0, None)) as client:
        client.send(b"\x67J7yne5G\x00")
        assert await is_closed(client)
    await settle(listener, 0)
    await listener.stop()


async def test_one_connection_too_many_is_refused_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    listener = Listener(NODE)
    port = await listener.start("127.0.0.1", 0, None)
    with await connect(port), await connect(port):
        await settle(listener, 2)
        with await connect(port) as third:
            assert await is_closed(third)
        assert len(listener.connections) == 2
        await listener.stop()
        await settle(listener, 0)


async def test_a_port_that_is_taken_is_an_error() -> None:
    first, second = Listener(NODE), Listener(NODE)
    port = await first.start("127.0.0.1", 0, None)
    with pytest.raises(OSError, match=str(port)):
        await second.start("127.0.0.1", port, None)
    await first.stop()
    await second.stop()
