"""Leases over HTTP: agents in any language ask for work and report on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from starlette.requests import ClientDisconnect

from hookyard.core.identity.gate import Id, Require
from hookyard.core.identity.model import Action, Actor, ActorKind
from hookyard.core.identity.rules import scopes_for
from hookyard.core.jobs import leases_rules as rules
from hookyard.core.jobs.artifacts import ANYTHING, Artifacts
from hookyard.core.jobs.artifacts_api import ArtifactName, ArtifactOut, artifact_out
from hookyard.core.jobs.bounds import bounded
from hookyard.core.jobs.leases_desk import LeaseDesk
from hookyard.core.jobs.leases_model import Agent, Ask
from hookyard.core.jobs.leases_wire import (
    BeatOut,
    CompleteIn,
    FailIn,
    HeartbeatIn,
    LeaseIn,
    LeasesOut,
    LoggedOut,
    LogIn,
    ProgressIn,
    ReportedOut,
    answer_of,
    beat_out,
    ending_of,
    leases_out,
    lines_of,
    reported_out,
)
from hookyard.core.jobs.model import Hold, Job, Lane, WaitingFor
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, Invalid

Secrets: TypeAlias = Mapping[str, Mapping[str, str]]
HandOver: TypeAlias = Callable[[Actor, Sequence[Job]], Awaitable[Secrets]]
AGAIN_MS = 30_000


def router(
    desk: LeaseDesk, artifacts: Artifacts, clock: Clock, require: Require, hand_over: HandOver
) -> APIRouter:
    """The routes under /api/leases. `hand_over` says what each job just leased is given, by job."""
    routes = APIRouter(prefix="/api/leases", tags=["leases"])
    worker = Depends(require(Action.LEASES_WORK))
    _takes(routes, desk, clock, worker, hand_over)
    _reports(routes, desk, worker)
    _files(routes, desk, artifacts, worker)
    _ends(routes, desk, clock, worker)
    return routes


def _takes(
    routes: APIRouter, desk: LeaseDesk, clock: Clock, worker: object, hand_over: HandOver
) -> None:
    @routes.post("")
    async def lease_jobs(
        request: Request, actor: Annotated[Actor, worker], wanted: LeaseIn
    ) -> LeasesOut:
        """Lease jobs of some kinds; an empty list when none came within `wait_s` seconds."""
        agent = agent_of(actor, wanted.agent)
        ask = ask_of(wanted, agent, desk.leases.limits.lease_s)
        taken = await desk.lease(agent, ask, wanted.wait_s, request.is_disconnected)
        try:
            secrets = await hand_over(actor, taken.jobs)
        except HookyardError:
            await _give_back(desk, agent, taken.jobs, clock.now_ms() + AGAIN_MS)
            raise
        return leases_out(taken, secrets)

    @routes.post("/{job_id}/heartbeat")
    async def heartbeat_lease(
        actor: Annotated[Actor, worker], job_id: Id, said: HeartbeatIn
    ) -> BeatOut:
        """Keep a lease, and hear whether the job is to stop."""
        return beat_out(await desk.heartbeat(agent_of(actor), job_id, said.lease, said.lease_s))


async def _give_back(desk: LeaseDesk, agent: Agent, jobs: Sequence[Job], until_ms: int) -> None:
    """Put back what was leased and cannot be given what belongs to it, without counting."""
    hold = Hold(WaitingFor("time", "provider keys", until_ms))
    for job in jobs:
        with suppress(HookyardError):
            await desk.fail(agent, job.id, job.lease, hold)


def _reports(routes: APIRouter, desk: LeaseDesk, worker: object) -> None:
    @routes.post("/{job_id}/log")
    async def log_lease(actor: Annotated[Actor, worker], job_id: Id, said: LogIn) -> LoggedOut:
        """Append lines to the job's log: 4 kB a line, 10,000 lines a job."""
        lines = lines_of(said.lines)
        kept = await desk.log(agent_of(actor), job_id, said.lease, lines)
        return LoggedOut(kept, len(lines) - kept)

    @routes.post("/{job_id}/progress")
    async def progress_lease(
        actor: Annotated[Actor, worker], job_id: Id, said: ProgressIn
    ) -> LoggedOut:
        """Replace the job's progress."""
        bounded(said.progress, "progress", rules.MAX_PROGRESS)
        await desk.progress(agent_of(actor), job_id, said.lease, said.progress)
        return LoggedOut(1, 0)


def _files(routes: APIRouter, desk: LeaseDesk, artifacts: Artifacts, worker: object) -> None:
    @routes.post(
        "/{job_id}/artifacts/{name}",
        status_code=201,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def artifact_lease(
        request: Request,
        actor: Annotated[Actor, worker],
        job_id: Id,
        name: ArtifactName,
        lease: Annotated[int, Query(ge=1, le=2**53)],
    ) -> ArtifactOut:
        """Keep a file with the job. The same bytes again change nothing; other bytes under the
        name take its place."""
        job = await desk.held(agent_of(actor), job_id, lease)
        length = request.headers.get("content-length", "")
        kept = await artifacts.add(
            job,
            name,
            _chunks(request),
            content_type=request.headers.get("content-type", ANYTHING),
            expected_size=int(length) if length.isdecimal() and len(length) < 16 else None,
        )
        return artifact_out(job_id, kept)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives; Invalid when the caller leaves before its end."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise Invalid("the body ended early") from None


def _ends(routes: APIRouter, desk: LeaseDesk, clock: Clock, worker: object) -> None:
    @routes.post("/{job_id}/complete")
    async def complete_lease(
        actor: Annotated[Actor, worker], job_id: Id, said: CompleteIn
    ) -> ReportedOut:
        """The work is done. The result, and the effects that follow from it, are kept as one."""
        bounded(said.result, "result", rules.MAX_RESULT)
        job = await desk.complete(agent_of(actor), job_id, said.lease, answer_of(said))
        return reported_out(job)

    @routes.post("/{job_id}/fail")
    async def fail_lease(actor: Annotated[Actor, worker], job_id: Id, said: FailIn) -> ReportedOut:
        """The attempt failed; a job that was asked to stop is cancelled, whatever the class."""
        ending = ending_of(said, clock.now_ms())
        return reported_out(await desk.fail(agent_of(actor), job_id, said.lease, ending))


def agent_of(actor: Actor, name: str = "") -> Agent:
    """The caller as an agent: its key, its reach, what the key is restricted to."""
    is_key = actor.kind is ActorKind.API_KEY
    return Agent(
        key_id=actor.id if is_key else f"{actor.kind.value}.{actor.id}",
        name=name,
        reach=scopes_for(actor, Action.LEASES_WORK),
        kinds=actor.kinds,
        lanes=tuple(Lane(name) for name in actor.lanes),
        max_leases=actor.max_leases,
    )


def ask_of(wanted: LeaseIn, agent: Agent, lease_s: float) -> Ask:
    """What is asked for, completed by what the key is made for; Invalid when no kind is named."""
    kinds = tuple(dict.fromkeys(wanted.kinds or agent.kinds))
    if not kinds:
        raise Invalid("name the `kinds` to lease; only a key made for some may leave them out")
    lanes = tuple(dict.fromkeys(wanted.lanes or agent.lanes)) or tuple(Lane)
    return Ask(kinds, lanes, wanted.max, wanted.lease_s or lease_s)
