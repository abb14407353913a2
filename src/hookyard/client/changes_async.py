"""Reads the feed of changes as a named consumer, on an event loop.

    async with AsyncChangeReader(
        "https://hookyard.example.com", token, consumer="search-index"
    ) as reader:
        await reader.run(index)

What was read and not acknowledged comes again, so work must bear a repeat; `seq` tells one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType

import httpx2

from hookyard.client.changes import (
    Change,
    ChangesRefused,
    ChangesUnavailable,
    Place,
    changes_of,
    trouble_of,
    wait_after,
)
from hookyard.client.transport import (
    Asking,
    NoAnswer,
    Problem,
    Request,
    Values,
    headers_of,
    pause_async,
    send_async,
)


class AsyncChangeReader:
    """One consumer. Several processes may share a name: each change is then done by one of them
    or, after a crash, by two."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        consumer: str,
        entities: Sequence[str] = (),
        limit: int = 100,
        wait_s: int = 30,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._place = Place(url, consumer, entities, limit, wait_s)
        self._own = http is None
        self._http = http or httpx2.AsyncClient(timeout=self._place.timeout)
        self._asking = Asking(headers_of(token), attempts=1)

    async def __aenter__(self) -> "AsyncChangeReader":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of connections."""
        if self._own:
            await self._http.aclose()

    async def create(self, after: int = 0) -> None:
        """Make the consumer, to begin after a number; nothing happens where there is one."""
        try:
            await self._call(self._place.create(after))
        except ChangesRefused as refused:
            if refused.code != "name_taken":
                raise

    async def poll(self) -> tuple[Sequence[Change], int]:
        """The changes after what was acknowledged, and the number to acknowledge once they are
        done: it may be further than the last, over changes this consumer does not see."""
        return changes_of(await self._call(self._place.poll()))

    async def ack(self, seq: int) -> int:
        """All up to this number is done; the place of the consumer now."""
        return int(str((await self._call(self._place.ack(seq)))["acked"]))

    async def run(
        self, work: Callable[[Change], Awaitable[object]], stop: asyncio.Event | None = None
    ) -> None:
        """Do work on each change, in order, until `stop` is set; acknowledge page by page.

        What `work` raises ends it, with all before that change acknowledged. While the server
        is not reached it is asked again, less and less often. ChangesRefused.
        """
        stop = stop or asyncio.Event()
        failures = 0
        done = moved = 0
        while not stop.is_set():
            try:
                changes, upto = await self.poll()
                done = moved
                try:
                    for change in changes:
                        await work(change)
                        done = change.seq
                        if stop.is_set():
                            break
                    else:
                        done = upto
                finally:
                    if done > moved:
                        moved = await self.ack(done)
                failures = 0
            except ChangesUnavailable as trouble:
                failures += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), trouble.after_s or wait_after(failures))

    async def _call(self, request: Request) -> Values:
        try:
            return (await send_async(self._http, self._asking, request, pause_async)).values()
        except NoAnswer as error:
            raise ChangesUnavailable(str(error)) from None
        except Problem as problem:
            raise trouble_of(problem) from None
