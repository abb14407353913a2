"""Leases: outside agents take jobs and report on them, under the same fence as any worker.

Locks are taken in one order: the agent's key, the owners of repositories, the jobs' keys, rows.
Whoever ends an attempt takes only the last two, so that it never waits for one who leases.
"""

from collections.abc import Callable, Mapping, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import leases_rules as rules
from hookyard.core.jobs import store, store_cold, store_fairness, store_leases, turns
from hookyard.core.jobs.bounds import bounded
from hookyard.core.jobs.leases_model import (
    Agent,
    Answer,
    Ask,
    Beat,
    Ended,
    Finisher,
    LeaseLimits,
    Line,
    Offer,
    Taken,
)
from hookyard.core.jobs.model import (
    Done,
    Ending,
    Job,
    JobState,
    Lane,
    LogLine,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.pauses_model import Pause, PauseOf, owner_of
from hookyard.core.jobs.redact import redact
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.service import Ledger
from hookyard.kit.errors import Forbidden, Invalid, NotFound, StaleLease
from hookyard.kit.json import Json

ROUNDS = 8
MARGIN = 16
MEND_AT_MOST = 50
OWNER = "owner:"


class Leases:
    """Use cases of outside agents.

    `reserved` are kinds that are never leased out, `finishers` turn the answers of some kinds
    into effects, `wake` tells the worker here that held jobs came due.
    """

    def __init__(
        self,
        ledger: Ledger,
        limits: LeaseLimits,
        reserved: frozenset[str] = frozenset(),
        finishers: Mapping[str, Finisher] | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits
        self._wake = wake
        self._ledger = ledger
        self._reserved = reserved
        self._finishers = dict(finishers or {})

    # --- taking ---

    def check(self, agent: Agent, ask: Ask) -> None:
        """Forbidden, with the reason, for kinds or lanes the agent's key may not lease."""
        for kind in ask.kinds:
            if kind in self._reserved:
                raise Forbidden(f"the server does {kind} itself; it is never leased out")
            if agent.kinds and kind not in agent.kinds:
                raise Forbidden(f"this key leases only {', '.join(agent.kinds)}, not {kind}")
            if kind in self._ledger.kinds and kind not in agent.kinds:
                raise Forbidden(
                    f"workers here do {kind}; only a key made for it (--kinds {kind}) shares it"
                )
        for lane in ask.lanes:
            if agent.lanes and lane not in agent.lanes:
                names = ", ".join(allowed.value for allowed in agent.lanes)
                raise Forbidden(f"this key leases only from the lanes {names}, not {lane.value}")

    def outlook(self, unit: Unit, agent: Agent, ask: Ask) -> tuple[bool, str | None]:
        """Whether a claim may bring something, or what keeps the key from more; only looks."""
        count, limit = len(store_leases.slots(unit, _holder_of(agent))), self._limit(agent)
        if count >= limit:
            return False, _full(count, limit)
        return any(self._offers(unit, agent, ask, 1).values()), None

    def claim(self, unit: Unit, agent: Agent, ask: Ask, credit: Mapping[Lane, int]) -> Taken:
        """Lease up to `ask.count` jobs: lanes by weight, in a lane by priority, then by age.

        Jobs whose owner has all its leases in use are put aside until one ends, so that the jobs
        of others come up.
        """
        holder = _holder_of(agent)
        unit.lock(f"lease:{holder}")
        used = store_leases.used(unit, holder)
        limit = self._limit(agent)
        want = min(ask.count, limit - len(used))
        if want <= 0:
            return Taken((), credit, _full(len(used), limit))
        taken: list[Job] = []
        again = False
        for _ in range(ROUNDS):
            need = want - len(taken)
            if need <= 0:
                break
            offers = self._offers(unit, agent, ask, need + MARGIN)
            order, after = rules.deal(offers, credit, need)
            got, moved = self._take(unit, agent, ask, order, need)
            if got:
                credit = after
            taken += got
            if not got and not moved:
                again = bool(order)
                break
        for job in taken:
            slot = _free_slot(used)
            store_leases.occupy(unit, holder, slot, job, round(ask.lease_s * 1000))
            used.append(slot)
        is_full = len(used) >= limit and len(taken) < ask.count
        held_by = _full(len(used), limit) if is_full else None
        return Taken(tuple(taken), credit, held_by, again and not taken)

    def mend(self, unit: Unit) -> None:
        """Let go of jobs that wait for slots which came free unseen, as by a lost lease."""
        for owner in store_leases.waiting_owners(unit, MEND_AT_MOST):
            unit.lock(f"lease:{_owner(owner)}")
            free = self.limits.per_owner - len(store_leases.used(unit, _owner(owner)))
            if free > 0:
                self._let_go(unit, owner, free)

    # --- reporting ---

    def heartbeat(
        self, unit: Unit, agent: Agent, job_id: str, lease: int, lease_s: float | None = None
    ) -> Beat:
        """Extend a lease, unless its job was asked to stop or its time is over.

        An attempt past its time ends here. StaleLease when the lease was lost.
        """
        job = self._held(unit, agent, job_id, lease)
        now_ms = self._ledger.clock.now_ms()
        left_ms = rules.deadline_ms(job) - now_ms
        if left_ms <= 0:
            late = Retry(f"it ran longer than {job.timeout_s:g} s", code="timeout")
            return Beat(job, now_ms, job.cancel_requested, self._end(unit, job, late))
        if job.cancel_requested:
            self._ledger.require_lease(unit, job)
            return Beat(job, job.leased_until_ms or now_ms, cancel_requested=True)
        length_ms = round(lease_s * 1000) if lease_s is not None else None
        length_ms = length_ms or store_leases.lease_ms_of(unit, job_id, lease) or 0
        given_ms = min(length_ms or round(self.limits.lease_s * 1000), left_ms)
        if not self._ledger.heartbeat(unit, [job], given_ms / 1000):
            raise StaleLease
        return Beat(job, now_ms + given_ms, cancel_requested=False)

    def log(
        self, unit: Unit, agent: Agent, job_id: str, lease: int, lines: Sequence[Line]
    ) -> tuple[Job, list[LogLine]]:
        """Append lines; fewer come back once the log is full."""
        job = self._held(unit, agent, job_id, lease)
        self._ledger.require_lease(unit, job)
        kept: list[LogLine] = []
        for line in lines:
            added = store_cold.add_log(
                unit,
                job.id,
                job.attempt,
                self._ledger.clock.now_ms(),
                line.level,
                redact(line.message),
                line.fields or {},
            )
            if added is None:
                break
            kept.append(added)
        return job, kept

    def progress(self, unit: Unit, agent: Agent, job_id: str, lease: int, value: Json) -> Job:
        """Replace the progress."""
        bounded(value, "progress", rules.MAX_PROGRESS)
        job = self._held(unit, agent, job_id, lease)
        self._ledger.progress(unit, job, value)
        return job

    def complete(self, unit: Unit, agent: Agent, job_id: str, lease: int, answer: Answer) -> Ended:
        """End an attempt that did its work; its effects land in the same transaction.

        Said twice, the second changes nothing and is told the same.
        """
        bounded(answer.result, "result", rules.MAX_RESULT)
        job = self._seen(unit, agent, job_id)
        if job.state is JobState.SUCCEEDED and job.lease == lease and agent.owns(job):
            return Ended(job, None)
        job = self._held(unit, agent, job_id, lease)
        finisher = self._finishers.get(job.kind)
        if finisher is None and (answer.summary is not None or answer.comment is not None):
            raise Invalid(f"{job.kind} takes a result only, no summary or comment")
        done = Done(answer.result) if finisher is None else finisher(job, answer)
        step = self._end(unit, job, done)
        return Ended(self._ledger.get(unit, job_id), step)

    def fail(self, unit: Unit, agent: Agent, job_id: str, lease: int, ending: Ending) -> Ended:
        """End an attempt that did not; one that was asked to stop is cancelled whatever it says."""
        job = self._held(unit, agent, job_id, lease)
        step = self._end(unit, job, Stopped() if job.cancel_requested else ending)
        return Ended(self._ledger.get(unit, job_id), step)

    def held(self, unit: Unit, agent: Agent, job_id: str, lease: int) -> Job:
        """The job, when this agent's lease on it holds now; only looks."""
        return self._held(unit, agent, job_id, lease)

    # --- inside ---

    def _limit(self, agent: Agent) -> int:
        return self.limits.per_key if agent.max_leases is None else agent.max_leases

    def _offers(self, unit: Unit, agent: Agent, ask: Ask, limit: int) -> dict[Lane, list[Offer]]:
        """The first offers of each lane, over all kinds and every scope the key reaches."""
        found: dict[Lane, list[Offer]] = {}
        for lane in ask.lanes:
            lists = [
                store_leases.find(unit, kind, lane, scope, limit)
                for kind in ask.kinds
                for scope in agent.reach
            ]
            found[lane] = rules.merge(lists, limit)
        return found

    def _take(
        self, unit: Unit, agent: Agent, ask: Ask, order: Sequence[Offer], need: int
    ) -> tuple[list[Job], int]:
        """The jobs that were taken of these offers, and how many were put aside."""
        used = self._owners(unit, order)
        turns.lock(unit, (offer.key for offer in order))
        room = {owner: self.limits.per_owner - len(slots) for owner, slots in used.items()}
        pauses = self._ledger.pauses.obeyed(unit) if order else ()
        picked, held = rules.choose(order, room, pauses, need, self._draws(unit, pauses, order))
        ids = [offer.job_id for offer in picked]
        now_ms = self._ledger.clock.now_ms()
        until_ms = now_ms + round(ask.lease_s * 1000)
        got = store_leases.take(unit, ids, agent.worker, now_ms, until_ms) if ids else []
        self._occupy(unit, [job for job, _ in got], used, ask)
        self._move_on(unit, got)
        moved = self._put_aside(unit, held, now_ms)
        places = {job_id: place for place, job_id in enumerate(ids)}
        return sorted((job for job, _ in got), key=lambda job: places[job.id]), moved

    def _draws(
        self, unit: Unit, pauses: Sequence[Pause], order: Sequence[Offer]
    ) -> dict[str, str | None]:
        """The budget each offer uses up, by job; empty while no budget holds anything."""
        if not any(pause.what is PauseOf.BUDGET for pause in pauses):
            return {}
        draws_on = self._ledger.pauses.draws_on
        return {offer.job_id: draws_on(unit, offer.kind, offer.repository) for offer in order}

    def _owners(self, unit: Unit, order: Sequence[Offer]) -> dict[str, list[int]]:
        """The slots in use of every owner of these offers, each owner locked."""
        owners = sorted({offer.owner for offer in order if offer.owner is not None})
        for owner in owners:
            unit.lock(f"lease:{_owner(owner)}")
        return {owner: store_leases.used(unit, _owner(owner)) for owner in owners}

    def _occupy(
        self, unit: Unit, jobs: Sequence[Job], used: Mapping[str, list[int]], ask: Ask
    ) -> None:
        length_ms = round(ask.lease_s * 1000)
        for job in jobs:
            owner = owner_of(job.repository)
            if owner:
                slot = _free_slot(used[owner])
                store_leases.occupy(unit, _owner(owner), slot, job, length_ms)
                used[owner].append(slot)

    def _move_on(self, unit: Unit, got: Sequence[tuple[Job, int]]) -> None:
        """Let parties that come later begin where agents are, not at the beginning.

        # why: never past what is next for the workers here, who take their jobs beside agents: a
        # newcomer would wait for all that lies between.
        """
        reached: dict[Lane, int] = {}
        for job, turn in got:
            reached[job.lane] = max(turn, reached.get(job.lane, 0))
        for lane, turn in reached.items():
            front = store_leases.front(unit, lane)
            at = turn if front is None else min(turn, front)
            if at > 0:
                store_fairness.advance(unit, lane.value, at, known=False)

    def _put_aside(
        self, unit: Unit, held: Mapping[WaitingFor, Sequence[Offer]], now_ms: int
    ) -> int:
        moved = 0
        for waiting, offers in held.items():
            moved += store_leases.put_aside(unit, [offer.job_id for offer in offers], waiting)
        keys = {offer.key for offers in held.values() for offer in offers}
        for key in sorted(key for key in keys if key is not None):
            turns.settle(unit, key, now_ms)
        return moved

    def _seen(self, unit: Unit, agent: Agent, job_id: str) -> Job:
        job = store.get(unit, job_id)
        if job is None or not rules.reaches(agent.reach, job.repository):
            raise NotFound("there is no such job")
        return job

    def _held(self, unit: Unit, agent: Agent, job_id: str, lease: int) -> Job:
        job = self._seen(unit, agent, job_id)
        if job.state is not JobState.RUNNING or job.lease != lease or not agent.owns(job):
            raise StaleLease
        return job

    def _end(self, unit: Unit, job: Job, ending: Ending) -> Step:
        step = self._ledger.finish(unit, job, ending)
        for holder in store_leases.vacate(unit, job.id, job.lease):
            if holder.startswith(OWNER):
                self._let_go(unit, holder.removeprefix(OWNER), 1)
        return step

    def _let_go(self, unit: Unit, owner: str, count: int) -> None:
        if store_leases.let_go(unit, owner, count, self._ledger.clock.now_ms()):
            unit.after_commit(self._wake)


def _holder_of(agent: Agent) -> str:
    return f"key:{agent.key_id}"


def _owner(owner: str) -> str:
    return f"{OWNER}{owner}"


def _full(count: int, limit: int) -> str:
    return f"this key has {count} of {limit} leases"


def _free_slot(used: Sequence[int]) -> int:
    """The lowest number nobody has."""
    taken = set(used)
    return next(number for number in range(1, len(taken) + 2) if number not in taken)
