"""Time as a dependency: every instant in Hookyard comes from a Clock handed down.

Instants are integer milliseconds since 1970-01-01 UTC (`now_ms`); durations in code are
seconds as float unless the name ends in `_ms`.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """What the time is, and how to wait for it to pass."""

    def now_ms(self) -> int:
        """Wall-clock instant, milliseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a non-positive duration yields once."""
        ...


class SystemClock:
    """The machine's clock, shifted by a fixed offset so that skew can be tested."""

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset_ms

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that stands still until told to move; sleepers wake as it passes them."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ms + int(seconds * 1000), future))
        await future

    def advance(self, seconds: float) -> None:
        """Move forward and wake every sleeper whose time has come."""
        self._now_ms += int(seconds * 1000)
        due = [item for item in self._sleepers if item[0] <= self._now_ms]
        self._sleepers = [item for item in self._sleepers if item[0] > self._now_ms]
        for _, future in due:
            if not future.done():
                future.set_result(None)


def to_rfc3339(ms: int) -> str:
    """`1700000000123` → `2023-11-14T22:13:20.123Z`."""
    return f"{_second(ms // 1000)}{ms % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """# why: instants of one moment are written again and again, and writing one is dear."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.")


def from_rfc3339(text: str) -> int:
    """Milliseconds of an RFC 3339 instant; ValueError when it is none or has no zone."""
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return (stamp - _EPOCH) // _MILLISECOND
