"""Over real sockets: what was sent is known, and no answer is unbounded."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hookyard.adapters.github.port import GitHubFailed, GitHubUnclear
from hookyard.adapters.github.wire import Raw, Wire, WireOptions

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A raw server that reads one request and then does what the test wants."""

    def __init__(self, then: Handler) -> None:
        self.then = then
        self.received: list[bytes] = []
        self.served: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.received.append(head)
            await self.then(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def reached(then: Handler, **options: float) -> AsyncIterator[tuple[Peer, Wire]]:
    peer = Peer(then)
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire(
        WireOptions(base_url=f"http://127.0.0.1:{port}", trust_env=False, **options)  # type: ignore[arg-type]
    )
    try:
        yield peer, wire
    finally:
        await wire.close()
        server.close()
        await asyncio.gather(*peer.served)


async def post(wire: Wire) -> Raw:
    return await wire.send("POST", f"{wire.base_url}/x", {"authorization": "Bearer s3cret"}, b"{}")


def says(payload: bytes) -> Handler:
    async def then(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(payload)
        await writer.drain()

    return then


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_answer_comes_back_whole() -> None:
    body = b'{"a": 1}'
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: 8\r\nX-Thing: Y\r\n\r\n" + body
    async with reached(says(raw)) as (peer, wire):
        got = await post(wire)
    assert (got.status, got.headers["x-thing"], got.body) == (201, "Y", body)
    assert b"authorization: bearer s3cret" in peer.received[0].lower()


async def test_reset_after_the_request_was_read_is_unclear() -> None:
    async with reached(resets) as (peer, wire):
        with pytest.raises(GitHubUnclear) as caught:
            await post(wire)
    assert len(peer.received) == 1
    assert "s3cret" not in repr(caught.value)


async def test_answer_cut_in_the_middle_is_unclear() -> None:
    async with reached(says(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{")) as (_, wire):
        with pytest.raises(GitHubUnclear):
            await post(wire)


async def test_silence_after_the_request_is_unclear() -> None:
    async with reached(hangs, read_s=0.05) as (_, wire):
        with pytest.raises(GitHubUnclear):
            await post(wire)


async def test_answer_that_drips_without_end_is_cut_off() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await reader.readexactly(2)
        while not reader.at_eof():
            writer.write(b"1\r\n \r\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.01)

    async with reached(drips, total_s=0.2) as (_, wire):
        with pytest.raises(GitHubUnclear, match="in time"):
            await post(wire)


async def test_nobody_listening_has_failed() -> None:
    async with reached(hangs) as (_, wire):
        pass
    closed = Wire(WireOptions(base_url=wire.base_url, trust_env=False))
    with pytest.raises(GitHubFailed, match="ConnectError"):
        await post(closed)
    await closed.close()


@pytest.mark.parametrize("packed", [False, True])
async def test_answer_over_the_limit_is_not_kept(packed: bool) -> None:
    body = b"x" * 200_000
    sent = gzip.compress(body) if packed else body
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n" % (
        len(sent),
        b"Content-Encoding: gzip\r\n" if packed else b"",
    )
    async with reached(says(head + sent), max_body=100_000) as (_, wire):
        with pytest.raises(GitHubUnclear, match="larger"):
            await post(wire)


async def test_bodies_are_not_in_the_repr() -> None:
    assert "ghs_" not in repr(Raw(201, {}, b'{"token": "ghs_x"}'))
