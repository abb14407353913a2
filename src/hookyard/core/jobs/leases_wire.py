"""Leases as they look on the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from hookyard.core.jobs import leases_rules as rules
from hookyard.core.jobs.bounds import bounded
from hookyard.core.jobs.leases_model import Answer, Beat, Line, Taken
from hookyard.core.jobs.model import Ending, Fail, Hold, Job, Lane, Retry, WaitingFor
from hookyard.core.jobs.redact import redact
from hookyard.core.jobs.store_cold import clip
from hookyard.core.jobs.views import instant
from hookyard.kit.clock import from_rfc3339, to_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.text import storable

MAX_LINES = 500
MAX_FIELDS = 16_000
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")]
Number = Annotated[int, Field(ge=1, le=2**53, description="The lease's number.")]
Seconds = Annotated[float, Field(ge=5, le=3600, allow_inf_nan=False)]
Said = Annotated[str, Field(max_length=16_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LeaseIn(_Body):
    """Ask for work: at most `max` jobs, waiting up to `wait_s` seconds for the first.

    `kinds` may be left out by a key that is made for some kinds. Without a heartbeat for `lease_s`
    seconds a job is given to somebody else. `agent` is a name for people to read.
    """

    kinds: Annotated[list[Word], Field(min_length=1, max_length=16)] | None = None
    lanes: Annotated[list[Lane], Field(min_length=1, max_length=4)] | None = None
    max: Annotated[int, Field(ge=1, le=50)] = 1
    wait_s: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 0.0
    lease_s: Seconds | None = None
    agent: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "agent"


class HeartbeatIn(_Body):
    """The attempt goes on. `lease_s` extends by other than what was asked for at first."""

    lease: Number
    lease_s: Seconds | None = None


class LineIn(_Body):
    """A line with a level and values of its own."""

    message: Said
    level: Literal["debug", "info", "warning", "error"] = "info"
    fields: dict[str, JsonValue] = Field(default_factory=dict)


class LogIn(_Body):
    """Lines for the job's log, plain or with a level; what looks like a credential is taken out."""

    lease: Number
    lines: Annotated[list[Said | LineIn], Field(min_length=1, max_length=MAX_LINES)]


class ProgressIn(_Body):
    """How far the attempt is: any JSON of at most 8 kB; it replaces what stood there."""

    lease: Number
    progress: JsonValue


class CompleteIn(_Body):
    """The work is done. `result` is any JSON of at most 256 kB.

    For agent.task, `summary` is a line and `comment` Markdown for the place the task came from.
    """

    lease: Number
    result: JsonValue = None
    summary: Annotated[str, Field(max_length=1_000)] | None = None
    comment: Annotated[str, Field(max_length=60_000)] | None = None


class FailIn(_Body):
    """The attempt failed: `retry` (after `after_s`, or with growing pauses), `dead` for good, or
    `hold` until an instant without counting the attempt."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    lease: Number
    kind: Annotated[Literal["retry", "dead", "hold"], Field(alias="class")] = "retry"
    reason: Annotated[str, Field(min_length=1, max_length=4_000)]
    code: Word = "failed"
    after_s: Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)] | None = None
    until: Annotated[str, Field(max_length=40)] | None = None


@dataclass(frozen=True, slots=True)
class LeaseOut:
    """A leased job. Name `lease` in every report; send the next heartbeat before `heartbeat_by`;
    the attempt is over at `ends_by`. `secrets` are the provider keys it is given: values by name.
    """

    job: str
    lease: int
    heartbeat_by: str
    ends_by: str
    payload: dict[str, object]
    kind: str
    version: int
    lane: Literal["critical", "high", "default", "bulk"]
    priority: int
    key: str | None
    attempt: int
    max_attempts: int
    created_at: str
    repository: str | None
    delivery_id: str | None
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LeasesOut:
    """What was leased; when it is less than asked for, `held_by` says what limit is used up."""

    leases: list[LeaseOut]
    held_by: str | None


@dataclass(frozen=True, slots=True)
class BeatOut:
    """When the next heartbeat is due, and whether somebody wants the attempt to stop.

    Once stop is wanted, the lease is not extended any more.
    """

    heartbeat_by: str
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """How many lines were kept; the others came after the log was full."""

    kept: int
    dropped: int


@dataclass(frozen=True, slots=True)
class ReportedOut:
    """The job after a report."""

    job: str
    state: Literal["queued", "running", "waiting", "succeeded", "dead", "cancelled"]
    attempt: int
    run_at: str | None


def leases_out(taken: Taken, secrets: Mapping[str, Mapping[str, str]]) -> LeasesOut:
    """What a request got, on the wire; `secrets` by job."""
    leases = [lease_out(job, secrets.get(job.id, {})) for job in taken.jobs]
    return LeasesOut(leases, taken.held_by)


def lease_out(job: Job, secrets: Mapping[str, str]) -> LeaseOut:
    """A lease on the wire."""
    return LeaseOut(
        job=job.id,
        lease=job.lease,
        heartbeat_by=to_rfc3339(job.leased_until_ms or 0),
        ends_by=to_rfc3339(rules.deadline_ms(job)),
        payload=dict(job.payload),
        kind=job.kind,
        version=job.version,
        lane=job.lane.value,
        priority=job.priority,
        key=job.key,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        created_at=to_rfc3339(job.created_at_ms),
        repository=job.repository,
        delivery_id=job.delivery_id,
        secrets=dict(secrets),
    )


def beat_out(beat: Beat) -> BeatOut:
    """A heartbeat's answer on the wire."""
    return BeatOut(to_rfc3339(beat.heartbeat_by_ms), beat.cancel_requested)


def reported_out(job: Job) -> ReportedOut:
    """A job after a report, on the wire."""
    due = job.waiting_for.until_ms if job.waiting_for is not None else None
    return ReportedOut(job.id, job.state.value, job.attempt, instant(due))


def lines_of(said: Sequence[str | LineIn]) -> list[Line]:
    """The lines of a request; Invalid for fields the ledger cannot keep."""
    lines: list[Line] = []
    for line in said:
        if isinstance(line, str):
            lines.append(Line(line))
        else:
            bounded(line.fields, "line's fields", MAX_FIELDS)
            lines.append(Line(line.message, line.level, line.fields))
    return lines


def answer_of(said: CompleteIn) -> Answer:
    """What the agent says it did."""
    return Answer(said.result, _text(said.summary), _text(said.comment))


def ending_of(said: FailIn, now_ms: int) -> Ending:
    """How the attempt ended; Invalid for an instant that is none, past, or too far away."""
    reason = clip(redact(said.reason), 1_000)
    if (said.until is not None) != (said.kind == "hold"):
        raise Invalid("`until` belongs to the class hold, and hold needs it")
    if said.after_s is not None and said.kind != "retry":
        raise Invalid("`after_s` belongs to the class retry")
    if said.kind == "dead":
        return Fail(reason, said.code)
    if said.until is None:
        return Retry(reason, said.after_s, said.code)
    try:
        until_ms = from_rfc3339(said.until)
    except (ValueError, OverflowError):
        raise Invalid("`until` must be RFC 3339 with a zone, as 2026-01-31T12:00:00Z") from None
    if not now_ms < until_ms <= now_ms + rules.MAX_HOLD_MS:
        raise Invalid("`until` must lie in the next 30 days")
    return Hold(WaitingFor("time", "hold", until_ms))


def _text(text: str | None) -> str | None:
    return None if text is None else storable(text)
