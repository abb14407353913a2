"""The queue port of one process, over a broker in memory that loses, doubles and delays."""

from collections.abc import Sequence
from typing import Any

from hookyard.adapters.queues.backends.memory import MemoryBroker
from hookyard.adapters.queues.port import BrokerHealth, Pointer, Received
from hookyard.kit.errors import Unavailable
from tests.simulation.world import Process, World

USUAL_S = 0.002


class SimBroker:
    """See `Broker`. `shared` is the broker itself, alive as long as the simulation."""

    name = "simulated"

    def __init__(self, shared: MemoryBroker, process: Process) -> None:
        self._shared = shared
        self._process = process
        self._world: World = process.world
        self._faults = process.world.faults

    async def publish(self, pointers: Sequence[Pointer]) -> None:
        fault = await self._reach()
        kept = [p for p in pointers if fault != "drop" or self._faults.random.random() < 0.5]
        if fault == "double":
            kept = [*kept, *kept]
        if fault == "late":
            self._world.outside(self._faults.random.uniform(0.1, 30.0), self._put, kept)
        else:
            self._put(kept)
        await self._over(fault)

    async def receive(
        self, lanes: Sequence[str], at_most: int, wait_s: float
    ) -> Sequence[Received]:
        fault = await self._reach()
        found = await self._shared.receive(lanes, at_most, wait_s)
        await self._over(fault)
        return found

    async def acknowledge(self, received: Sequence[Received]) -> None:
        fault = await self._reach()
        if fault != "drop":
            await self._shared.acknowledge(received)
        await self._over(fault)

    async def depth(self, lane: str) -> int:
        await self._reach()
        return await self._shared.depth(lane)

    async def probe(self) -> BrokerHealth:
        return BrokerHealth(self.name, 0.0, "")

    async def close(self) -> None:
        """The broker goes on."""

    def _put(self, pointers: Sequence[Pointer]) -> None:
        # why: the memory broker's own `publish` never waits.
        work: Any = self._shared.publish(pointers)
        try:
            work.send(None)
        except StopIteration:
            return

    async def _reach(self) -> str:
        fault = self._faults.pick("broker")
        if fault:
            self._world.note(self._process.host, f"broker: {fault}")
        if fault == "crash-before":
            self._faults.crash(self._process)
        await self._process.clock.sleep(self._faults.latency_s(USUAL_S, fault))
        if fault == "refused":
            raise Unavailable("the broker cannot be reached")
        return fault

    async def _over(self, fault: str) -> None:
        if fault == "crash-after":
            self._faults.crash(self._process)
        await self._process.clock.sleep(self._faults.latency_s(USUAL_S, ""))
        if fault == "lost":
            raise Unavailable("the broker went away before it answered")
