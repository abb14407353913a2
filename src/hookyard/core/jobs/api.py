"""Jobs over HTTP: list, look, follow the log, start, replay, cancel."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.service import Audit
from hookyard.core.identity.gate import (
    Cursor,
    Id,
    IdQuery,
    Limit,
    RepositoryName,
    RepositoryQuery,
    Require,
    Text,
    allow,
    may,
    stored,
    visible,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.core.jobs.bounds import check_kept
from hookyard.core.jobs.explain import explain
from hookyard.core.jobs.log_archive import JobLogs
from hookyard.core.jobs.model import Job, JobFilter, JobState, KeyPolicy, Lane, NewJob
from hookyard.core.jobs.service import Ledger
from hookyard.core.jobs.views import (
    JobDetailOut,
    JobOut,
    JobsOut,
    LogOut,
    ReplayedOut,
    StartedOut,
    detail_out,
    job_out,
    line_out,
)
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.errors import Forbidden, Invalid
from hookyard.kit.pages import clamp_limit

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")]
Key = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
MAX_DEPTH = 64


class NewJobIn(BaseModel):
    """Work to start. `run_at` is RFC 3339; without it the job is ready at once.

    A kind that is unknown here waits for an agent that leases it; `version` is the schema of its
    payload, `timeout_s` how long an attempt may run.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Word
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    lane: Lane | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    key: Key | None = None
    policy: KeyPolicy | None = None
    run_at: Annotated[str, Field(max_length=40)] | None = None
    max_attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    timeout_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    repository: RepositoryName | None = None


class ReplayFilter(BaseModel):
    """Which ended jobs to run again: dead ones unless a state is named."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["dead", "cancelled", "succeeded"] = "dead"
    kind: Word | None = None
    lane: Lane | None = None
    key: Key | None = None
    repository: RepositoryName | None = None
    delivery_id: Annotated[str, Field(pattern=r"^[0-9a-hjkmnp-tv-z]{26}$")] | None = None

    def wanted(self) -> JobFilter:
        """The ledger's filter."""
        return JobFilter(
            JobState(self.state), self.kind, self.lane, self.key, self.repository, self.delivery_id
        )


class ReplayManyIn(BaseModel):
    """A filter, and how many jobs at most; the oldest go first."""

    model_config = ConfigDict(extra="forbid")

    filter: ReplayFilter
    limit: Annotated[int, Field(ge=1, le=500)] = 100


def job_filter(
    state: Annotated[JobState | None, Query()] = None,
    kind: Text = None,
    lane: Annotated[Lane | None, Query()] = None,
    key: Text = None,
    repository: RepositoryQuery = None,
    delivery_id: IdQuery = None,
) -> JobFilter:
    """Which jobs a list shows."""
    return JobFilter(state, stored(kind), lane, stored(key), repository, delivery_id)


def router(
    database: Database,
    ledger: Ledger,
    logs: JobLogs,
    audit: Audit,
    require: Require,
    narrow_kinds: frozenset[str] = frozenset(),
) -> APIRouter:
    """The routes under /api/jobs. What changes something is written to the audit trail.

    `narrow_kinds` are those that a key for some repositories may start.
    """
    routes = APIRouter(prefix="/api/jobs", tags=["jobs"])
    _lists(routes, database, ledger, require)
    _looks(routes, database, ledger, logs, require)
    _starts(routes, database, ledger, audit, require, narrow_kinds)
    _changes(routes, database, ledger, audit, require)
    return routes


def _lists(routes: APIRouter, database: Database, ledger: Ledger, require: Require) -> None:
    @routes.get("")
    async def list_jobs(
        actor: Annotated[Actor, Depends(require(Action.JOBS_READ))],
        wanted: Annotated[JobFilter, Depends(job_filter)],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> JobsOut:
        """Jobs, newest first. A key that reaches only some repositories must name one."""
        allow(actor, Action.JOBS_READ, wanted.repository)
        page = await database.read(
            lambda unit: ledger.list(unit, wanted, cursor, clamp_limit(limit))
        )
        return JobsOut([job_out(job) for job in page.items], page.next_cursor)


def _looks(
    routes: APIRouter, database: Database, ledger: Ledger, logs: JobLogs, require: Require
) -> None:
    reader = Depends(require(Action.JOBS_READ))

    @routes.get("/{job_id}")
    async def get_job(actor: Annotated[Actor, reader], job_id: Id) -> JobDetailOut:
        """A job with its payload, its ended attempts and what holds it."""

        def look(unit: Unit) -> JobDetailOut:
            job = _seen(actor, Action.JOBS_READ, ledger.get(unit, job_id))
            why = explain(unit, job, ledger.clock.now_ms())
            return detail_out(job, ledger.attempts(unit, job_id), why)

        return await database.read(look)

    @routes.get("/{job_id}/log")
    async def get_job_log(
        actor: Annotated[Actor, reader], job_id: Id, cursor: Cursor = None, limit: Limit = None
    ) -> LogOut:
        """The job's log, oldest line first."""

        page = await logs.page(
            job_id, cursor, limit, lambda job: _seen(actor, Action.JOBS_READ, job)
        )
        return LogOut([line_out(line) for line in page.items], page.next_cursor)


def _starts(
    routes: APIRouter,
    database: Database,
    ledger: Ledger,
    audit: Audit,
    require: Require,
    narrow_kinds: frozenset[str],
) -> None:
    writer = Depends(require(Action.JOBS_WRITE))

    @routes.post("", status_code=202)
    async def start_job(actor: Annotated[Actor, writer], wanted: NewJobIn) -> StartedOut:
        """Start work of a kind. A kind no worker knows waits and says so."""
        allow(actor, Action.JOBS_WRITE, wanted.repository)
        if not may(actor, Action.JOBS_WRITE, None):
            check_narrow(wanted, narrow_kinds)
        job = _new_job(wanted)
        _check_restricted(actor, job)

        def start(unit: Unit) -> StartedOut:
            made = ledger.enqueue(unit, job)
            audit.done(
                unit,
                actor.label,
                "jobs.start",
                f"job:{made.job_id}",
                ledger.clock.now_ms(),
                actor.tenant,
            )
            return StartedOut(made.job_id, made.folded)

        return await database.write(start)

    @routes.post("/replay", status_code=202)
    async def replay_jobs(actor: Annotated[Actor, writer], wanted: ReplayManyIn) -> ReplayedOut:
        """Run ended jobs again that match a filter, at most `limit` of them."""
        chosen = wanted.filter.wanted()
        allow(actor, Action.JOBS_WRITE, chosen.repository)

        def again(unit: Unit) -> ReplayedOut:
            now_ms = ledger.clock.now_ms()
            ids = list(ledger.replay_many(unit, chosen, wanted.limit))
            for job_id in ids:
                audit.done(unit, actor.label, "jobs.replay", f"job:{job_id}", now_ms, actor.tenant)
            return ReplayedOut([str(job_id) for job_id in ids])

        return await database.write(again)


def _changes(
    routes: APIRouter, database: Database, ledger: Ledger, audit: Audit, require: Require
) -> None:
    writer = Depends(require(Action.JOBS_WRITE))
    canceller = Depends(require(Action.JOBS_CANCEL))

    @routes.post("/{job_id}/replay", status_code=202)
    async def replay_job(actor: Annotated[Actor, writer], job_id: Id) -> JobOut:
        """Run an ended job again under the same id; one that has not ended stays as it is."""

        def again(unit: Unit) -> JobOut:
            _seen(actor, Action.JOBS_WRITE, ledger.get(unit, job_id))
            audit.done(
                unit,
                actor.label,
                "jobs.replay",
                f"job:{job_id}",
                ledger.clock.now_ms(),
                actor.tenant,
            )
            return job_out(ledger.replay(unit, job_id))

        return await database.write(again)

    @routes.post("/{job_id}/cancel", status_code=202)
    async def cancel_job(actor: Annotated[Actor, canceller], job_id: Id) -> JobOut:
        """Cancel at once what does not run; ask what runs to stop."""

        def cancel(unit: Unit) -> JobOut:
            _seen(actor, Action.JOBS_CANCEL, ledger.get(unit, job_id))
            audit.done(
                unit,
                actor.label,
                "jobs.cancel",
                f"job:{job_id}",
                ledger.clock.now_ms(),
                actor.tenant,
            )
            return job_out(ledger.cancel(unit, job_id, f"cancelled by {actor.label}"))

        return await database.write(cancel)


def _check_restricted(actor: Actor, job: NewJob) -> None:
    """Forbidden for a key that is made for other kinds or lanes."""
    if actor.kinds and job.kind not in actor.kinds:
        raise Forbidden(f"this key starts only {', '.join(actor.kinds)}, not {job.kind}")
    if actor.lanes and (job.lane is None or job.lane.value not in actor.lanes):
        raise Forbidden(f"this key must name a lane of {', '.join(actor.lanes)}")


def check_narrow(wanted: NewJobIn, kinds: frozenset[str]) -> None:
    """Forbidden unless the job can touch nothing but its own repository.

    # why: a payload names what a handler works on, and a key whom a job may displace; both could
    # reach past the repositories a narrow key is for.
    """
    own = (wanted.repository or "").lower()
    if wanted.kind not in kinds:
        raise Forbidden(f"a key for some repositories cannot start {wanted.kind}")
    if str(wanted.payload.get("repository", own)).lower() != own:
        raise Forbidden("the payload names another repository than the job")
    if wanted.key is not None and wanted.key.lower().partition("#")[0] != own:
        raise Forbidden("the key must begin with the repository, as in octo/garden#1")


def _seen(actor: Actor, action: str, job: Job) -> Job:
    visible(actor, action, job.repository, "job")
    return job


def _new_job(wanted: NewJobIn) -> NewJob:
    run_at_ms = None
    if wanted.run_at is not None:
        try:
            run_at_ms = from_rfc3339(wanted.run_at)
        except (ValueError, OverflowError):
            raise Invalid("run_at must be RFC 3339 with a zone, as 2026-01-31T12:00:00Z") from None
    check_kept(wanted.payload, "payload", MAX_DEPTH)
    return NewJob(
        wanted.kind,
        wanted.payload,
        lane=wanted.lane,
        priority=wanted.priority,
        key=wanted.key,
        policy=wanted.policy,
        run_at_ms=run_at_ms,
        max_attempts=wanted.max_attempts,
        timeout_s=wanted.timeout_s,
        version=wanted.version,
        repository=wanted.repository,
    )
