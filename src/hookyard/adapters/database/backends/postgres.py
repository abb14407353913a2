"""Postgres through asyncpg: the engine for several processes.

A unit is one transaction in one session. It is run again when the server asks for that, or when
its session was lost before its commit was sent; a commit whose answer was lost is `Unavailable`,
since nobody knows whether it happened.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import TypeVar

from sqlalchemy.util import greenlet_spawn

from hookyard.adapters.database.backends.postgres_aside import aside
from hookyard.adapters.database.backends.postgres_batcher import (
    BATCHES_IN_FLIGHT,
    PostgresBatcher,
)
from hookyard.adapters.database.backends.postgres_faults import (
    DRIVER_TROUBLE,
    Fault,
    fault_of,
    is_stale,
    unavailable,
)
from hookyard.adapters.database.backends.postgres_link import read_link
from hookyard.adapters.database.backends.postgres_pool import CoreView, Session, Sessions
from hookyard.adapters.database.backends.postgres_signals import Signals
from hookyard.adapters.database.backends.postgres_unit import PostgresUnit
from hookyard.adapters.database.port import Aside, Batcher, DatabaseHealth, Dialect, RawSql, Unit

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")

POOL_SIZE = 10
TRIES = 4
WRITING = "BEGIN"
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_VERSION = RawSql.same("SELECT current_setting('server_version')")


class PostgresDatabase:
    """The engine for several processes; see `Database`.

    `pooled` says that a transaction-mode pooler stands between; `direct_url` then leads around
    it, for wake-ups. ConfigurationError when a URL cannot be read.
    """

    dialect: Dialect = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = POOL_SIZE,
        pooled: bool = False,
        direct_url: str | None = None,
        random: Random | None = None,
    ) -> None:
        self.commits = 0
        link = read_link(url, pooled=pooled)
        direct = link
        if direct_url is not None:
            direct = read_link(direct_url, name="HOOKYARD_DATABASE_DIRECT_URL")
        self._view = CoreView(link)
        self._sessions = Sessions(link, pool_size)
        self._direct = direct
        self._signals = Signals(direct, random or Random())  # noqa: S311
        self._begin_writing = link.begin(WRITING)
        self._begin_reading = link.begin(READING)
        # why: outside a transaction a pooler may change the session between the two messages
        # that prepare and run a statement.
        self._at_once = not link.pooled

    @property
    def hears(self) -> bool:
        """Whether other processes can wake this one; if not, it has to poll."""
        return self._signals.hears

    async def write(self, work: Callable[[Unit], T]) -> T:
        result = await self._attempts(work, writing=True)
        self.commits += 1
        return result

    async def read(self, work: Callable[[Unit], T]) -> T:
        return await self._attempts(work, writing=False)

    async def peek(self, work: Callable[[Unit], T]) -> T:
        return await self.read(work)

    def batcher(
        self,
        work: Callable[[Unit, Sequence[Item]], Sequence[Result]],
        *,
        short: Callable[[Item], bool] = lambda item: False,
        alone: bool = False,
    ) -> Batcher[Item, Result]:
        return PostgresBatcher(self, work, 1 if alone else BATCHES_IN_FLIGHT)

    def announce(self, channel: str) -> None:
        self._signals.announce(channel)

    def listen(self, channel: str, heard: Callable[[], None]) -> None:
        self._signals.listen(channel, heard)

    def aside(self, name: str) -> AbstractAsyncContextManager[Aside] | None:
        return None if self._direct.pooled else aside(self._direct, name)

    async def probe(self) -> DatabaseHealth:
        loop = asyncio.get_running_loop()
        started = loop.time()
        rows = await self.read(lambda unit: unit.fetch_raw(_VERSION))
        return DatabaseHealth("postgres", round((loop.time() - started) * 1000, 3), str(rows[0][0]))

    async def close(self) -> None:
        await self._signals.close()
        await self._sessions.close()

    async def _attempts(self, work: Callable[[Unit], T], *, writing: bool) -> T:
        for attempt in range(1, TRIES + 1):
            session = await self._sessions.take()
            begin = self._begin_writing if writing else self._begin_reading
            unit = PostgresUnit(session, self._view, begin, at_once=writing and self._at_once)
            try:
                result = await self._once(session, unit, work, writing=writing)
            except Exception as error:
                fault = fault_of(error, writing=writing)
                again = fault is Fault.AGAIN or (fault is Fault.LOST and not unit.in_doubt)
                if fault is Fault.LOST:
                    self._sessions.doubt_idle()
                if again and attempt < TRIES:
                    continue
                if fault is Fault.OURS:
                    raise
                raise unavailable(error) from error
            for callback in unit.callbacks:
                callback()
            return result
        raise AssertionError("unreachable")

    async def _once(
        self, session: Session, unit: PostgresUnit, work: Callable[[Unit], T], *, writing: bool
    ) -> T:
        usable = False
        try:
            result: T = await greenlet_spawn(unit.whole, work)
            if writing:
                await unit.commit()
            else:
                await unit.roll_back()
            usable = True
        except Exception as error:
            usable = await self._undone(unit, error, writing=writing)
            raise
        finally:
            await self._sessions.give(session, usable=usable)
        return result

    async def _undone(self, unit: PostgresUnit, error: Exception, *, writing: bool) -> bool:
        """Roll back; whether the session may serve another unit."""
        if fault_of(error, writing=writing) is Fault.LOST or is_stale(error):
            return False
        try:
            await unit.roll_back()
        except DRIVER_TROUBLE:
            return False
        return True
