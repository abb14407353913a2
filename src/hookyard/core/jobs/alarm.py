"""Waiting for time or for something else: the next held job that is due, or a new deadline."""

import asyncio
from collections.abc import Callable

from hookyard.kit.clock import Clock


class Alarm:
    """One timer, always for the earliest instant asked for. Use it on the event loop."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due_ms = 0
        self._task: asyncio.Task[None] | None = None

    def set(self, due_ms: int | None, horizon_s: float) -> None:
        """Ring at `due_ms`; nothing to do when that is None or past the horizon."""
        now_ms = self._clock.now_ms()
        if due_ms is None or due_ms > now_ms + horizon_s * 1000:
            return
        if self._task is not None and not self._task.done():
            if self._due_ms <= due_ms:
                return
            self._task.cancel()
        self._due_ms = due_ms
        self._task = asyncio.create_task(self._wait(max(0.001, (due_ms - now_ms) / 1000)))

    def cancel(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()

    async def _wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._ring()


async def sleep_or(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until the time has passed or the event is set, whichever comes first."""
    if seconds < 0.001:
        await clock.sleep(0)
        return
    sleeper = asyncio.create_task(clock.sleep(seconds))
    happening = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({sleeper, happening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeper.cancel()
        happening.cancel()
