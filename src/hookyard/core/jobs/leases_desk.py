"""The desk where agents wait for work: long polls, their pace, and how fast a log may grow."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs import log
from hookyard.core.jobs.alarm import sleep_or
from hookyard.core.jobs.leases import Leases
from hookyard.core.jobs.leases_mask import masked_answer, masked_ending, masked_line
from hookyard.core.jobs.leases_model import Agent, Answer, Ask, Beat, Ended, Line, Taken
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import Ending, Job, Lane
from hookyard.core.jobs.redact import NO_MASK, Mask
from hookyard.core.jobs.rules import Step
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Limited, StaleLease
from hookyard.kit.json import Json

POLL_S = 1.0
AGAIN_S = 0.05
MEND_S = 2.0
PACE_S = 0.004
MAX_WAITING = 512
MAX_WAITING_OF_KEY = 64
LINES_PER_S = 200.0
LINES_AT_ONCE = 2_000.0
PROGRESS_COST = 20
REMEMBERED = 4_096

Gone = Callable[[], Awaitable[bool]]
Observe = Callable[[Job, Step], None]
MaskOf = Callable[[str, int], Awaitable[Mask]]


async def nothing_given(job_id: str, lease: int) -> Mask:
    """Attempts are given nothing that had to be taken out of their reports."""
    return NO_MASK


class Flow:
    """Token buckets by name: so many at once, so many a second. The oldest are forgotten."""

    def __init__(self, clock: Clock, per_s: float, at_once: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._at_once = at_once
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, cost: float) -> None:
        """Spend; Limited, with when to come back, when too little is left."""
        now = self._clock.monotonic()
        level, then = self._levels.pop(name, (self._at_once, now))
        level = min(self._at_once, level + (now - then) * self._per_s)
        is_enough = level >= cost
        self._levels[name] = (level - cost if is_enough else level, now)
        while len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        if not is_enough:
            wait_s = max(1, ceil((cost - level) / self._per_s))
            raise Limited("this job reports faster than its log may grow", retry_after_s=wait_s)


class LeaseDesk:
    """Leases jobs to agents, and passes on what they report. Use it on the event loop.

    `observe` hears of attempts that ended, for metrics; `files` gets the lines of job logs.
    `mask` takes out of an attempt's reports what it was given.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        clock: Clock,
        *,
        observe: Observe | None = None,
        files: JobLogFiles | None = None,
        mask: MaskOf = nothing_given,
    ) -> None:
        self.leases = leases
        self._mask = mask
        self._database = database
        self._clock = clock
        self._observe = observe
        self._files = files
        self._bells: dict[asyncio.Event, str] = {}
        self._credit: OrderedDict[str, Mapping[Lane, int]] = OrderedDict()
        self._flow = Flow(clock, LINES_PER_S, LINES_AT_ONCE)
        self._mend_at = 0.0
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many agents wait for work here."""
        return len(self._bells)

    def ring(self) -> None:
        """There may be work."""
        for bell in self._bells:
            bell.set()

    def close(self) -> None:
        """Answer everyone who waits, and let nobody wait any more."""
        self._closing = True
        self.ring()

    async def lease(self, agent: Agent, ask: Ask, wait_s: float, gone: Gone) -> Taken:
        """Jobs at once when there are any, else as soon as there are some within `wait_s`.

        A caller for whom `gone` says so gets nothing. Limited when too many wait already.
        """
        self.leases.check(agent, ask)
        until = self._clock.monotonic() + wait_s
        taken = await self._try(agent, ask)
        if taken.jobs or wait_s <= 0:
            return taken
        with self._bell(agent) as bell:
            while not taken.jobs and not self._closing:
                left = until - self._clock.monotonic()
                if left <= 0:
                    break
                await sleep_or(bell, self._clock, min(AGAIN_S if taken.again else POLL_S, left))
                # why: every commit of new work rings for everyone; together they look a few
                # hundred times a second at most.
                await self._clock.sleep(len(self._bells) * PACE_S)
                bell.clear()
                if await gone():
                    break
                taken = await self._try(agent, ask)
        return taken

    async def heartbeat(self, agent: Agent, job_id: str, lease: int, lease_s: float | None) -> Beat:
        """Extend a lease; StaleLease when it is lost or its time is over."""
        beat = await self._database.write(
            lambda unit: self.leases.heartbeat(unit, agent, job_id, lease, lease_s)
        )
        if beat.ended is not None:
            self._tell(beat.job, beat.ended)
            raise StaleLease(f"the attempt was ended: it ran longer than {beat.job.timeout_s:g} s")
        return beat

    async def log(self, agent: Agent, job_id: str, lease: int, lines: list[Line]) -> int:
        """Append to the job's log; how many lines were kept. Limited for a flood."""
        self._flow.take(f"{agent.key_id}/{job_id}/{lease}", len(lines))
        mask = await self._mask(job_id, lease)
        lines = [masked_line(mask, line) for line in lines]
        job, kept = await self._database.write(
            lambda unit: self.leases.log(unit, agent, job_id, lease, lines)
        )
        if self._files is not None:
            self._files.append([(job.id, log.said(job, line)) for line in kept])
        return len(kept)

    async def progress(self, agent: Agent, job_id: str, lease: int, value: Json) -> None:
        """Replace the progress. Limited for a flood."""
        self._flow.take(f"{agent.key_id}/{job_id}/{lease}", PROGRESS_COST)
        value = (await self._mask(job_id, lease)).json(value)
        await self._database.write(
            lambda unit: self.leases.progress(unit, agent, job_id, lease, value)
        )

    async def held(self, agent: Agent, job_id: str, lease: int) -> Job:
        """The job, when this agent's lease on it holds now; StaleLease when not."""
        return await self._database.read(lambda unit: self.leases.held(unit, agent, job_id, lease))

    async def complete(self, agent: Agent, job_id: str, lease: int, answer: Answer) -> Job:
        """The attempt did its work; the job as it is now."""
        answer = masked_answer(await self._mask(job_id, lease), answer)
        return await self._end(
            lambda unit: self.leases.complete(unit, agent, job_id, lease, answer)
        )

    async def fail(self, agent: Agent, job_id: str, lease: int, ending: Ending) -> Job:
        """The attempt did not; the job as it is now."""
        ending = masked_ending(await self._mask(job_id, lease), ending)
        return await self._end(lambda unit: self.leases.fail(unit, agent, job_id, lease, ending))

    # --- inside ---

    async def _try(self, agent: Agent, ask: Ask) -> Taken:
        credit = self._credit.get(agent.key_id, {})
        mend = self._is_time_to_mend()
        if not mend:
            may, held_by = await self._database.peek(
                lambda unit: self.leases.outlook(unit, agent, ask)
            )
            if not may:
                return Taken((), credit, held_by)

        def work(unit: Unit) -> Taken:
            if mend:
                self.leases.mend(unit)
            return self.leases.claim(unit, agent, ask, credit)

        taken = await self._database.write(work)
        self._credit[agent.key_id] = taken.credit
        self._credit.move_to_end(agent.key_id)
        while len(self._credit) > REMEMBERED:
            self._credit.popitem(last=False)
        if self._files is not None:
            for job in taken.jobs:
                self._files.append(log.begun(job))
        return taken

    def _is_time_to_mend(self) -> bool:
        now = self._clock.monotonic()
        if now < self._mend_at:
            return False
        self._mend_at = now + MEND_S
        return True

    @contextmanager
    def _bell(self, agent: Agent) -> Iterator[asyncio.Event]:
        of_key = sum(1 for key_id in self._bells.values() if key_id == agent.key_id)
        if len(self._bells) >= MAX_WAITING or of_key >= MAX_WAITING_OF_KEY:
            raise Limited("too many agents wait for work here already", retry_after_s=5)
        bell = asyncio.Event()
        self._bells[bell] = agent.key_id
        try:
            yield bell
        finally:
            del self._bells[bell]

    async def _end(self, work: Callable[[Unit], Ended]) -> Job:
        ended = await self._database.write(work)
        if ended.step is not None:
            self._tell(ended.job, ended.step)
        return ended.job

    def _tell(self, job: Job, step: Step) -> None:
        if self._observe is not None:
            self._observe(job, step)
        if self._files is not None:
            self._files.append([log.ended(job, step, self._clock.now_ms())])
