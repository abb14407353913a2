"""Routes of pull requests: the known ones, one with its verdict, look again, flag, explain.

A repository the caller may not see answers as one that does not exist.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.gate import (
    Cursor,
    Limit,
    Name,
    Owner,
    Require,
    allow,
    storable,
    visible,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.core.jobs.port import JobRequests
from hookyard.features.reviews.explain import explained
from hookyard.features.reviews.model import Flag
from hookyard.features.reviews.newjobs import pull_job
from hookyard.features.reviews.service import MAX_REASON, Reviews, ReviewView
from hookyard.features.reviews.views import (
    Accepted,
    ExplainOut,
    FlagOut,
    PullOut,
    SummaryPage,
    flag_out,
    pull_out,
    summary_out,
)
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound
from hookyard.kit.names import MAX_NUMBER
from hookyard.kit.pages import clamp_limit

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
CriterionQuery = Annotated[
    str | None, Query(pattern=r"^T[1-9][0-9]{0,8}$", description="Only this criterion.")
]
State = Annotated[Literal["open", "closed", "merged"] | None, Query()]


class FlagIn(BaseModel):
    """Why a commit may be merged. `force` flags it against its verdict, with a reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class _Ports:
    database: Database
    reviews: Reviews
    jobs: JobRequests
    audit: Audit
    clock: Clock


def router(
    database: Database,
    reviews: Reviews,
    jobs: JobRequests,
    audit: Audit,
    clock: Clock,
    require: Require,
) -> APIRouter:
    """The routes. Flags are written to the audit trail."""
    routes = APIRouter(prefix="/api/repos/{owner}/{repo}/prs", tags=["pull requests"])
    ports = _Ports(database, reviews, jobs, audit, clock)
    _reads(routes, ports, require)
    _changes(routes, ports, require)
    return routes


def _reads(routes: APIRouter, ports: _Ports, require: Require) -> None:
    reader = Depends(require(Action.REVIEWS_READ))

    @routes.get("")
    async def list_prs(
        owner: Owner,
        repo: Name,
        actor: Annotated[Actor, reader],
        state: State = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> SummaryPage:
        """Known pull requests, highest number first, with what their heads came to."""
        name = _visible(actor, owner, repo)
        page = await ports.database.read(
            lambda unit: ports.reviews.list_page(unit, name, state, cursor, clamp_limit(limit))
        )
        return SummaryPage([summary_out(item) for item in page.items], page.next_cursor)

    @routes.get("/{number}")
    async def show_pr(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, reader]
    ) -> PullOut:
        """One pull request: its issues, the verdict per criterion with evidence, history, check."""
        return pull_out(await _found(ports, _visible(actor, owner, repo), number))

    @routes.get("/{number}/explain")
    async def explain_pr(
        owner: Owner,
        repo: Name,
        number: Number,
        actor: Annotated[Actor, reader],
        criterion: CriterionQuery = None,
    ) -> ExplainOut:
        """Why its check is as it is, in sentences; about one criterion where that is named."""
        view = await _found(ports, _visible(actor, owner, repo), number)
        verdict = view.verdict
        return ExplainOut(
            number=number,
            head_sha=view.review.pull.head_sha,
            conclusion=None if verdict is None else verdict.conclusion,
            title="not judged yet" if verdict is None else verdict.title,
            lines=explained(view, criterion),
        )


def _changes(routes: APIRouter, ports: _Ports, require: Require) -> None:
    writer = Depends(require(Action.REVIEWS_WRITE))

    @routes.post("/{number}/revalidate", status_code=status.HTTP_202_ACCEPTED)
    async def revalidate(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, writer]
    ) -> Accepted:
        """Read the pull request from GitHub again, judge its head and write its check anew."""
        name = _visible(actor, owner, repo)
        allow(actor, Action.REVIEWS_WRITE, name)
        job = pull_job(name, number, cause=f"{actor.label} asked for it", again=True)
        enqueued = await ports.database.write(lambda unit: ports.jobs.enqueue(unit, job))
        return Accepted("accepted", enqueued.job_id, enqueued.folded)

    @routes.post("/{number}/flag_for_merge", status_code=status.HTTP_201_CREATED)
    async def flag_for_merge(
        owner: Owner,
        repo: Name,
        number: Number,
        actor: Annotated[Actor, writer],
        wanted: Annotated[FlagIn | None, Body()] = None,
    ) -> FlagOut:
        """Note that the head may be merged. 409 with the reasons where its verdict is no success;
        `force` takes the right reviews.force."""
        name = _visible(actor, owner, repo)
        wanted = wanted or FlagIn()
        allow(actor, Action.REVIEWS_FORCE if wanted.force else Action.REVIEWS_WRITE, name)
        flag = await ports.database.write(
            lambda unit: _flag(unit, ports, actor, name, number, wanted)
        )
        return flag_out(flag)


def _flag(unit: Unit, ports: _Ports, actor: Actor, name: str, number: int, wanted: FlagIn) -> Flag:
    now_ms, reason = ports.clock.now_ms(), storable(wanted.reason)
    flag = ports.reviews.flag(unit, name, number, actor.label, reason, now_ms, force=wanted.force)
    entry = AuditEntry(
        actor.label,
        "review.flag",
        f"{name}#{number}",
        reason=reason,
        detail={"head_sha": flag.head_sha, "forced": flag.forced},
        tenant=actor.tenant,
    )
    ports.audit.record(unit, entry, now_ms)
    return flag


async def _found(ports: _Ports, name: str, number: int) -> ReviewView:
    view = await ports.database.read(lambda unit: ports.reviews.find(unit, name, number))
    if view is None:
        raise NotFound("no such pull request is known")
    return view


def _visible(actor: Actor, owner: str, repo: str) -> str:
    name = f"{owner}/{repo}"
    visible(actor, Action.REVIEWS_READ, name, "repository")
    return name
