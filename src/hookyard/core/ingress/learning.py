"""Learning a dictionary from the deliveries of late, and following the one in use.

One job learns, hourly and when a new installation has seen its first deliveries. Every process
that takes deliveries in follows: it looks when it hears of a change, and every minute. One that
could not look for ten minutes packs without a dictionary, so that none is used long after it was
retired.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.ingress import store_dictionaries as store
from hookyard.core.ingress.dictionaries import Dictionaries
from hookyard.core.ingress.dictionary import (
    Compressor,
    Dictionary,
    Learnt,
    decompress,
    learn,
)
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import (
    Done,
    JobContext,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.port import JobRequests
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

KIND = JobKind(
    "upkeep.learn_dictionary",
    lane=Lane.BULK,
    policy=KeyPolicy.DROP_NEW,
    timeout_s=120.0,
    log_file=False,
)
CRON = (CronSpec("learn_dictionary", "29 * * * *", KIND.name),)
CHANNEL = "delivery_dictionaries"
STALE_MS = 86_400_000
GRACE_MS = 3_600_000
SAMPLES = 400
AMONG = 4_000
CHUNK = 50
LONGEST = 4 * 1024 * 1024
FIRST_AFTER = 500
LOOK_S = 60.0
FIRST_LOOK_S = 2.0
LOST_S = 600.0

log = structlog.get_logger("hookyard.dictionary")


class LearnDictionary:
    """Learns from a spread of the newest deliveries, and changes over where it pays."""

    kind = KIND

    def __init__(self, random: Random, announce: Callable[[str], None]) -> None:
        self._random = random
        self._announce = announce

    async def __call__(self, ctx: JobContext) -> Outcome:
        now_ms, dictionaries = ctx.clock.now_ms(), Dictionaries()
        found = await ctx.read(store.present)
        present = None
        if found is not None:
            present = await ctx.read(lambda unit: dictionaries.numbered(unit, found[0]))
        is_stale = found is not None and now_ms - found[1] >= STALE_MS
        bodies = await self._bodies(ctx, dictionaries)
        outcome = await asyncio.to_thread(learn, bodies, present, self._random, stale=is_stale)
        if isinstance(outcome, Learnt):
            await ctx.write(partial(self._change_over, outcome=outcome, now_ms=now_ms))
            saved = 1 - outcome.after / max(1, outcome.before)
            return Done({"status": "learnt", "from": len(bodies), "saves": round(saved, 3)})
        if is_stale:
            # why: a dictionary holds pieces of bodies; it must not outlive them for long.
            await ctx.write(partial(self._retire, now_ms=now_ms))
        return Done({"status": "retired" if is_stale else "kept", "reason": outcome.reason})

    async def _bodies(self, ctx: JobContext, dictionaries: Dictionaries) -> list[bytes]:
        ids = await ctx.read(lambda unit: store.newest_ids(unit, AMONG))
        spread = ids[:: max(1, len(ids) // SAMPLES)][:SAMPLES]
        bodies: list[bytes] = []
        room = LONGEST
        for start in range(0, len(spread), CHUNK):
            chunk = spread[start : start + CHUNK]
            for body in await ctx.read(partial(_unpacked, ids=chunk, known=dictionaries)):
                room -= len(body)
                if room > 0:
                    bodies.append(body)
        return bodies

    def _change_over(self, unit: Unit, outcome: Learnt, now_ms: int) -> None:
        store.lock(unit)
        store.add(unit, Dictionary.of(outcome.content).id, outcome.content, now_ms)
        unit.after_commit(lambda: self._announce(CHANNEL))

    def _retire(self, unit: Unit, now_ms: int) -> None:
        store.lock(unit)
        store.retire(unit, now_ms)
        unit.after_commit(lambda: self._announce(CHANNEL))


def _unpacked(unit: Unit, ids: Sequence[str], known: Dictionaries) -> list[bytes]:
    bodies = []
    for payload in store.payloads(unit, ids):
        try:
            bodies.append(decompress(payload, LONGEST, known.of(unit, payload)))
        except ValueError:
            continue
    return bodies


class Follower:
    """Keeps a compressor on the dictionary in use."""

    def __init__(
        self,
        database: Database,
        jobs: JobRequests,
        compressor: Compressor,
        clock: Clock,
        accepted: Callable[[], int],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._compressor = compressor
        self._clock = clock
        self._accepted = accepted
        self._dictionaries = Dictionaries()
        self._heard = asyncio.Event()
        self._asked = False
        self._seen_s = clock.monotonic()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._database.listen(CHANNEL, self._heard.set)
        while True:
            self._heard.clear()
            await self.look()
            await self._wait()

    async def look(self) -> None:
        """See which dictionary is in use, and have the first one learnt when it is time."""
        try:
            dictionary = await self._database.read(self._present)
            if dictionary is None and self._is_time():
                job = NewJob(KIND.name, {}, key=KIND.name)
                await self._database.write(lambda unit: self._jobs.enqueue(unit, job))
                self._asked = True
        except (HookyardError, ValueError) as error:
            if self._clock.monotonic() - self._seen_s > LOST_S and self._compressor.dictionary:
                self._compressor.use(None)
                log.warning("dictionary_put_aside", reason=str(error)[:200])
            return
        self._seen_s = self._clock.monotonic()
        if (dictionary.id if dictionary else None) != self._compressor.dictionary:
            self._compressor.use(dictionary)

    def _is_time(self) -> bool:
        return not self._asked and self._accepted() >= FIRST_AFTER

    def _present(self, unit: Unit) -> Dictionary | None:
        found = store.present(unit)
        return None if found is None else self._dictionaries.numbered(unit, found[0])

    async def _wait(self) -> None:
        is_new = self._compressor.dictionary is None and not self._asked
        naps = asyncio.create_task(self._clock.sleep(FIRST_LOOK_S if is_new else LOOK_S))
        hears = asyncio.create_task(self._heard.wait())
        try:
            await asyncio.wait((naps, hears), return_when=asyncio.FIRST_COMPLETED)
        finally:
            naps.cancel()
            hears.cancel()
