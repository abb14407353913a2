"""The life of a job as pure decisions: which verb leads from which state to which.

    queued ──claim──▶ running ──Done──▶ succeeded
       ▲                │ ├──Fail, or no attempts left──▶ dead
       │                │ ├──Stopped──▶ cancelled
       └──promote── waiting ◀──Retry, Hold
    queued, waiting ──cancel──▶ cancelled;  dead, cancelled, succeeded ──replay──▶ queued

Every claim raises the lease; every later verb of that attempt names it, and a verb with an old
lease changes nothing. Attempts count at the claim, so that work which kills its worker ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import assert_never

import msgspec
from msgspec.structs import replace

from hookyard.core.jobs.model import (
    LANE_WEIGHTS,
    TERMINAL,
    Done,
    Ending,
    Fail,
    Hold,
    Job,
    JobState,
    Lane,
    Released,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.kit.json import Json, JsonObject

HELD_BY_HANDLERS = frozenset({"time", "breaker", "limit", "pause"})
RESERVED_SHARE: Mapping[Lane, float] = {
    Lane.CRITICAL: 0.0,
    Lane.HIGH: 1 / 16,
    Lane.DEFAULT: 1 / 8,
    Lane.BULK: 1 / 4,
}
LANES = tuple(Lane)


class AttemptEnd(StrEnum):
    """How an attempt ended, in its history row."""

    SUCCEEDED = "succeeded"
    RETRIED = "retried"
    FAILED = "failed"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"
    LOST = "lost"


class Life(msgspec.Struct, frozen=True):
    """The part of a job that the state machine decides. A struct: some are made for every job."""

    state: JobState
    attempt: int
    max_attempts: int
    lease: int
    run_at_ms: int
    waiting_for: WaitingFor | None = None
    cancel_requested: bool = False
    finished_at_ms: int | None = None
    result: Json = None
    error: Json = None


class Step(msgspec.Struct, frozen=True):
    """The life after an attempt ended, and what its history row says."""

    life: Life
    ended: AttemptEnd
    error: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Done):
    """The attempt succeeded or failed, and whoever made it has recorded that under its lease."""

    step: Step


def life_of(job: Job) -> Life:
    """The decided part of a row."""
    return Life(
        state=job.state,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        lease=job.lease,
        run_at_ms=job.run_at_ms,
        waiting_for=job.waiting_for,
        cancel_requested=job.cancel_requested,
        finished_at_ms=job.finished_at_ms,
        result=job.result,
        error=job.error,
    )


def claim(life: Life) -> Life | None:
    """A worker takes a ready job; None when it is not ready."""
    if life.state is not JobState.QUEUED:
        return None
    return replace(life, state=JobState.RUNNING, attempt=life.attempt + 1, lease=life.lease + 1)


def holds_lease(life: Life, lease: int) -> bool:
    """Whether an attempt with this lease is the one that runs now."""
    return life.state is JobState.RUNNING and life.lease == lease


def finish(
    life: Life, lease: int, ending: Ending, now_ms: int, delay_s: float = 0.0
) -> Step | None:
    """The attempt with this lease ends; None when the lease was lost. `delay_s` is the backoff."""
    if not holds_lease(life, lease):
        return None
    match ending:
        case Done():
            return Step(
                _end(life, JobState.SUCCEEDED, now_ms, None, ending.result), AttemptEnd.SUCCEEDED
            )
        case Fail():
            error: JsonObject = {
                "code": ending.code,
                "reason": ending.reason,
                "attempt": life.attempt,
            }
            return Step(_end(life, JobState.DEAD, now_ms, error), AttemptEnd.FAILED, error)
        case Retry():
            return _retry(life, ending, now_ms, delay_s)
        case Hold():
            return _hold(life, ending.waiting_for, now_ms)
        case Released():
            return _release(life, ending, now_ms)
        case Stopped():
            return _stopped(life, ending.reason, now_ms)
        case _:
            assert_never(ending)


def _end(life: Life, state: JobState, now_ms: int, error: Json, result: Json = None) -> Life:
    # why: `replace` costs five times as much, and every job ends here.
    return Life(
        state=state,
        attempt=life.attempt,
        max_attempts=life.max_attempts,
        lease=life.lease,
        run_at_ms=life.run_at_ms,
        cancel_requested=life.cancel_requested,
        finished_at_ms=now_ms,
        result=result,
        error=error,
    )


def _stopped(life: Life, reason: str, now_ms: int) -> Step:
    error: JsonObject = {"code": "cancelled", "reason": reason}
    return Step(_end(life, JobState.CANCELLED, now_ms, error), AttemptEnd.CANCELLED, error)


def _retry(life: Life, retry: Retry, now_ms: int, delay_s: float) -> Step:
    error: JsonObject = {"code": retry.code, "reason": retry.reason, "attempt": life.attempt}
    if life.cancel_requested:
        return _stopped(life, "cancelled", now_ms)
    if life.attempt >= life.max_attempts:
        last: JsonObject = {
            "code": "attempts_exhausted",
            "reason": retry.reason,
            "cause": retry.code,
            "attempt": life.attempt,
        }
        return Step(_end(life, JobState.DEAD, now_ms, last), AttemptEnd.FAILED, error)
    wait_s = delay_s if retry.after_s is None else max(0.0, retry.after_s)
    until_ms = now_ms + round(wait_s * 1000)
    waiting = WaitingFor("time", "backoff", until_ms)
    after = replace(
        life, state=JobState.WAITING, waiting_for=waiting, run_at_ms=until_ms, error=error
    )
    return Step(after, AttemptEnd.RETRIED, error)


def _hold(life: Life, waiting: WaitingFor, now_ms: int) -> Step:
    if life.cancel_requested:
        return _stopped(life, "cancelled", now_ms)
    return Step(hold(life, waiting), AttemptEnd.HELD)


def hold(life: Life, waiting: WaitingFor) -> Life:
    """Put a claimed job back behind a named holder; the attempt does not count."""
    return replace(
        life,
        state=JobState.WAITING,
        waiting_for=waiting,
        attempt=max(0, life.attempt - 1),
    )


def _release(life: Life, released: Released, now_ms: int) -> Step:
    if life.cancel_requested:
        return _stopped(life, "cancelled", now_ms)
    kept = life.attempt if released.begun else life.attempt - 1
    # why: a shutdown is not the job's fault, so its last attempt is given back rather than lost.
    attempt = max(0, min(kept, life.max_attempts - 1))
    error: JsonObject = {"code": "released", "reason": released.reason}
    after = replace(life, state=JobState.QUEUED, waiting_for=None, attempt=attempt)
    return Step(after, AttemptEnd.RELEASED, error)


def lose(life: Life, now_ms: int) -> Step | None:
    """The worker is gone: ready again, unless cancelled or out of attempts."""
    if life.state is not JobState.RUNNING:
        return None
    error: JsonObject = {
        "code": "worker_lost",
        "reason": "the worker stopped reporting before the attempt ended",
        "attempt": life.attempt,
    }
    if life.cancel_requested:
        after = _end(life, JobState.CANCELLED, now_ms, error)
    elif life.attempt >= life.max_attempts:
        after = _end(life, JobState.DEAD, now_ms, error)
    else:
        after = replace(life, state=JobState.QUEUED, waiting_for=None, error=error)
    return Step(after, AttemptEnd.LOST, error)


def cancel(life: Life, reason: str, now_ms: int) -> Life | None:
    """Ended at once when it does not run, asked to stop when it does; None when it has ended."""
    if life.state in TERMINAL:
        return None
    if life.state is JobState.RUNNING:
        return replace(life, cancel_requested=True)
    return _end(life, JobState.CANCELLED, now_ms, {"code": "cancelled", "reason": reason})


def replay(life: Life, now_ms: int) -> Life | None:
    """The same job again with all its attempts; None when it has not ended yet."""
    if life.state not in TERMINAL:
        return None
    return Life(
        state=JobState.QUEUED,
        attempt=0,
        max_attempts=life.max_attempts,
        lease=life.lease,
        run_at_ms=now_ms,
    )


def promote(life: Life) -> Life | None:
    """What held the job is over: ready; None when it was not held."""
    if life.state is not JobState.WAITING:
        return None
    return replace(life, state=JobState.QUEUED, waiting_for=None)


def wait_for(life: Life, waiting: WaitingFor) -> Life | None:
    """Hold a job that does not run behind a named holder; None when it runs or has ended."""
    if life.state not in (JobState.QUEUED, JobState.WAITING):
        return None
    return replace(life, state=JobState.WAITING, waiting_for=waiting)


def ceiling(lane: Lane, capacity: int) -> int:
    """How many slots a lane and all less urgent ones may fill together; at least one."""
    return max(1, capacity - ceil(capacity * RESERVED_SHARE[lane]))


def next_lane(able: Sequence[Lane], owed: dict[Lane, int]) -> Lane:
    """Whose turn it is among lanes with work, most urgent first; changes what they are owed.

    Smooth weighted round robin: every lane gets its weight in credit, and the one with most pays
    the sum.
    """
    for lane in able:
        owed[lane] += LANE_WEIGHTS[lane]
    chosen = max(able, key=lambda lane: owed[lane])
    owed[chosen] -= sum(LANE_WEIGHTS[lane] for lane in able)
    return chosen


def split(
    capacity: int,
    running: Mapping[Lane, int],
    ready: Mapping[Lane, int],
    credit: Mapping[Lane, int],
) -> tuple[dict[Lane, int], dict[Lane, int]]:
    """Share the free slots out to the lanes that have ready work, by weight.

    Each slot goes to the next lane by `next_lane`. Credit is kept between calls, so that one slot
    at a time also comes round to bulk. Less urgent lanes leave a reserve of slots
    (`RESERVED_SHARE`) so that long bulk work never shuts urgent work out.
    """
    used = {lane: running.get(lane, 0) for lane in LANES}
    left = {lane: ready.get(lane, 0) for lane in LANES}
    owed = {lane: credit.get(lane, 0) if left[lane] else 0 for lane in LANES}
    taken = dict.fromkeys(LANES, 0)
    free = capacity - sum(used.values())
    while free > 0:
        able = [lane for lane in LANES if left[lane] and _room(lane, used, capacity) > 0]
        if not able:
            break
        if len(able) == 1:
            count = min(free, left[able[0]], _room(able[0], used, capacity))
            chosen = able[0]
        else:
            chosen = next_lane(able, owed)
            count = 1
        taken[chosen] += count
        used[chosen] += count
        left[chosen] -= count
        free -= count
    return taken, owed


def _room(lane: Lane, used: Mapping[Lane, int], capacity: int) -> int:
    """Slots this lane may still take under its own ceiling and those of more urgent lanes."""
    rank = LANES.index(lane)
    return min(
        ceiling(upper, capacity) - sum(used[lower] for lower in LANES[index:])
        for index, upper in enumerate(LANES[: rank + 1])
    )
