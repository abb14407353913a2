"""Who waits for changes in this process, woken when the head of their tenant's feed has moved.

One look at the heads serves everybody who waits. It is made when some process announces a change,
and every `LOOK_EVERY_S` besides, as announcements may be lost.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hookyard.adapters.database.port import Database
from hookyard.core.identity.model import Actor
from hookyard.core.jobs.alarm import sleep_or
from hookyard.features.records import store_changes
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, Limited

CHANNEL = "hookyard_changes"
LOOK_EVERY_S = 1.0
DEAF_LOOK_EVERY_S = 0.25
PER_CALLER = 8
IN_ALL = 512


@dataclass(eq=False, slots=True)
class _Waiter:
    tenant: str
    seq: int
    rung: "asyncio.Future[None]" = field(repr=False)


class Bell:
    """Rings for those who wait for a number to be passed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: set[_Waiter] = set()
        self._held: dict[str, int] = {}
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closed = False
        database.listen(CHANNEL, self._stir.set)

    @contextmanager
    def seat(self, actor: Actor) -> Iterator[None]:
        """A place to wait; Limited when this caller, or all together, have too many."""
        key = f"{actor.tenant}/{actor.label}"
        mine = self._held.get(key, 0)
        if mine >= PER_CALLER or sum(self._held.values()) >= IN_ALL:
            raise Limited(
                f"a caller may wait for changes {PER_CALLER} times at once", retry_after_s=5
            )
        self._held[key] = mine + 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    async def passed(self, tenant: str, seq: int, within_s: float) -> bool:
        """Wait until the feed of a tenant has gone past a number; False when the time is over,
        or the process is about to end."""
        if self.closed:
            return False
        waiter = _Waiter(tenant, seq, asyncio.get_running_loop().create_future())
        patience = asyncio.create_task(self._clock.sleep(within_s))
        self._waiting.add(waiter)
        self._stir.set()
        if self._task is None:
            self._task = asyncio.create_task(self._ring(), name="bell")
        try:
            await asyncio.wait({waiter.rung, patience}, return_when=asyncio.FIRST_COMPLETED)
            return waiter.rung.done() and not self.closed
        finally:
            self._waiting.discard(waiter)
            patience.cancel()

    def close(self) -> None:
        """Let everybody go: the process is about to end."""
        self.closed = True
        for waiter in self._waiting:
            if not waiter.rung.done():
                waiter.rung.set_result(None)
        self._stir.set()

    async def _ring(self) -> None:
        """Look for as long as anybody waits."""
        try:
            while self._waiting and not self.closed:
                self._stir.clear()
                await self._look()
                every_s = LOOK_EVERY_S if self._database.hears else DEAF_LOOK_EVERY_S
                await sleep_or(self._stir, self._clock, every_s)
        finally:
            self._task = None

    async def _look(self) -> None:
        tenants = sorted({waiter.tenant for waiter in self._waiting})
        try:
            heads = await self._database.peek(lambda unit: store_changes.heads(unit, tenants))
        except HookyardError:
            return  # the next look, a second later, may reach it
        for waiter in self._waiting:
            if heads.get(waiter.tenant, 0) > waiter.seq and not waiter.rung.done():
                waiter.rung.set_result(None)
