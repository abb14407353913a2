"""Jobs as they look on the wire; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from hookyard.core.jobs.explain import Explanation
from hookyard.core.jobs.model import Attempt, Enqueued, Job, LogLine, WaitingFor
from hookyard.core.jobs.why import why_waiting
from hookyard.kit.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job that does the work. `folded`: it was waiting already."""

    status: Literal["accepted"]
    job_id: str
    folded: bool


@dataclass(frozen=True, slots=True)
class WaitingOut:
    """What holds a job: time, key, breaker, limit, pause, kind or lane; by whom; until when."""

    what: str
    holder: str | None
    until: str | None


@dataclass(frozen=True, slots=True)
class JobOut:
    """A job. Instants are RFC 3339 in UTC; `why` says in words why it does not run now."""

    id: str
    kind: str
    lane: Literal["critical", "high", "default", "bulk"]
    priority: int
    key: str | None
    state: Literal["queued", "running", "waiting", "succeeded", "dead", "cancelled"]
    attempt: int
    max_attempts: int
    lease: int
    created_at: str
    run_at: str
    started_at: str | None
    finished_at: str | None
    waiting_for: WaitingOut | None
    why: str
    delivery_id: str | None
    repository: str | None
    progress: object
    result: object
    error: object


@dataclass(frozen=True, slots=True)
class AttemptOut:
    """One ended run of a job."""

    attempt: int
    lease: int
    worker: str | None
    started_at: str | None
    finished_at: str
    outcome: str
    error: object


@dataclass(frozen=True, slots=True)
class JobDetailOut(JobOut):
    """A job with its payload and every attempt that ended."""

    payload: dict[str, object]
    attempts: list[AttemptOut]


@dataclass(frozen=True, slots=True)
class StartedOut:
    """The job that does the work; `folded` when it was there already."""

    job_id: str
    folded: bool


@dataclass(frozen=True, slots=True)
class ReplayedOut:
    """The jobs that were queued again, oldest first."""

    ids: list[str]


@dataclass(frozen=True, slots=True)
class LogLineOut:
    """One line of a job's log."""

    seq: int
    attempt: int
    at: str
    level: str
    message: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class JobsOut:
    """A page of jobs, newest first."""

    items: list[JobOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class LogOut:
    """A page of log lines, oldest first."""

    items: list[LogLineOut]
    next_cursor: str | None


def instant(ms: int | None) -> str | None:
    """RFC 3339, or None."""
    return None if ms is None else to_rfc3339(ms)


def detail_out(job: Job, attempts: Sequence[Attempt], why: Explanation) -> JobDetailOut:
    """A job on the wire with its payload, its history and all that is known of its waiting."""
    plain = replace(job_out(job), waiting_for=waiting_out(why.waiting_for), why=why.why)
    same = {item.name: getattr(plain, item.name) for item in fields(plain)}
    return JobDetailOut(
        **same,
        payload=dict(job.payload),
        attempts=[attempt_out(attempt) for attempt in attempts],
    )


def job_out(job: Job) -> JobOut:
    """A job on the wire."""
    return JobOut(
        id=job.id,
        kind=job.kind,
        lane=job.lane.value,
        priority=job.priority,
        key=job.key,
        state=job.state.value,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        lease=job.lease,
        created_at=to_rfc3339(job.created_at_ms),
        run_at=to_rfc3339(job.run_at_ms),
        started_at=instant(job.started_at_ms),
        finished_at=instant(job.finished_at_ms),
        waiting_for=waiting_out(job.waiting_for),
        why=why_waiting(job),
        delivery_id=job.delivery_id,
        repository=job.repository,
        progress=job.progress,
        result=job.result,
        error=job.error,
    )


def waiting_out(waiting: WaitingFor | None) -> WaitingOut | None:
    """What holds a job, on the wire."""
    if waiting is None:
        return None
    return WaitingOut(waiting.what, waiting.holder, instant(waiting.until_ms))


def attempt_out(attempt: Attempt) -> AttemptOut:
    """An attempt on the wire."""
    return AttemptOut(
        attempt=attempt.attempt,
        lease=attempt.lease,
        worker=attempt.worker,
        started_at=instant(attempt.started_at_ms),
        finished_at=to_rfc3339(attempt.finished_at_ms),
        outcome=attempt.outcome,
        error=attempt.error,
    )


def line_out(line: LogLine) -> LogLineOut:
    """A log line on the wire."""
    return LogLineOut(
        line.seq, line.attempt, to_rfc3339(line.at_ms), line.level, line.message, dict(line.fields)
    )


def accepted(enqueued: Enqueued) -> Accepted:
    """The answer to a request that a job will fulfil."""
    return Accepted("accepted", enqueued.job_id, enqueued.folded)
