"""Items that arrive together become one unit on Postgres; two such units may be on their way."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from hookyard.adapters.database.port import Sink, Unit

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_PER_BATCH = 256
BATCHES_IN_FLIGHT = 2


class Writer(Protocol):
    """The part of a database that is used."""

    async def write(self, work: Callable[[Unit], T]) -> T: ...


class PostgresBatcher(Generic[Item, Result]):
    """What queued while the last batches ran becomes the next one; see `Batcher`."""

    def __init__(
        self,
        database: Writer,
        work: Callable[[Unit, Sequence[Item]], Sequence[Result]],
        at_once: int = BATCHES_IN_FLIGHT,
    ) -> None:
        self._database = database
        self._work = work
        self._at_once = at_once
        self._pending: list[tuple[Item, Sink[Result]]] = []
        self._draining = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.send(item, future)
        return await future

    def send(self, item: Item, sink: Sink[Result]) -> None:
        self._pending.append((item, sink))
        if self._draining < self._at_once:
            self._draining += 1
            task = asyncio.get_running_loop().create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        # why: counted down in the same turn that finds nothing left; a task is done only a turn
        # later, and what arrives in between would wait for somebody who is leaving.
        try:
            await self._drain_all()
        finally:
            self._draining -= 1

    async def _drain_all(self) -> None:
        while self._pending:
            batch = self._pending[:ITEMS_PER_BATCH]
            del self._pending[:ITEMS_PER_BATCH]
            items = [item for item, _ in batch]
            try:
                results = await self._database.write(lambda unit, i=items: self._work(unit, i))  # type: ignore[misc]
            except Exception as error:
                for _, sink in batch:
                    if not sink.done():
                        sink.set_exception(error)
                continue
            for (_, sink), result in zip(batch, results, strict=True):
                if not sink.done():
                    sink.set_result(result)
