"""The worker's side of a broker: pointers come in, the runner looks, the pointers are let go.

A pointer says only that its lane has ready work; the runner claims rows in the database as ever.
So a pointer whose job is long done costs one empty look, and a broker that is down costs
the wait for the runner's own poll.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from random import Random

from hookyard.adapters.queues.port import Broker
from hookyard.core.jobs.alarm import sleep_or
from hookyard.core.jobs.model import LANE_WEIGHTS, Lane
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

_LOG = logging.getLogger(__name__)
WAIT_S = 5.0
FULL_S = 1.0
TROUBLE = Backoff(base_s=0.5, cap_s=5.0, floor_s=0.1)


def by_weight(lanes: Collection[Lane], random: Random) -> list[Lane]:
    """The lanes in an order drawn by weight: critical comes first eight times as often as bulk.

    # spec: weighted random sampling without replacement as in Efraimidis and Spirakis (2006).
    """
    drawn = {lane: random.random() ** (1 / LANE_WEIGHTS[lane]) for lane in lanes}
    return sorted(lanes, key=lambda lane: drawn[lane], reverse=True)


class PointerReader:
    """Receives as many pointers as there are free slots, again and again.

    `look` has the runner take a claim round and comes back when it is over; only then are the
    pointers acknowledged, so that those of a worker that dies before go to another.
    """

    def __init__(
        self,
        broker: Broker,
        look: Callable[[], "asyncio.Future[None]"],
        free: Callable[[], int],
        clock: Clock,
        random: Random,
        *,
        lanes: Collection[Lane] = tuple(Lane),
    ) -> None:
        self._broker = broker
        self._look = look
        self._free = free
        self._clock = clock
        self._random = random
        self._lanes = tuple(lanes)
        self._freed = asyncio.Event()
        self._trouble = 0
        self.received = 0

    def freed(self) -> None:
        """A slot may be free again. Call it on the event loop."""
        self._freed.set()

    async def run(self) -> None:
        """Read until cancelled; what is not acknowledged then comes again elsewhere."""
        while True:
            self._freed.clear()
            free = self._free()
            if free <= 0:
                await sleep_or(self._freed, self._clock, FULL_S)
                continue
            try:
                await self._once(free)
            except Unavailable as error:
                await self._in_trouble(error.detail)
            except Exception as error:
                _LOG.exception("reading pointers failed")
                await self._in_trouble(type(error).__name__)
            else:
                self._recovered()

    async def _once(self, free: int) -> None:
        order = [lane.value for lane in by_weight(self._lanes, self._random)]
        found = await self._broker.receive(order, free, WAIT_S)
        if not found:
            return
        self.received += len(found)
        await self._look()
        await self._broker.acknowledge(found)

    async def _in_trouble(self, reason: str) -> None:
        self._trouble += 1
        if self._trouble == 1:
            _LOG.warning(
                "no pointers from %s (%s); work is found by the database's poll until it is back",
                self._broker.name,
                reason,
            )
        await self._clock.sleep(TROUBLE.delay(self._trouble, self._random))

    def _recovered(self) -> None:
        if self._trouble:
            _LOG.info("pointers come from %s again", self._broker.name)
        self._trouble = 0
