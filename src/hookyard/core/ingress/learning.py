"""Learning a dictionary from the deliveries of late, and following the one in use.

One job learns: hourly, when a new installation has seen its first deliveries, and when bodies have
become much unlike those it learnt from. Every process that takes deliveries in follows the
dictionary in use: it looks when it hears of a change, and every minute. One that could not look
for ten minutes packs without a dictionary, so that none is used long after it was retired.
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
    Watch,
    decompress,
    learn,
)
from hookyard.core.jobs.alarm import sleep_or
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
WATCH_EVERY_S = 2.0
AGAIN_S = 60.0
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
        self._watch = Watch(compressor)
        self._heard = asyncio.Event()
        self._asked_s: float | None = None
        self._unlike = False
        self._seen_s = clock.monotonic()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._database.listen(CHANNEL, self._heard.set)
        while True:
            self._heard.clear()
            await self.look()
            await self._wait()

    async def look(self) -> None:
        """See which dictionary is in use, and have one learnt when it is time."""
        try:
            dictionary = await self._database.read(self._present)
            self._unlike = self._unlike or self._watch.is_worse()
            if self._is_time(dictionary):
                job = NewJob(KIND.name, {}, key=KIND.name)
                await self._database.write(lambda unit: self._jobs.enqueue(unit, job))
                self._asked_s, self._unlike = self._clock.monotonic(), False
                self._watch.reset()
        except (HookyardError, ValueError) as error:
            if self._clock.monotonic() - self._seen_s > LOST_S and self._compressor.dictionary:
                self._compressor.use(None)
                log.warning("dictionary_put_aside", reason=str(error)[:200])
            return
        self._seen_s = self._clock.monotonic()
        if (dictionary.id if dictionary else None) != self._compressor.dictionary:
            self._compressor.use(dictionary)
            self._watch.reset()

    def _is_time(self, dictionary: Dictionary | None) -> bool:
        if dictionary is None:
            return self._asked_s is None and self._accepted() >= FIRST_AFTER
        now_s = self._clock.monotonic()
        return self._unlike and (self._asked_s is None or now_s - self._asked_s > AGAIN_S)

    def _present(self, unit: Unit) -> Dictionary | None:
        found = store.present(unit)
        return None if found is None else self._dictionaries.numbered(unit, found[0])

    async def _wait(self) -> None:
        """Until there is a reason to look: news, a minute, or bodies unlike those before."""
        until_s = self._clock.monotonic() + LOOK_S
        while not self._heard.is_set():
            await sleep_or(self._heard, self._clock, WATCH_EVERY_S)
            if self._compressor.dictionary is None and self._asked_s is None:
                return
            self._unlike = self._unlike or self._watch.is_worse()
            if self._unlike or self._clock.monotonic() >= until_s:
                return
