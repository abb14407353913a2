"""Turns at a key: the pure line of `line.py` put to work on rows.

A caller locks the key before it reads or writes a row of it, and takes several keys in sorted
order, so that two processes never wait for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs import line, rules, store
from hookyard.core.jobs.model import Job, JobState, WaitingFor
from hookyard.core.jobs.rules import Life

LINE_AT_MOST = 200
WHOLE_LINE = 1_000_000


def lock(unit: Unit, keys: Iterable[str | None]) -> None:
    """Lock every key that is one, in sorted order, until the transaction ends."""
    for key in sorted({key for key in keys if key is not None}):
        unit.lock(f"job-key:{key}")


def line_of(unit: Unit, key: str) -> Sequence[line.Place]:
    """The head of a key's line; a longer one keeps its true last job at the end.

    # why: a claim takes the ready job without the key's lock; locking its row here shows whether
    it runs by now, and keeps it as it is shown.
    """
    places = store.line_of(unit, key, LINE_AT_MOST)
    for index, place in enumerate(places):
        if place.state is JobState.QUEUED:
            now = store.take(unit, place.job_id)
            if now is not None:
                places[index] = replace(place, state=now.state, attempt=now.attempt)
    if len(places) < LINE_AT_MOST:
        return places
    last = store.last_of(unit, key)
    job = None if last is None else store.get(unit, last)
    if job is not None and job.id != places[-1].job_id:
        places.append(
            line.Place(
                job_id=job.id,
                state=job.state,
                run_at_ms=job.run_at_ms,
                waiting_for=job.waiting_for,
                policy=job.policy,
                skippable=False,
                created_at_ms=job.created_at_ms,
                attempt=job.attempt,
            )
        )
    return places


def settle(unit: Unit, key: str | None, now_ms: int) -> None:
    """Put a key's line in order: the next one ready, the others waiting."""
    if key is None:
        return
    moves = line.settle(store.line_of(unit, key, LINE_AT_MOST), now_ms)
    # why: whoever leaves the turn must do so before the next takes it (a unique index says so).
    for move in sorted(moves, key=lambda move: move.waiting_for is None):
        store.move(unit, move.job_id, move.waiting_for)


def settle_due(unit: Unit, key: str, due: Sequence[str], now_ms: int) -> None:
    """Settle, and let what is due but has no turn wait for the key, however long the line."""
    settle(unit, key, now_ms)
    for job_id in due:
        job = store.get(unit, job_id)
        held = job.waiting_for if job is not None else None
        if held is not None and held.until_ms is not None and held.until_ms <= now_ms:
            store.move(unit, job_id, WaitingFor("key", store.last_of(unit, key)))


def displace(unit: Unit, key: str, now_ms: int) -> None:
    """Cancel everything of a key in favour of a newer job; what runs is asked to stop."""
    for place in store.line_of(unit, key, WHOLE_LINE):
        job = store.take(unit, place.job_id)
        if job is None:
            continue
        after = rules.cancel(rules.life_of(job), "superseded by a newer job", now_ms)
        if after is None:
            continue
        if after.state is JobState.RUNNING:
            store.ask_to_stop(unit, job.id)
        else:
            store.write_life(unit, job.id, job.lease, after)


def rejoin(unit: Unit, job: Job, after: Life, now_ms: int) -> None:
    """Store a life that wants to be ready, through its key's line where it has one."""
    behind = None if job.key is None else rules.wait_for(after, WaitingFor("key"))
    store.write_life(unit, job.id, job.lease, behind or after)
    settle(unit, job.key, now_ms)
