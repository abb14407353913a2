"""The worker inside the process: claims, lets attempts run, records how they ended.

One loop does all writing that can be shared: what finished since the last turn and the next claim
go into one transaction, so a busy worker pays one commit for many jobs. It sleeps until something
happens: a commit that made work ready, an attempt that ended, the poll, or the next due instant.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs.ahead import AHEAD_AT_MOST, AHEAD_AT_MOST_EMBEDDED, Ahead
from hookyard.core.jobs.alarm import Alarm, sleep_or
from hookyard.core.jobs.attempts import TROUBLE_WAIT_S, Attempts, Witness
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.context import Stop
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import (
    Claimed,
    ClaimRequest,
    Fail,
    Finished,
    Job,
    JobHandler,
    JobId,
    Lane,
)
from hookyard.core.jobs.redact import describe
from hookyard.core.jobs.rounds import Rounds
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.service import Ledger, Settled
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

_LOG = logging.getLogger(__name__)
PACE_AT_MOST_S = 1.0
HAND_BACK_S = 5.0


def no_pace() -> float:
    """Never asks the loop to wait."""
    return 0.0


@dataclass(frozen=True, slots=True)
class _Turned:
    """What one turn of the loop brought back from the database."""

    settled: Settled
    claimed: Claimed | None
    stops: frozenset[tuple[str, int]]


class Runner:
    """Runs jobs of its handlers' kinds and its lanes, at most `capacity` at once.

    `worker_id` is "<boot id>/<name>". `pace` may ask the loop to wait some seconds before it
    claims (a second at most), so that a burst of deliveries is acknowledged first. `observe` is
    told of every ended attempt, for metrics.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        handlers: Sequence[JobHandler],
        clock: Clock,
        worker_id: str,
        *,
        capacity: int = 32,
        lanes: Collection[Lane] = tuple(Lane),
        lease_s: float = 60.0,
        poll_s: float = 1.0,
        breakers: Breakers | None = None,
        files: JobLogFiles | None = None,
        pace: Callable[[], float] = no_pace,
        observe: Callable[[Job, Step], None] | None = None,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._worker_id = worker_id
        self._capacity = capacity
        self._lanes = frozenset(lanes)
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._pace = pace
        self._witness = Witness(ledger, handlers, files, observe)
        embedded = database.dialect == "sqlite"
        self._ahead = Ahead(capacity, AHEAD_AT_MOST_EMBEDDED if embedded else AHEAD_AT_MOST)
        self._attempts = Attempts(
            database, ledger, handlers, breakers or Breakers(clock), self._witness, capacity,
            self._ahead, self.wake, self._rearm_for,
        )  # fmt: skip
        self.rounds = Rounds()
        self._event = asyncio.Event()
        self._rearm = asyncio.Event()
        self._stopped = asyncio.Event()
        self._credit: Mapping[Lane, int] = {}
        self._stops_seen = 0
        self._poll_due = True
        self._stopping = False
        self._given_up = False
        self._started = False
        self._trouble = 0
        self._heartbeat_at = 0.0
        self._next_due = 0.0
        self._alarm = Alarm(clock, self.wake)

    @property
    def kinds(self) -> frozenset[str]:
        """The names of the kinds it has handlers for."""
        return self._attempts.kinds

    @property
    def running(self) -> int:
        """Claimed jobs whose end is not recorded yet."""
        return len(self._attempts.runs)

    def wake(self) -> None:
        """There may be work: look at once. Call it on the event loop."""
        self._event.set()

    async def run(self) -> None:
        """Work until `drain` is called. A cancelled loop leaves its leases to run out."""
        self._started = True
        self._heartbeat_at = self._clock.monotonic() + self._lease_s / 3
        helpers = [asyncio.create_task(self._poll()), asyncio.create_task(self._keep())]
        self._event.set()
        try:
            while not (self._stopping and (self._given_up or self._is_idle())):
                await self._event.wait()
                self._event.clear()
                await self._wait_for_pace()
                await self.rounds.over(self._turn)
        finally:
            for task in helpers:
                task.cancel()
            self._alarm.cancel()
            self._attempts.end_all(Stop.DRAINED)
            self._stopped.set()

    async def drain(self, limit_s: float) -> None:
        """Claim no more; let attempts end for `limit_s`, then hand the rest back."""
        self._stopping = True
        self._attempts.hand_back()
        if not self._started:
            return
        patience = asyncio.create_task(self._clock.sleep(limit_s))
        over = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({patience, over}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        self._attempts.end_all(Stop.DRAINED)
        # why: a handler that ignores cancellation or a dead database must not stop the exit; the
        # leases run out and another worker takes over.
        last = asyncio.create_task(self._clock.sleep(HAND_BACK_S))
        await asyncio.wait({last, over}, return_when=asyncio.FIRST_COMPLETED)
        last.cancel()
        self._given_up = True
        self._event.set()
        await over

    def _is_idle(self) -> bool:
        return not self._attempts.runs and not self._attempts.finished

    # --- the loop ---

    async def _wait_for_pace(self) -> None:
        waited = 0.0
        while not self._stopping and waited < PACE_AT_MOST_S:
            pause = min(self._pace(), PACE_AT_MOST_S - waited)
            if pause <= 0:
                return
            await self._clock.sleep(pause)
            waited += pause

    async def _turn(self) -> None:
        attempts = self._attempts
        self._ahead.measure(self._clock.monotonic())
        finished, attempts.finished = attempts.finished, []
        polled, self._poll_due = self._poll_due, False
        asked = self._ledger.stop_requests
        wanted = {} if self._stopping else attempts.wanted()
        if not finished and not polled and asked == self._stops_seen and not any(wanted.values()):
            return
        request = self._request(wanted) if any(wanted.values()) else None
        try:
            turned = await self._database.write(
                lambda unit: self._work(
                    unit, finished, polled, polled or asked != self._stops_seen, request
                )
            )
        except Exception as error:
            self._poll_due = True
            await self._in_trouble(finished, error)
            return
        self._trouble = 0
        self._stops_seen = asked
        if turned.claimed is not None:
            self._begin(turned.claimed)
        self._witness.settled(finished, turned.settled)
        self._obey(turned.stops)

    def _request(self, wanted: Mapping[Lane, int]) -> ClaimRequest:
        held = self._attempts.held()
        return ClaimRequest(
            self._worker_id,
            self._capacity + sum(self._ahead.by_lane().values()),
            held,
            self._credit,
            self._lease_s,
            self._lanes,
            wanted,
        )

    def _work(
        self,
        unit: Unit,
        finished: Sequence[Finished],
        polled: bool,
        look: bool,
        request: ClaimRequest | None,
    ) -> _Turned:
        ledger = self._ledger
        settled = ledger.finish_batch(unit, finished) if finished else Settled()
        stops = ledger.stop_notices(unit, self._worker_id) if look else set()
        if polled:
            ledger.sweep_expired(unit)
        claimed = None
        if request is not None and not self._stopping:
            claimed = ledger.claim(unit, request, self._attempts.gate())
        return _Turned(settled, claimed, frozenset(stops))

    def _begin(self, claimed: Claimed) -> None:
        self._credit = claimed.credit
        self._attempts.take(claimed.jobs)
        if self._stopping:
            self._attempts.hand_back()
        if claimed.more:
            self._event.set()
        self._alarm.set(claimed.next_due_ms, self._poll_s)

    async def _in_trouble(self, finished: Sequence[Finished], error: Exception) -> None:
        """The shared write failed: record each end on its own, keep what the database refuses."""
        level = logging.WARNING if isinstance(error, Unavailable) else logging.ERROR
        _LOG.log(level, "worker %s could not write: %s", self._worker_id, describe(error))
        kept: list[Finished] = []
        for item in finished:
            try:
                settled = await self._database.write(
                    lambda unit, i=item: self._ledger.finish_batch(unit, [i])  # type: ignore[misc]
                )
            except Unavailable:
                kept.append(item)
            except Exception as own:
                _LOG.exception("the end of job %s cannot be recorded", item.job.id)
                kept.append(Finished(item.job, Fail(describe(own), code="unrecordable")))
            else:
                self._witness.settled([item], settled)
        self._attempts.finished = kept + self._attempts.finished
        wait_s = TROUBLE_WAIT_S[min(self._trouble, len(TROUBLE_WAIT_S) - 1)]
        self._trouble += 1
        await self._clock.sleep(wait_s)
        self._event.set()

    def _obey(self, stops: Iterable[tuple[str, int]]) -> None:
        for job_id, lease in stops:
            run = self._attempts.runs.get(JobId(job_id))
            if run is not None and run.job.lease == lease:
                run.end_early(Stop.CANCELLED)

    # --- time ---

    async def _poll(self) -> None:
        while True:
            begun = self._attempts.begun_in_all
            await self._clock.sleep(self._poll_s)
            if begun == self._attempts.begun_in_all and self._attempts.line:
                self._attempts.hand_back()
            self._poll_due = True
            self._event.set()

    def _rearm_for(self, deadline: float) -> None:
        if deadline < self._next_due:
            self._rearm.set()

    async def _keep(self) -> None:
        """End attempts that ran out of time and extend the leases of the others."""
        runs = self._attempts.runs
        while True:
            self._rearm.clear()
            deadlines = (r.deadline for r in runs.values() if r.stop is None and not r.ended)
            self._next_due = min(self._heartbeat_at, min(deadlines, default=self._heartbeat_at))
            await sleep_or(self._rearm, self._clock, self._next_due - self._clock.monotonic())
            now = self._clock.monotonic()
            for run in list(runs.values()):
                if run.deadline <= now and not run.ended:
                    run.end_early(Stop.TIMEOUT)
            if now >= self._heartbeat_at:
                self._heartbeat_at = now + self._lease_s / 3
                await self._heartbeat()

    async def _heartbeat(self) -> None:
        runs = [run for run in self._attempts.runs.values() if not run.ended]
        if not runs:
            return
        jobs = [run.job for run in runs]
        with suppress(Unavailable):
            live = await self._database.write(
                lambda unit: self._ledger.heartbeat(unit, jobs, self._lease_s)
            )
            for run in runs:
                if run.job.id not in live:
                    run.end_early(Stop.LOST)
