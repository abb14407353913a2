"""Work that many ask for and that runs seldom: one at a time, its answer kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from hookyard.kit.clock import Clock

T = TypeVar("T")


class Seldom(Generic[T]):
    """Runs `work` at most once every `every_s`; whoever asks meanwhile gets the same answer."""

    def __init__(self, work: Callable[[], Awaitable[T]], every_s: float, clock: Clock) -> None:
        self._work = work
        self._every_s = every_s
        self._clock = clock
        self._answer: T | None = None
        self._fresh_until = float("-inf")
        self._running: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The kept answer while it is fresh, else a new one. A failure is not kept."""
        if self._answer is not None and self._clock.monotonic() < self._fresh_until:
            return self._answer
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> T:
        self._answer = await self._work()
        self._fresh_until = self._clock.monotonic() + self._every_s
        return self._answer
