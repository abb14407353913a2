"""Attempts in flight: claimed jobs wait for a slot, run, and leave word of how they ended."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from hookyard.adapters.database.port import Database
from hookyard.core.jobs import log
from hookyard.core.jobs.ahead import Ahead, Line
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.context import Run, Stop, checked, early
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import (
    Done,
    Ending,
    Fail,
    Finished,
    Hold,
    Job,
    JobHandler,
    JobId,
    JobKind,
    Lane,
    Retry,
    WaitingFor,
)
from hookyard.core.jobs.redact import code_of, describe
from hookyard.core.jobs.rules import LANES, Recorded, Step
from hookyard.core.jobs.service import Gate, Ledger, Settled
from hookyard.kit.errors import StaleLease, Unavailable

_LOG = logging.getLogger(__name__)
APPLY_TRIES = 5
TROUBLE_WAIT_S = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)


class Witness:
    """Tells metrics and log files how attempts ended."""

    def __init__(
        self,
        ledger: Ledger,
        handlers: Sequence[JobHandler],
        files: JobLogFiles | None,
        observe: Callable[[Job, Step], None] | None,
    ) -> None:
        self.files = files
        self._clock = ledger.clock
        self._observe = observe
        self._filed = {handler.kind.name for handler in handlers if handler.kind.log_file}

    def begun(self, job: Job) -> None:
        """A worker has taken the job."""
        if self.files is not None and job.kind in self._filed:
            self.files.append(log.begun(job))

    def ended(self, job: Job, step: Step) -> None:
        """Its end is on record."""
        if self._observe is not None:
            self._observe(job, step)
        if self.files is not None and job.kind in self._filed:
            self.files.append([log.ended(job, step, self._clock.now_ms())])

    def settled(self, finished: Iterable[Finished], settled: Settled) -> None:
        """As `ended`, for each whose lease held."""
        if self._observe is None and self.files is None:
            return
        for item in finished:
            step = settled.steps.get(item.job.id)
            if step is not None:
                self.ended(item.job, step)


class Attempts:
    """Runs claimed jobs, at most `capacity` at once.

    `changed` is called when an attempt has ended or needs its end recorded, `sooner` with the
    deadline (monotonic seconds) of what has just begun.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        handlers: Sequence[JobHandler],
        breakers: Breakers,
        witness: Witness,
        capacity: int,
        ahead: Ahead,
        changed: Callable[[], None],
        sooner: Callable[[float], None],
    ) -> None:
        self.runs: dict[JobId, Run] = {}
        self.finished: list[Finished] = []
        self.line = Line(capacity)
        self.begun: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self.begun_in_all = 0
        self._database = database
        self._ledger = ledger
        self._clock = ledger.clock
        self._handlers = {handler.kind.name: handler for handler in handlers}
        self.kinds = frozenset(self._handlers)
        self._breakers = breakers
        self._witness = witness
        self._capacity = capacity
        self._ahead = ahead
        self._changed = changed
        self._sooner = sooner
        self._filling = False

    def wanted(self) -> dict[Lane, int]:
        """How many more jobs of each lane to claim at most, for free slots and ahead of them."""
        free = self._capacity - sum(self.begun.values())
        waiting, ahead = self.line.counts(), self._ahead.by_lane()
        return {lane: max(0, free + ahead[lane] - waiting[lane]) for lane in LANES}

    def held(self) -> dict[Lane, int]:
        """Claimed jobs by lane, begun or in line."""
        waiting = self.line.counts()
        return {lane: self.begun[lane] + waiting[lane] for lane in LANES}

    def gate(self) -> Gate:
        """What holds a kind here: no handler for it, or an open breaker."""
        healthy = self._breakers.gate()

        def admit(kind: JobKind) -> WaitingFor | None:
            if kind.name not in self._handlers:
                return WaitingFor("kind", kind.name)
            return healthy(kind)

        return admit

    def take(self, jobs: Iterable[Job]) -> None:
        """Begin what was claimed, or put it in line."""
        taken: list[Run] = []
        for job in jobs:
            kind = self._handlers[job.kind].kind
            if kind.needs:
                self._breakers.started(kind)
            self._witness.begun(job)
            run = Run(job, self._database, self._ledger, self._witness.files)
            if (before := self.runs.get(job.id)) is not None:
                # why: we stood still past the lease and took our own job back.
                before.end_early(Stop.LOST)
            self.runs[job.id] = run
            taken.append(run)
        self.line.add(taken)
        self._fill()

    def hand_back(self) -> None:
        """Give back what is still in line, so that another worker may take it."""
        for run in self.line.clear():
            run.end_early(Stop.DRAINED)
            self._abandon(self._handlers[run.job.kind])
            self._end(run, early(run))
        self._changed()

    def end_all(self, why: Stop) -> None:
        """Ask every attempt to end."""
        for run in list(self.runs.values()):
            run.end_early(why)

    # --- inside ---

    def _fill(self) -> None:
        """Begin as many of the line as there are slots for."""
        self._filling = False
        if not self.line:
            return
        now_s = self._clock.monotonic()
        create = asyncio.get_running_loop().create_task
        soonest = float("inf")
        for run in self.line.next(self.begun):
            self.begun[run.job.lane] += 1
            self.begun_in_all += 1
            run.deadline = now_s + run.job.timeout_s
            soonest = min(soonest, run.deadline)
            run.task = create(self._attempt(run, self._handlers[run.job.kind]))
        self._sooner(soonest)

    def _refill(self) -> None:
        """Fill after this turn of the event loop, once for all that end in it."""
        if self.line and not self._filling:
            self._filling = True
            asyncio.get_running_loop().call_soon(self._fill)

    async def _attempt(self, run: Run, handler: JobHandler) -> None:
        left: Ending | None = None
        try:
            ending = await self._run_handler(run, handler)
            run.ended = True
            if handler.kind.needs:
                self._learn(handler, ending)
            if isinstance(ending, Recorded):
                self._witness.ended(run.job, ending.step)
                ending = None
            elif isinstance(ending, Done | Fail) and ending.apply is not None:
                ending = await self._record_with_apply(run.job, ending)
            left = ending
        finally:
            self.begun[run.job.lane] -= 1
            self._ahead.ended(run.job.lane)
            self._end(run, left)
            self._refill()
            self._changed()

    def _end(self, run: Run, ending: Ending | None) -> None:
        if ending is not None:
            self.finished.append(Finished(run.job, ending))
        if self.runs.get(run.job.id) is run:
            del self.runs[run.job.id]

    async def _run_handler(self, run: Run, handler: JobHandler) -> Ending | None:
        """How the attempt ended; None when its lease is lost and nothing may be recorded."""
        if run.stop is not None:
            return early(run)
        if handler.kind.needs and (held := self._tripped(handler.kind)) is not None:
            return Hold(held)
        run.begun = True
        try:
            return checked(await handler(run))
        except asyncio.CancelledError:
            run.stop = run.stop or Stop.DRAINED
            return early(run)
        except StaleLease as error:
            if run.stop is Stop.LOST:
                return None
            return Retry(describe(error), code=code_of(error))
        except Unavailable as error:
            self._breakers.failed(handler.kind)
            return Retry(describe(error), code=code_of(error))
        except Exception as error:
            return Retry(describe(error), code=code_of(error))

    def _tripped(self, kind: JobKind) -> WaitingFor | None:
        """What opened while the job was in line."""
        now_ms = self._clock.now_ms()
        for name in kind.needs:
            breaker = self._breakers.get(name)
            if breaker.state(now_ms) == "open":
                return WaitingFor("breaker", name, breaker.until_ms())
        return None

    def _learn(self, handler: JobHandler, ending: Ending | None) -> None:
        """Tell the breakers what an ended attempt says of its dependencies."""
        if isinstance(ending, Retry) and ending.code == Unavailable.code:
            return
        if isinstance(ending, Done | Fail | Retry) and getattr(ending, "code", "") != "timeout":
            self._breakers.answered(handler.kind)
        else:
            self._abandon(handler)

    def _abandon(self, handler: JobHandler) -> None:
        if handler.kind.needs:
            self._breakers.abandoned(handler.kind)

    async def _record_with_apply(self, job: Job, ending: Done | Fail) -> Ending | None:
        """End an attempt and apply its effects in one transaction of its own.

        What is left to record: a retry when the effects cannot be applied, None when all is done
        or the lease was lost.
        """
        for turn in range(APPLY_TRIES):
            try:
                step = await self._database.write(
                    lambda unit: self._ledger.finish(unit, job, ending)
                )
            except StaleLease:
                return None
            except Unavailable:
                await self._clock.sleep(TROUBLE_WAIT_S[turn])
            except Exception as error:
                _LOG.warning("job %s could not apply its result: %s", job.id, describe(error))
                return Retry(f"its result could not be applied: {describe(error)}", code="apply")
            else:
                self._witness.ended(job, step)
                return None
        return Retry("the database could not take its result", code="apply")
