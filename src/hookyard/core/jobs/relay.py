"""The relay: tells a broker of jobs that became ready, after the commit that made them so.

It looks at the head of the ready jobs whenever a commit in this process made some, and often
besides, for what other processes committed. What it has told is remembered only here: after a
crash between commit and publish the next look finds the row again. The sweeper is the same look:
a row that stays ready is told of again, later each time. So nothing it does or fails to do
decides whether work is done, only how soon.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from hookyard.adapters.database.port import Database
from hookyard.adapters.queues.port import Broker, Pointer
from hookyard.core.jobs import store_ready
from hookyard.core.jobs.alarm import sleep_or
from hookyard.core.jobs.model import JobId
from hookyard.core.jobs.service import Ledger
from hookyard.core.jobs.store_ready import Heads, Ready
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

_LOG = logging.getLogger(__name__)
HEAD = 1_000
CHUNK = 200
SWEEP_AT_MOST = 100
SWEEP_DOUBLINGS = 4
# why: under a backlog every worker finds its next job by itself, and a pointer for each would only
# be stale by the time somebody reads it. A crowded lane is told of up to this depth.
CROWDED = 250
ENOUGH = 500
LOOK_EVERY_S = 0.25
CROWDED_PAUSE_S = 0.25
COALESCE_S = 0.005
TROUBLE = Backoff(base_s=0.5, cap_s=5.0, floor_s=0.1)


@dataclass(slots=True)
class Tally:
    """Pointers published for the first time, published again by the sweep, and not taken."""

    published: int = 0
    swept: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Told:
    lease: int
    times: int
    again_ms: int


@dataclass(frozen=True, slots=True)
class News:
    """What to tell of one lane: jobs not told of yet, and jobs that stayed ready too long."""

    fresh: Sequence[Ready]
    late: Sequence[Ready]

    def first(self, count: int) -> "News":
        """At most so many, fresh ones first."""
        fresh = self.fresh[:count]
        return News(fresh, self.late[: count - len(fresh)])


class Book:
    """What was told of jobs that are still ready. Decides by the instants it is given."""

    def __init__(self, sweep_after_s: float, random: Random) -> None:
        self._sweep_after_ms = sweep_after_s * 1000
        self._random = random
        self._told: dict[JobId, _Told] = {}

    def news(self, ready: Iterable[Ready], now_ms: int) -> News:
        """What of a lane's head should be told now."""
        fresh: list[Ready] = []
        late: list[Ready] = []
        for row in ready:
            told = self._told.get(row.job_id)
            if told is None or told.lease != row.lease:
                fresh.append(row)
            elif told.again_ms <= now_ms and len(late) < SWEEP_AT_MOST:
                late.append(row)
        return News(fresh, late)

    def told(self, rows: Iterable[Ready], now_ms: int) -> None:
        """These were published; when they should be again, with jitter and ever later."""
        for row in rows:
            before = self._told.get(row.job_id)
            times = before.times + 1 if before is not None and before.lease == row.lease else 0
            wait_ms = self._sweep_after_ms * 2 ** min(times, SWEEP_DOUBLINGS)
            again_ms = now_ms + round(wait_ms * self._random.uniform(1.0, 1.5))
            self._told[row.job_id] = _Told(row.lease, times, again_ms)

    def keep(self, rows: Iterable[Ready]) -> None:
        """Forget all others: they are not ready any more."""
        still = {row.job_id for row in rows}
        for job_id in [known for known in self._told if known not in still]:
            del self._told[job_id]


class Relay:
    """Publishes pointers to what is ready; `wake` it after commits. `tally` counts for metrics.

    `head_start_s` is how long a worker in this same process may take to claim what it heard of
    itself, before others are told.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        broker: Broker,
        clock: Clock,
        random: Random,
        *,
        sweep_after_s: float = 5.0,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._broker = broker
        self._clock = clock
        self._random = random
        self._book = Book(sweep_after_s, random)
        self._event = asyncio.Event()
        self._trouble = 0
        self.head_start_s = 0.0
        self.tally = Tally()

    def wake(self) -> None:
        """Jobs may have become ready: look at once. Call it on the event loop."""
        self._event.set()

    async def run(self) -> None:
        """Look and publish until cancelled."""
        while True:
            self._event.clear()
            try:
                pause_s = await self.look()
            except Unavailable as error:
                await self._in_trouble(error.detail)
                continue
            except Exception as error:
                _LOG.exception("the relay could not look")
                await self._in_trouble(type(error).__name__)
                continue
            self._recovered()
            await sleep_or(self._event, self._clock, pause_s * self._random.uniform(0.5, 1.0))
            await self._clock.sleep(COALESCE_S + self.head_start_s)

    async def look(self) -> float:
        """One look: promote what is due, publish what is new or late; how long to wait (s)."""
        heads = await self._heads()
        now_ms = self._clock.now_ms()
        self._book.keep(row for rows in heads.ready.values() for row in rows)
        crowded = False
        for lane, rows in heads.ready.items():
            news = self._book.news(rows, now_ms)
            if len(rows) >= CROWDED:
                crowded = True
                news = news.first(max(0, ENOUGH - await self._broker.depth(lane.value)))
            await self._tell(news)
        if crowded:
            await self._clock.sleep(CROWDED_PAUSE_S)
        if heads.next_due_ms is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, (heads.next_due_ms - now_ms) / 1000))

    async def _heads(self) -> Heads:
        heads = await self._database.read(lambda unit: store_ready.heads(unit, HEAD))
        if heads.next_due_ms is None or heads.next_due_ms > self._clock.now_ms():
            return heads
        # why: no worker need be awake for it.
        await self._database.write(self._ledger.promote)
        return await self._database.read(lambda unit: store_ready.heads(unit, HEAD))

    async def _tell(self, news: News) -> None:
        for rows, is_fresh in ((news.fresh, True), (news.late, False)):
            for start in range(0, len(rows), CHUNK):
                chunk = rows[start : start + CHUNK]
                await self._publish(chunk)
                self._book.told(chunk, self._clock.now_ms())
                if is_fresh:
                    self.tally.published += len(chunk)
                else:
                    self.tally.swept += len(chunk)

    async def _publish(self, rows: Sequence[Ready]) -> None:
        """One call of the broker; what it does not take is found again by the next look."""
        pointers = [Pointer(row.job_id, row.lane.value, row.run_at_ms) for row in rows]
        try:
            await self._broker.publish(pointers)
        except Unavailable:
            self.tally.failed += len(rows)
            raise

    async def _in_trouble(self, reason: str) -> None:
        self._trouble += 1
        if self._trouble == 1:
            _LOG.warning(
                "the relay cannot tell %s of ready jobs (%s); workers find them by their own poll",
                self._broker.name,
                reason,
            )
        await self._clock.sleep(TROUBLE.delay(self._trouble, self._random))

    def _recovered(self) -> None:
        if self._trouble:
            _LOG.info("the relay reaches %s again", self._broker.name)
        self._trouble = 0
