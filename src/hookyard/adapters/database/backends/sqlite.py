"""SQLite: one connection that writes, many units to a commit, readers beside it.

# why: WAL with synchronous=FULL makes every commit durable; what queues while one commit runs
# shares the next, so an fsync is paid once for all of them (group commit). Only the writer's
# connection writes and checkpoints: two connections doing so can corrupt the log on SQLite
# before 3.51.3 (the WAL-reset bug), and two writer processes would only fight for the lock.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Generic, TypeVar

from sqlalchemy import Connection

from hookyard.adapters.database.backends.ears import Ears
from hookyard.adapters.database.backends.lockfile import WriterLock
from hookyard.adapters.database.backends.queued import Batched, Group, Work
from hookyard.adapters.database.backends.sqlite_unit import SqliteUnit, open_connection
from hookyard.adapters.database.backends.sqlite_writer import SqliteWriter
from hookyard.adapters.database.port import (
    Aside,
    Batcher,
    DatabaseHealth,
    Dialect,
    RawSql,
    Sink,
    Unit,
)
from hookyard.kit.errors import Unavailable

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")

READERS = 4


class SqliteBatcher(Generic[Item, Result]):
    """Hands items to the writer; see `Batcher`."""

    def __init__(
        self,
        writer: SqliteWriter,
        loop: asyncio.AbstractEventLoop,
        work: Callable[[Unit, Sequence[Item]], Sequence[Result]],
        short: Callable[[Item], bool],
    ) -> None:
        self._writer = writer
        self._loop = loop
        self._group = Group(work)  # type: ignore[arg-type]
        self._short = short

    async def submit(self, item: Item) -> Result:
        future: asyncio.Future[Result] = self._loop.create_future()
        self.send(item, future)
        return await future

    def send(self, item: Item, sink: Sink[Result]) -> None:
        self._writer.put(Batched(self._group, item, sink, short=self._short(item)))  # type: ignore[arg-type]


class SqliteDatabase:
    """The embedded engine; see `Database`."""

    dialect: Dialect = "sqlite"
    hears = True

    def __init__(self, path: Path, *, commit_delay_s: float = 0.0) -> None:
        self.path = path
        self.loop = asyncio.get_running_loop()
        self._lock = WriterLock(path)
        self._lock.acquire()
        try:
            self._raw, self._connection = open_connection(path, read_only=False)
        except sqlite3.Error as error:
            self._lock.release()
            raise Unavailable(f"the database {path} cannot be opened: {error}") from None
        self._writer = SqliteWriter(self.loop, self._raw, self._connection, commit_delay_s)
        self._closed = False
        self._ears = Ears()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._local = threading.local()
        self._opened: list[tuple[sqlite3.Connection, Connection]] = []

    @property
    def commits(self) -> int:
        """How many there were since the start."""
        return self._writer.commits

    async def write(self, work: Callable[[Unit], T]) -> T:
        future: asyncio.Future[object] = self.loop.create_future()
        self._writer.put(Work(work, future))
        return await future  # type: ignore[return-value]

    async def read(self, work: Callable[[Unit], T]) -> T:
        return await self.loop.run_in_executor(self._readers, self._read, work)

    async def peek(self, work: Callable[[Unit], T]) -> T:
        # why: a look-up by key takes less time than handing it to a thread and back.
        return self._read(work)

    def batcher(
        self,
        work: Callable[[Unit, Sequence[Item]], Sequence[Result]],
        *,
        short: Callable[[Item], bool] = lambda item: False,
        alone: bool = False,
    ) -> Batcher[Item, Result]:
        return SqliteBatcher(self._writer, self.loop, work, short)

    def announce(self, channel: str) -> None:
        self._ears.tell(channel)

    def listen(self, channel: str, heard: Callable[[], None]) -> None:
        self._ears.add(channel, heard)

    def aside(self, name: str) -> AbstractAsyncContextManager[Aside] | None:
        """None: there is one writer, and nobody to write meanwhile."""
        return None

    async def probe(self) -> DatabaseHealth:
        started = self.loop.time()
        await self.read(lambda unit: unit.fetch_raw(RawSql.same("SELECT 1")))
        taken = (self.loop.time() - started) * 1000
        return DatabaseHealth("sqlite", round(taken, 3), sqlite3.sqlite_version)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        self._readers.shutdown()
        for raw, connection in self._opened:
            connection.close()
            connection.engine.dispose()
            raw.close()
        with suppress(sqlite3.Error):
            self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._connection.engine.dispose()
        self._raw.close()
        self._lock.release()

    def _read(self, work: Callable[[Unit], T]) -> T:
        pair: tuple[sqlite3.Connection, Connection] | None = getattr(self._local, "pair", None)
        if pair is None:
            pair = self._local.pair = open_connection(self.path, read_only=True)
            self._opened.append(pair)
        raw, connection = pair
        raw.execute("BEGIN")
        unit = SqliteUnit(raw, connection)
        try:
            result = work(unit)
            unit.settle()
            return result
        except sqlite3.OperationalError:
            if unit.is_late:
                raise Unavailable("the database took too long", retry_after_s=5) from None
            raise
        finally:
            unit.forget_time()
            if raw.in_transaction:
                raw.execute("ROLLBACK")
