"""Pointers in the memory of one process: the measure the other brokers are held to in tests.

It keeps every promise of the port and no more: what is not acknowledged comes again after
`visible_after_s`, and `flush` empties it as an operator might empty Redis.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.adapters.queues.port import BrokerHealth, Pointer, Received
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Held:
    """A pointer somebody received and has not acknowledged."""

    pointer: Pointer
    until_ms: int


class MemoryBroker:
    """See `Broker`. While `is_down`, every call raises `Unavailable`."""

    name = "memory"

    def __init__(self, clock: Clock, *, visible_after_s: float = 15.0) -> None:
        self._clock = clock
        self._visible_after_ms = round(visible_after_s * 1000)
        self._ready: dict[str, deque[Pointer]] = {}
        self._held: dict[str, _Held] = {}
        self._arrived = asyncio.Event()
        self._count = 0
        self.is_down = False

    async def publish(self, pointers: Sequence[Pointer]) -> None:
        self._reach()
        for pointer in pointers:
            self._ready.setdefault(pointer.lane, deque(maxlen=AT_MOST)).append(pointer)
        self._arrived.set()

    async def receive(
        self, lanes: Sequence[str], at_most: int, wait_s: float
    ) -> Sequence[Received]:
        patience = asyncio.create_task(self._clock.sleep(wait_s))
        try:
            while True:
                self._reach()
                self._arrived.clear()
                found = self._take(lanes, at_most)
                if found or patience.done():
                    return found
                arrival = asyncio.create_task(self._arrived.wait())
                await asyncio.wait({patience, arrival}, return_when=asyncio.FIRST_COMPLETED)
                arrival.cancel()
        finally:
            patience.cancel()

    async def acknowledge(self, received: Sequence[Received]) -> None:
        self._reach()
        for item in received:
            self._held.pop(item.receipt, None)

    async def depth(self, lane: str) -> int:
        self._reach()
        held = sum(item.pointer.lane == lane for item in self._held.values())
        return len(self._ready.get(lane, ())) + held

    async def probe(self) -> BrokerHealth:
        self._reach()
        return BrokerHealth("memory", 0.0, "")

    async def close(self) -> None:
        self.flush()

    def flush(self) -> None:
        """Forget every pointer."""
        self._ready.clear()
        self._held.clear()

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable("the broker in memory was told to be down")

    def _take(self, lanes: Sequence[str], at_most: int) -> list[Received]:
        self._bring_back()
        until_ms = self._clock.now_ms() + self._visible_after_ms
        found: list[Received] = []
        for lane in lanes:
            waiting = self._ready.get(lane)
            while waiting and len(found) < at_most:
                self._count += 1
                item = Received(waiting.popleft(), str(self._count))
                self._held[item.receipt] = _Held(item.pointer, until_ms)
                found.append(item)
        return found

    def _bring_back(self) -> None:
        now_ms = self._clock.now_ms()
        late = [receipt for receipt, held in self._held.items() if held.until_ms <= now_ms]
        for receipt in late:
            pointer = self._held.pop(receipt).pointer
            self._ready.setdefault(pointer.lane, deque(maxlen=AT_MOST)).append(pointer)
