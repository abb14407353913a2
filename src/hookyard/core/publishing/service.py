"""Asking for effects, and reading how they stand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.model import TERMINAL, JobState, KeyPolicy, Lane, NewJob
from hookyard.core.publishing import rules, store
from hookyard.core.publishing.budget import RANK
from hookyard.core.publishing.keys import key_of, kind_of
from hookyard.core.publishing.model import (
    CheckRunEffect,
    Effect,
    EffectFilter,
    EffectId,
    EffectRecord,
    EffectState,
    MessageEffect,
    Urgency,
)
from hookyard.core.publishing.port import LandingJobs
from hookyard.core.publishing.rows import EffectRow, Progress
from hookyard.core.publishing.wire import check_run_words
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import as_object, as_text
from hookyard.kit.pages import Page, clamp_limit, decode_cursor, encode_cursor

LAND = "effect.land"
LAND_MESSAGE = "message.land"
LANES: Mapping[Urgency, Lane] = {
    Urgency.INTERACTIVE: Lane.HIGH,
    Urgency.CHECK: Lane.DEFAULT,
    Urgency.CAMPAIGN: Lane.BULK,
}
_NOT_STARTED = frozenset({JobState.QUEUED, JobState.WAITING})


@dataclass(frozen=True, slots=True)
class Stranded:
    """Pending effects that nothing will land, and where to look on; None at the end."""

    ids: tuple[EffectId, ...]
    after: EffectId | None


class Publisher:
    """Keeps the desired state of every effect and the job that will make GitHub show it."""

    def __init__(self, jobs: LandingJobs, clock: Clock, ids: IdMaker) -> None:
        self._jobs = jobs
        self._clock = clock
        self._ids = ids

    def request(
        self,
        unit: Unit,
        effect: Effect,
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        delivery_id: str | None = None,
        again: bool = False,
    ) -> EffectId:
        """Want this effect. A state GitHub already shows costs nothing; bursts fold.

        `again` does not take our word for what GitHub shows: it is written once more in place,
        and made anew where somebody deleted it.
        Invalid (`bad_effect`) when the effect cannot be named or uses a word GitHub lacks.
        """
        if isinstance(effect, CheckRunEffect):
            check_run_words(effect)
        key, now_ms, wanted = key_of(effect), self._clock.now_ms(), desired_hash(effect)
        # why: the ledger locks a job's key, then ends the job, whose `apply` locks the effect;
        # the same order here means that two transactions never wait for each other.
        unit.lock(f"job-key:{job_key(key)}")
        store.lock(unit, key)
        known = store.by_key(unit, key)
        if known is None:
            row = self._new(key, effect, urgency, wanted, now_ms)
        elif known.state is EffectState.LANDED and known.desired_hash == wanted and not again:
            return known.id
        else:
            row = _wanted_anew(known, effect, urgency, wanted, now_ms)
            row = replace(row, landed_hash=None) if again else row
        row = replace(row, delivery_id=delivery_id or row.delivery_id)
        row = replace(row, job_id=self._landing_job(unit, row))
        if known is None:
            store.add(unit, row, kind_of(effect))
        else:
            store.save(unit, row)
        return row.id

    def get(self, unit: Unit, effect_id: str) -> EffectRecord | None:
        """One effect, or None."""
        return store.record(unit, effect_id)

    def list(
        self, unit: Unit, wanted: EffectFilter, cursor: str | None = None, limit: int | None = None
    ) -> Page[EffectRecord]:
        """Effects that match, newest first."""
        size = clamp_limit(limit)
        before = None if cursor is None else str(decode_cursor(cursor, (str,))[0])
        rows = store.newest(unit, wanted, before, size + 1)
        items = tuple(rows[:size])
        return Page(items, encode_cursor(items[-1].id) if len(rows) > size else None)

    def counts(self, unit: Unit) -> Mapping[EffectState, int]:
        """How many effects are in each state."""
        return store.counts(unit)

    def stranded(self, unit: Unit, after: str, limit: int) -> Stranded:
        """Of the next `limit` pending effects past the id `after`: those nothing will land."""
        pending = store.pending(unit, after, limit)
        found = [one for one, job_id in pending if self._epitaph(unit, job_id) is not None]
        return Stranded(tuple(found), pending[-1][0] if len(pending) == limit else None)

    def bury(self, unit: Unit, effect_ids: Sequence[str]) -> int:
        """Mark effects dead whose landing job ended without landing them; how many those are.

        One that was asked for again or whose job was replayed since it was looked at lives on.
        """
        found = [row for row in (store.by_id(unit, one) for one in effect_ids) if row is not None]
        buried = 0
        for row in sorted(found, key=lambda row: job_key(row.key)):
            unit.lock(f"job-key:{job_key(row.key)}")
            store.lock(unit, row.key)
            now = store.by_id(unit, row.id)
            if now is None or now.state is not EffectState.PENDING:
                continue
            reason = self._epitaph(unit, now.job_id)
            if reason is not None:
                store.save(unit, rules.dead(now, now.generation, reason, undone=False))
                buried += 1
        return buried

    def _epitaph(self, unit: Unit, job_id: str | None) -> str | None:
        """Why this job will land nothing any more; None while it may."""
        try:
            job = self._jobs.get(unit, job_id or "")
        except NotFound:
            return "no_job: the job that should land it is gone"
        if job.state not in TERMINAL:
            return None
        error = as_object(job.error)
        code = as_text(error.get("code")) or job.state.value
        return f"{code}: {as_text(error.get('reason')) or 'its job ended without landing it'}"

    def _new(
        self, key: str, effect: Effect, urgency: Urgency, wanted: str, now_ms: int
    ) -> EffectRow:
        return EffectRow(
            id=EffectId(self._ids.new(now_ms)),
            key=key,
            effect=effect,
            urgency=urgency,
            state=EffectState.PENDING,
            generation=1,
            landed_generation=0,
            desired_hash=wanted,
            landed_hash=None,
            intent=None,
            progress=Progress(),
            external_id=None,
            url=None,
            error=None,
            job_id=None,
            delivery_id=None,
            requested_at_ms=now_ms,
            landed_at_ms=None,
        )

    def _landing_job(self, unit: Unit, row: EffectRow) -> str:
        """The job that will land this row: one that has not started, else a new one."""
        if row.job_id is not None:
            try:
                job = self._jobs.get(unit, row.job_id)
            except NotFound:
                return self._enqueue(unit, row)
            if job.state in _NOT_STARTED and not job.cancel_requested:
                return row.job_id
        return self._enqueue(unit, row)

    def _enqueue(self, unit: Unit, row: EffectRow) -> str:
        return self._jobs.enqueue(
            unit,
            NewJob(
                kind=LAND_MESSAGE if isinstance(row.effect, MessageEffect) else LAND,
                payload={"effect_id": row.id},
                lane=LANES[row.urgency],
                key=job_key(row.key),
                policy=KeyPolicy.QUEUE,
                delivery_id=row.delivery_id,
                repository=row.effect.repository or None,
            ),
        ).job_id


def job_key(key: str) -> str:
    """The key of the jobs that land an effect: they never overlap.

    Messages to one target share theirs, so that they come in order and a limit holds them all.
    """
    kind, _, rest = key.partition(":")
    return f"effect:message:{rest.partition(':')[0]}" if kind == "message" else f"effect:{key}"


def desired_hash(effect: Effect) -> str:
    """A digest of everything GitHub would show of the effect."""
    raw = kind_of(effect).encode() + b"\0" + msgspec.json.encode(effect)
    return hashlib.sha256(raw).hexdigest()


def _wanted_anew(
    row: EffectRow, effect: Effect, urgency: Urgency, wanted: str, now_ms: int
) -> EffectRow:
    waiting = row.state is EffectState.PENDING
    same = waiting and row.desired_hash == wanted
    more = urgency if not waiting or RANK[urgency] > RANK[row.urgency] else row.urgency
    return replace(
        row,
        effect=effect,
        urgency=more,
        state=EffectState.PENDING,
        generation=row.generation if same else row.generation + 1,
        desired_hash=wanted,
        error=None,
        requested_at_ms=row.requested_at_ms if waiting else now_ms,
    )
