"""An asynchronous stream, fed to a thread that pulls it part by part."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from hookyard.adapters.blobs.streams import Tally


class Feed:
    """Made on the event loop, iterated in a thread. Errors of the stream are raised there."""

    def __init__(self, first: bytes, parts: AsyncIterator[bytes], tally: Tally) -> None:
        self._loop = asyncio.get_running_loop()
        self._first: bytes | None = first
        self._parts = parts
        self._tally = tally
        self._stopped = False
        self._waiting: asyncio.Task[object] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        part = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        if part is None:
            raise StopIteration
        return part

    def stop(self) -> None:
        """Called on the loop: the thread gets an error in place of the next part."""
        # why: what the thread asked for is known here only once it has begun, on this loop.
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _next(self) -> bytes | None:
        if self._stopped:
            raise asyncio.CancelledError
        self._waiting = asyncio.current_task()
        try:
            part = await anext(self._parts, None)
            if part is not None:
                await self._tally.take(part)
        finally:
            self._waiting = None
        return part
