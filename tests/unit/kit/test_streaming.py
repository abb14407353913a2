"""Frames on their way to a reader: whole, broken off, not taken, not wanted any more."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hookyard.kit.streaming import ABORT, HEAD, Message, send_frames

PATIENCE_S = 30
GONE: Message = {"type": "http.disconnect"}


class Reader:
    """Takes what it is sent, up to `most` messages; `leave` is what ends its connection."""

    def __init__(self, most: int = 1_000) -> None:
        self.most = most
        self.got: list[Message] = []
        self.leave = asyncio.Event()
        self.is_cut = False
        self.closed = False

    async def receive(self) -> Message:
        await self.leave.wait()
        return GONE

    async def send(self, message: Message) -> None:
        if len(self.got) >= self.most:
            await asyncio.Event().wait()
        self.got.append(message)

    def cut(self) -> None:
        self.is_cut = True
        self.leave.set()

    async def frames(self, *pieces: bytes | Exception | None) -> AsyncGenerator[bytes, None]:
        """Pieces; an exception is raised, None waits for ever."""
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                if piece is None:
                    await asyncio.Event().wait()
                else:
                    yield piece
        finally:
            self.closed = True

    async def take(
        self, *pieces: bytes | Exception | None, within_s: float = PATIENCE_S
    ) -> Exception | None:
        scope = {"extensions": {ABORT: {"call": self.cut}}}
        async with asyncio.timeout(PATIENCE_S):
            return await send_frames(
                self.frames(*pieces), scope, self.receive, self.send, HEAD, within_s
            )


async def test_frames_arrive_in_order_and_end() -> None:
    reader = Reader()
    assert await reader.take(b"a", b"b", b"c") is None
    assert [one.get("body") for one in reader.got] == [None, b"a", b"b", b"c", b""]
    assert reader.got[0]["headers"] == list(HEAD)
    assert [one.get("more_body", False) for one in reader.got[1:]] == [True, True, True, False]
    assert (reader.closed, reader.is_cut) == (True, False)


async def test_nothing_at_all_is_an_answer() -> None:
    reader = Reader()
    assert await reader.take() is None
    assert [one.get("body") for one in reader.got] == [None, b"", b""]


async def test_what_is_broken_off_is_cut_and_told() -> None:
    reader, trouble = Reader(), ValueError("lost")
    assert await reader.take(b"a", trouble) is trouble
    assert [one.get("body") for one in reader.got] == [None, b"a"]
    assert reader.is_cut


async def test_what_goes_wrong_first_is_raised_with_nothing_sent() -> None:
    reader = Reader()
    with pytest.raises(ValueError, match="refused"):
        await reader.take(ValueError("refused"))
    assert (reader.got, reader.is_cut) == ([], False)


async def test_who_takes_nothing_is_cut_off() -> None:
    reader = Reader(most=2)
    assert isinstance(await reader.take(b"a", b"b", b"c", within_s=0.05), TimeoutError)
    assert (len(reader.got), reader.is_cut, reader.closed) == (2, True, True)


async def test_frames_end_with_their_reader() -> None:
    reader = Reader()
    taking = asyncio.create_task(reader.take(b"a", None))
    while len(reader.got) < 2:
        await asyncio.sleep(0)
    reader.leave.set()
    assert await taking is None
    assert (reader.closed, reader.is_cut) == (True, False)
