"""The ledger: every use of the job tables, each inside the caller's transaction.

Locks are taken in one order everywhere: the key, then the row. Work that races on Postgres for
the same key so runs one after another; on SQLite a writing unit is alone anyway.
"""

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import rules, store, store_cold, store_hot, turns
from hookyard.core.jobs.model import (
    Attempt,
    Claimed,
    ClaimRequest,
    Done,
    Ending,
    Fail,
    Finished,
    Job,
    JobBrief,
    JobFilter,
    JobId,
    JobKind,
    JobState,
    Lane,
    LogLine,
    Retry,
    WaitingFor,
)
from hookyard.core.jobs.pauses_model import Pause
from hookyard.core.jobs.requests import Requests
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.why import why_waiting
from hookyard.kit.errors import NotFound, StaleLease
from hookyard.kit.json import Json, JsonObject
from hookyard.kit.pages import Page

PROMOTE_AT_MOST = 500
SWEEP_AT_MOST = 200
PARK_ROUNDS = 8

Gate = Callable[[JobKind], WaitingFor | None]


def open_gate(kind: JobKind) -> WaitingFor | None:
    """Lets every kind through."""
    return None


@dataclass(slots=True)
class Settled:
    """What became of finished attempts: the step of each, and those whose lease was lost."""

    steps: dict[JobId, Step] = field(default_factory=dict)
    stale: set[JobId] = field(default_factory=set)


class Ledger(Requests):
    """Jobs as rows, from the request to the purge."""

    # --- workers ---

    def claim(self, unit: Unit, request: ClaimRequest, gate: Gate = open_gate) -> Claimed:
        """Promote what is due, then take ready jobs for the free slots of a worker.

        Jobs of a kind this worker does not know, or that `gate` holds, are parked with the reason
        and without counting an attempt; others take their place.
        """
        now_ms = self.clock.now_ms()
        running = {lane: request.running.get(lane, 0) for lane in Lane}
        found = store_hot.look(unit, request.capacity)
        room = {lane: (request.at_most or {}).get(lane, 0) for lane in Lane}
        credit = request.credit
        more = False
        if found.next_due_ms is not None and found.next_due_ms <= now_ms:
            more = self._promote(unit, now_ms)
            found = store_hot.look(unit, request.capacity)
        paused = self.pauses.obeyed(unit) if found.has_pauses else ()
        kept: list[Job] = []
        for _ in range(PARK_ROUNDS):
            ready = {lane: found.ready[lane] for lane in request.lanes}
            if request.at_most is not None:
                ready = {lane: min(count, room[lane]) for lane, count in ready.items()}
            share, credit = rules.split(request.capacity, running, ready, credit)
            if not any(share.values()):
                break
            # why: what came before may have waited for a lock; a lease counts from its own claim.
            now_ms = self.clock.now_ms()
            until_ms = now_ms + round(request.lease_s * 1000)
            taken = store_hot.claim(unit, request.worker, share, now_ms, until_ms)
            turns_of = ((job.lane, turn) for job, turn in taken)
            self.fairness.served(unit, turns_of, found.ready, request.capacity)
            started = [job for job, _ in taken if not self._park(unit, job, gate, paused)]
            kept.extend(started)
            if len(started) == len(taken):
                break
            for job in started:
                running[job.lane] += 1
                room[job.lane] -= 1
            found = store_hot.look(unit, request.capacity)
        else:
            more = True
        return Claimed(tuple(kept), credit, found.next_due_ms, more)

    def promote(self, unit: Unit) -> bool:
        """Make ready what is due, without claiming; whether there may be more."""
        return self._promote(unit, self.clock.now_ms())

    def finish_batch(self, unit: Unit, finished: Sequence[Finished]) -> Settled:
        """End attempts; one whose lease was lost changes nothing and is reported as stale."""
        now_ms = self.clock.now_ms()
        settled = Settled()
        plain = [item for item in finished if _is_plain(item)]
        if plain:
            ended = [(item.job, _result_text(item.ending)) for item in plain]
            live = store_hot.succeed(unit, ended, now_ms)
            for item in plain:
                if item.job.id in live:
                    step = rules.finish(
                        rules.life_of(item.job), item.job.lease, item.ending, now_ms
                    )
                    assert step is not None  # noqa: S101
                    settled.steps[item.job.id] = step
                    if self.told is not None:
                        self.told(unit, item.job, step)
                else:
                    settled.stale.add(item.job.id)
        rest = [item for item in finished if not _is_plain(item)]
        turns.lock(unit, (item.job.key for item in rest))
        for item in rest:
            try:
                settled.steps[item.job.id] = self._finish(unit, item.job, item.ending, now_ms)
            except StaleLease:
                settled.stale.add(item.job.id)
        return settled

    def finish(self, unit: Unit, job: Job, ending: Ending) -> Step:
        """End one attempt, with its `apply`; StaleLease when the lease was lost."""
        turns.lock(unit, [job.key])
        return self._finish(unit, job, ending, self.clock.now_ms())

    def heartbeat(self, unit: Unit, jobs: Sequence[Job], lease_s: float) -> set[JobId]:
        """Push leases forward; the ids that still hold theirs."""
        until_ms = self.clock.now_ms() + round(lease_s * 1000)
        live = store_hot.extend(unit, [(job.id, job.lease) for job in jobs], until_ms)
        return {job.id for job in jobs if job.id in live}

    def require_lease(self, unit: Unit, job: Job) -> None:
        """StaleLease unless this attempt still runs; its row stays locked."""
        if not store.holds_lease(unit, job.id, job.lease):
            raise StaleLease

    def log(
        self, unit: Unit, job: Job, message: str, fields: JsonObject, level: str = "info"
    ) -> LogLine | None:
        """Append to the log under the lease; None once the log is full."""
        self.require_lease(unit, job)
        return store_cold.add_log(
            unit, job.id, job.attempt, self.clock.now_ms(), level, message, fields
        )

    def progress(self, unit: Unit, job: Job, value: Json) -> None:
        """Replace the progress under the lease."""
        self.require_lease(unit, job)
        store.set_progress(unit, job.id, value)

    def stop_notices(self, unit: Unit, worker: str) -> set[tuple[str, int]]:
        """(id, lease) of a worker's jobs that were asked to stop."""
        return store_cold.to_stop(unit, worker)

    # --- upkeep ---

    def sweep_expired(self, unit: Unit) -> Sequence[JobId]:
        """Take back jobs whose lease ran out, and look again at kinds nobody knew."""
        now_ms = self.clock.now_ms()
        self.pauses.sweep(unit)
        for kind, version in store_cold.unknown_kinds(unit):
            known = self.kinds.get(kind)
            if known is not None and version <= known.version:
                store_cold.release_kind(unit, kind, known.version, now_ms)
        found = store_cold.expired(unit, now_ms, SWEEP_AT_MOST)
        return self._reclaim(unit, found, now_ms, before_ms=now_ms)

    def recover_worker_loss(self, unit: Unit, boot_id: str) -> Sequence[JobId]:
        """At start on SQLite: take back at once what workers of other boots were running.

        # why: one process owns a SQLite file, so every other boot is dead. On Postgres another
        # process may be alive; there only an expired lease proves a loss, and this does nothing.
        """
        if unit.dialect != "sqlite":
            return []
        now_ms = self.clock.now_ms()
        return self._reclaim(unit, store_cold.of_other_boots(unit, boot_id), now_ms, None)

    def release(self, unit: Unit, what: str, holder: str) -> int:
        """End a hold (breaker, limit, pause) by name; how many jobs it held."""
        unit.after_commit(self._wake)
        return store_cold.release(unit, what, holder, self.clock.now_ms())

    def purge(self, unit: Unit, before_ms: int, limit: int = 500) -> Sequence[JobId]:
        """Delete a chunk of jobs that ended before an instant; their ids, oldest first."""
        self.fairness.tidy(unit)
        return store_cold.purge(unit, before_ms, limit)

    # --- people ---

    def get(self, unit: Unit, job_id: str) -> Job:
        """A job; NotFound when there is none."""
        job = store.get(unit, job_id)
        if job is None:
            raise NotFound("there is no such job")
        return job

    def list(
        self,
        unit: Unit,
        wanted: JobFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Page[Job]:
        """Jobs newest first, a page at a time."""
        return store_cold.listed(unit, wanted or JobFilter(), cursor, limit)

    def of_deliveries(
        self, unit: Unit, delivery_ids: Sequence[str]
    ) -> Mapping[str, Sequence[JobBrief]]:
        """The jobs each of these deliveries caused, oldest first."""
        return store_cold.of_deliveries(unit, delivery_ids)

    def logs(
        self, unit: Unit, job_id: str, cursor: str | None = None, limit: int | None = None
    ) -> Page[LogLine]:
        """A job's log, oldest first, a page at a time."""
        return store_cold.logs(unit, job_id, cursor, limit)

    def attempts(self, unit: Unit, job_id: str) -> Sequence[Attempt]:
        """A job's ended attempts, oldest first."""
        return store_cold.attempts_of(unit, job_id)

    def counts(self, unit: Unit) -> dict[tuple[JobState, Lane], int]:
        """Unfinished and dead jobs by state and lane."""
        return store_cold.counts(unit)

    def oldest_ready(self, unit: Unit) -> Mapping[Lane, int]:
        """The instant the longest waiting ready job of each lane became ready."""
        return store_cold.oldest_ready(unit)

    def unknown_kinds(self, unit: Unit) -> dict[tuple[str, int], int]:
        """Jobs held because no worker knew their (kind, version), counted."""
        return store_cold.unknown_kinds(unit)

    def why_waiting(self, job: Job) -> str:
        """One plain sentence on why a job does not run now."""
        return why_waiting(job)

    def cancel(self, unit: Unit, job_id: str, reason: str = "cancelled on request") -> Job:
        """Cancel at once what does not run, ask what runs to stop; the job after it.

        A job that has ended stays as it is.
        """
        job = self._taken(unit, job_id)
        after = rules.cancel(rules.life_of(job), reason, self.clock.now_ms())
        if after is None:
            return job
        if after.state is JobState.RUNNING:
            store.ask_to_stop(unit, job_id)
        else:
            store.write_life(unit, job.id, job.lease, after)
            turns.settle(unit, job.key, self.clock.now_ms())
        unit.after_commit(self._stop_asked)
        return self.get(unit, job_id)

    def replay(self, unit: Unit, job_id: str) -> Job:
        """Run an ended job again under the same id with all its attempts; history stays.

        A job that has not ended stays as it is.
        """
        job = self._taken(unit, job_id)
        after = rules.replay(rules.life_of(job), self.clock.now_ms())
        if after is not None:
            turns.rejoin(unit, job, after, self.clock.now_ms())
            self.fairness.rejoin_ids(unit, [job_id])
            unit.after_commit(self._wake)
        return self.get(unit, job_id)

    def replay_many(self, unit: Unit, wanted: JobFilter, limit: int = 500) -> Sequence[JobId]:
        """Replay up to `limit` jobs that match, oldest first: dead ones unless a state is named."""
        state = wanted.state or JobState.DEAD
        found = store_cold.matching(
            unit,
            JobFilter(
                state, wanted.kind, wanted.lane, wanted.key, wanted.repository, wanted.delivery_id
            ),
            limit,
        )
        turns.lock(unit, (key for _, key in found))
        return [
            JobId(job_id)
            for job_id, _ in found
            if self.replay(unit, job_id).state in (JobState.QUEUED, JobState.WAITING)
        ]

    # --- inside ---

    def _taken(self, unit: Unit, job_id: str) -> Job:
        """A job with its key and its row locked."""
        turns.lock(unit, [self.get(unit, job_id).key])
        job = store.take(unit, job_id)
        if job is None:
            raise NotFound("there is no such job")
        return job

    def _promote(self, unit: Unit, now_ms: int) -> bool:
        """Make due jobs ready; whether there may be more than this round took."""
        moved = store_hot.promote_plain(unit, now_ms, PROMOTE_AT_MOST)
        self.fairness.rejoin(unit, moved)
        keys = store_hot.keys_due(unit, now_ms, PROMOTE_AT_MOST)
        turns.lock(unit, keys)
        for key in keys:
            turns.settle_due(unit, key, store_hot.due_of_key(unit, key, now_ms), now_ms)
        self.fairness.rejoin_keys(unit, keys)
        return len(moved) == PROMOTE_AT_MOST or len(keys) == PROMOTE_AT_MOST

    def _park(self, unit: Unit, job: Job, gate: Gate, paused: Sequence[Pause]) -> bool:
        """Put back a claimed job that may not start here; whether it was put back."""
        kind = self.kinds.get(job.kind)
        waiting = (
            WaitingFor("kind", job.kind)
            if kind is None or job.version > kind.version
            else self.pauses.holding(unit, paused, job) or gate(kind)
        )
        if waiting is None:
            return False
        if waiting.what == "kind":
            self.strangers.met(unit, job)
        store.write_life(unit, job.id, job.lease, rules.hold(rules.life_of(job), waiting))
        if job.key is not None:
            turns.lock(unit, [job.key])
            turns.settle(unit, job.key, self.clock.now_ms())
        return True

    def _finish(self, unit: Unit, job: Job, ending: Ending, now_ms: int) -> Step:
        row = store.take(unit, job.id)
        delay_s = 0.0
        if isinstance(ending, Retry) and ending.after_s is None:
            delay_s = self._kind(job.kind).backoff.delay(job.attempt, self._random)
        if row is None:
            raise StaleLease
        step = rules.finish(rules.life_of(row), job.lease, ending, now_ms, delay_s)
        if step is None:
            raise StaleLease
        store.write_life(unit, job.id, job.lease, step.life)
        store.add_attempt(unit, row, step, now_ms)
        if self.told is not None:
            self.told(unit, row, step)
        if isinstance(ending, Done | Fail) and ending.apply is not None:
            ending.apply(unit)
        turns.settle(unit, job.key, self.clock.now_ms())
        unit.after_commit(self._wake)
        return step

    def _reclaim(
        self,
        unit: Unit,
        found: Sequence[tuple[str, str | None]],
        now_ms: int,
        before_ms: int | None,
    ) -> Sequence[JobId]:
        turns.lock(unit, (key for _, key in found))
        lost: builtins.list[JobId] = []
        for job_id, key in found:
            job = store.take(unit, job_id)
            alive = before_ms is not None and job and (job.leased_until_ms or 0) >= before_ms
            step = None if job is None or alive else rules.lose(rules.life_of(job), now_ms)
            if job is None or step is None:
                continue
            store.write_life(unit, job.id, job.lease, step.life)
            store.add_attempt(unit, job, step, now_ms)
            if self.told is not None:
                self.told(unit, job, step)
            turns.settle(unit, key, self.clock.now_ms())
            lost.append(job.id)
        if lost:
            unit.after_commit(self._wake)
        return lost


def _is_plain(item: Finished) -> bool:
    ending = item.ending
    return isinstance(ending, Done) and ending.apply is None and item.job.key is None


def _result_text(ending: Ending) -> str | None:
    return store.maybe(ending.result) if isinstance(ending, Done) else None
