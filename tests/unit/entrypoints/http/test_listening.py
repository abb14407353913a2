"""The listening socket: answers leave at once, and a taken address is told."""

import asyncio
import socket

import pytest

from hookyard.entrypoints.http.server import listen


async def test_answers_on_a_kept_connection_are_not_held_back() -> None:
    found: asyncio.Queue[int] = asyncio.Queue()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        found.put_nowait(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    bound = listen("127.0.0.1", 0)
    server = await asyncio.start_server(connected, sock=bound)
    async with server:
        _, writer = await asyncio.open_connection("127.0.0.1", bound.getsockname()[1])
        assert await asyncio.wait_for(found.get(), 10) != 0
        writer.close()


def test_a_taken_address_cannot_be_had() -> None:
    first = listen("127.0.0.1", 0)
    first.listen()
    try:
        with pytest.raises(OSError):
            listen("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()
