"""A stream fed to a thread ends when it is told to, whenever that is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hookyard.adapters.blobs.feed import Feed
from hookyard.adapters.blobs.streams import Tally


async def endless(asked: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"one"
    asked.set()
    await asyncio.Event().wait()
    yield b"never"


async def test_parts_come_in_order_and_are_counted() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"b"
        yield b"c"

    tally = Tally(None, None)
    found = await asyncio.to_thread(list, Feed(b"a", parts(), tally))
    assert found == [b"a", b"b", b"c"]


async def test_a_thread_that_waits_for_a_part_is_let_go() -> None:
    asked = asyncio.Event()
    feed = Feed(b"zero", endless(asked), Tally(None, None))
    pulling = asyncio.ensure_future(asyncio.to_thread(list, feed))
    await asked.wait()
    feed.stop()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(pulling, 10)


async def test_a_thread_that_asks_after_the_end_is_let_go() -> None:
    feed = Feed(b"zero", endless(asyncio.Event()), Tally(None, None))
    feed.stop()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.to_thread(list, feed), 10)
