"""Requests for work: a new job joins the ledger, or folds into one that is there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import line, store, store_cold, store_hot, turns
from hookyard.core.jobs.fairness import Fairness, party_of
from hookyard.core.jobs.model import Enqueued, Job, JobId, JobKind, NewJob, WaitingFor
from hookyard.core.jobs.pauses import Pauses
from hookyard.core.jobs.port import JobsBeside
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.store_beside import jobs_beside
from hookyard.core.jobs.store_hot import Fresh
from hookyard.core.jobs.strangers import Strangers
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker, instant_of
from hookyard.kit.json import Json


class Requests:
    """Implements `JobRequests`. `wake` is called on the event loop after the commit.

    `told` hears of every attempt that ends, inside the unit that records it: what it writes is
    there if and only if the end is.
    """

    def __init__(
        self,
        clock: Clock,
        ids: IdMaker,
        kinds: Sequence[JobKind],
        random: Random,
        wake: Callable[[], None],
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.outside: dict[str, JobKind] = {}
        self.clock = clock
        self.stop_requests = 0
        self.told: Callable[[Unit, Job, Step], None] | None = None
        self.fairness = Fairness()
        self.pauses = Pauses(clock, ids, wake)
        self.strangers = Strangers(clock)
        self._ids = ids
        self._random = random
        self._wake = wake

    def enqueue(self, unit: Unit, job: NewJob) -> Enqueued:
        """Add a job, or fold it into one that is there, by its key's policy."""
        now_ms = self.clock.now_ms()
        unit.after_commit(self._wake)
        if job.key is None:
            run_at_ms = max(now_ms, job.run_at_ms or now_ms)
            waiting = WaitingFor("time", None, run_at_ms) if run_at_ms > now_ms else None
            return self._insert(unit, job, self._ids.new(now_ms), run_at_ms, waiting)
        key = _clean(job.key)
        turns.lock(unit, [key])
        there = turns.line_of(unit, key)
        policy = job.policy or self._kind(job.kind).policy
        new = line.Newcomer(
            policy, max(now_ms, job.run_at_ms or now_ms), job.debounce_s, job.debounce_max_s
        )
        match line.admit(there, new, now_ms):
            case line.Fold() as fold:
                return self._fold(unit, job, fold)
            case line.Join() as join:
                if join.cancel:
                    turns.displace(unit, key, now_ms)
                    unit.after_commit(self._stop_asked)
                job_id = self._next_id(now_ms, there[-1].job_id if there else None)
                return self._insert(unit, job, job_id, join.run_at_ms, join.waiting_for)

    def enqueue_plain(self, unit: Unit, jobs: Sequence[NewJob]) -> Sequence[str]:
        """Add many jobs that have no key and are ready now; their ids in order. Fast."""
        now_ms = self.clock.now_ms()
        rows = [self._fresh(job, self._ids.new(now_ms), now_ms, now_ms) for job in jobs]
        if any(row.party for row in rows):
            turns_of = self.fairness.take_many(unit, [(row.lane, row.party) for row in rows])
            rows = [replace(row, turn=turn) for row, turn in zip(rows, turns_of, strict=True)]
        store_hot.insert_plain(unit, rows, now_ms)
        unit.after_commit(self._wake)
        return [row.id for row in rows]

    def enqueue_for_deliveries(
        self, unit: Unit, job: NewJob, delivery_ids: Sequence[str]
    ) -> Sequence[str]:
        """One plain job for each delivery, alike but for the payload `{"delivery_id": …}`.

        # why: the way in adds one to every delivery it stores; what is the same in all of them
        # is worked out once for the batch.
        """
        if not delivery_ids:
            return ()
        now_ms = self.clock.now_ms()
        shared = self._fresh(job, "", now_ms, now_ms)
        ids = [self._ids.new(now_ms) for _ in delivery_ids]
        store_hot.insert_for_deliveries(unit, shared, ids, delivery_ids, now_ms)
        unit.after_commit(self._wake)
        return ids

    def beside_deliveries(
        self, unit: Unit, job: NewJob, delivery_ids: Sequence[str], first: int
    ) -> JobsBeside:
        """The same as a part of the statement that stores those deliveries; see `JobRequests`."""
        now_ms = self.clock.now_ms()
        ids = [self._ids.new(now_ms) for _ in delivery_ids]
        unit.after_commit(self._wake)
        return jobs_beside(self._fresh(job, "", now_ms, now_ms), ids, delivery_ids, now_ms, first)

    def _kind(self, name: str) -> JobKind:
        return self.kinds.get(name) or self.outside.get(name) or JobKind(name)

    def _next_id(self, now_ms: int, last: JobId | None) -> str:
        """An id after the last of the line, even where another machine's clock is ahead."""
        job_id = self._ids.new(now_ms)
        if last is not None and job_id <= last:
            job_id = self._ids.new(instant_of(last) + 1)
        return job_id

    def _fresh(
        self,
        job: NewJob,
        job_id: str,
        now_ms: int,
        run_at_ms: int,
        waiting: WaitingFor | None = None,
    ) -> Fresh:
        kind = self._kind(job.kind)
        timeout_s = kind.timeout_s if job.timeout_s is None else job.timeout_s
        return Fresh(
            id=job_id,
            kind=job.kind,
            lane=(job.lane or kind.lane).value,
            priority=job.priority,
            key=None if job.key is None else _clean(job.key),
            policy=(job.policy or kind.policy).value,
            payload=store.encode(job.payload),
            max_attempts=max(1, job.max_attempts or kind.max_attempts),
            created_at_ms=now_ms,
            run_at_ms=run_at_ms,
            delivery_id=job.delivery_id,
            repository=None if job.repository is None else _clean(job.repository),
            timeout_ms=max(1, round(timeout_s * 1000)),
            version=job.version or kind.version,
            skippable=int(kind.skip_delayed),
            waiting=None if waiting is None else (waiting.what, waiting.holder, waiting.until_ms),
            party=party_of(job.party, job.repository),
        )

    def _insert(
        self, unit: Unit, job: NewJob, job_id: str, run_at_ms: int, waiting: WaitingFor | None
    ) -> Enqueued:
        row = self._fresh(job, job_id, self.clock.now_ms(), run_at_ms, waiting)
        turn = self.fairness.take(unit, row.lane, row.party)
        store_hot.insert(unit, row if turn is None else replace(row, turn=turn))
        return Enqueued(JobId(job_id))

    def _fold(self, unit: Unit, job: NewJob, fold: line.Fold) -> Enqueued:
        if fold.replace:
            store.fold(unit, fold.job_id, job.payload, fold.until_ms)
        fields: dict[str, Json] = {"kind": job.kind}
        if job.delivery_id is not None:
            fields["delivery_id"] = job.delivery_id
        what = (
            "a newer request took its payload's place" if fold.replace else "a request was dropped"
        )
        store_cold.add_log(
            unit, fold.job_id, 0, self.clock.now_ms(), "info", f"folded: {what}", fields
        )
        return Enqueued(fold.job_id, folded=True)

    def _stop_asked(self) -> None:
        self.stop_requests += 1
        self._wake()


def _clean(text: str) -> str:
    """Text Postgres can hold: no NUL."""
    return text.replace("\x00", "\ufffd")
