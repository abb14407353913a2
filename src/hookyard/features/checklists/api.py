"""Routes of checklists: the known ones of a repository, one with its items, and a fresh reading.

A repository the caller may not see answers as one that does not exist.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request, status

from hookyard.adapters.database.port import Database
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize
from hookyard.core.jobs.port import JobRequests
from hookyard.features.checklists.jobs import job_for
from hookyard.features.checklists.model import MAX_NUMBER, ChecklistSummary, Criterion
from hookyard.features.checklists.service import Checklists, ChecklistView
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Forbidden, NotFound
from hookyard.kit.pages import clamp_limit

Require: TypeAlias = Callable[[str], Callable[[Request], Awaitable[Actor]]]
Owner = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]


@dataclass(frozen=True, slots=True)
class ItemOut:
    """One criterion. `checked` is the author's claim, null where the form has no box."""

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: str
    author_id: str | None
    purpose: str
    waived: bool
    revision: int


@dataclass(frozen=True, slots=True)
class CommentOut:
    """The comment that lists the criteria: `state` is pending, landed or dead."""

    effect_id: str
    state: str
    url: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ChecklistOut:
    """An issue and its criteria."""

    repository: str
    number: int
    title: str
    confidence: str
    reason: str
    revision: int
    updated_at: str
    issue_updated_at: str
    items: list[ItemOut]
    comment: CommentOut | None


@dataclass(frozen=True, slots=True)
class SummaryOut:
    """An issue with a known checklist: how many criteria, how many of them ticked."""

    number: int
    title: str
    confidence: str
    revision: int
    criteria: int
    checked: int
    updated_at: str


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """A page of issues, highest number first."""

    items: list[SummaryOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job that does the work."""

    job_id: str
    folded: bool


def router(
    database: Database, checklists: Checklists, jobs: JobRequests, require: Require
) -> APIRouter:
    """The routes. `require(action)` is a dependency that gives the Actor or refuses."""
    routes = APIRouter(prefix="/api/repos/{owner}/{repo}/issues", tags=["issues"])
    reader = Depends(require(Action.ISSUES_READ))
    writer = Depends(require(Action.ISSUES_WRITE))

    @routes.get("")
    async def list_issues(
        owner: Owner,
        repo: Name,
        actor: Annotated[Actor, reader],
        limit: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> SummaryPage:
        """Issues of a repository whose criteria are known."""
        name = _visible(actor, owner, repo)
        size = clamp_limit(limit)
        page = await database.read(lambda unit: checklists.list_page(unit, name, cursor, size))
        return SummaryPage([_summary(item) for item in page.items], page.next_cursor)

    @routes.get("/{number}")
    async def show_issue(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, reader]
    ) -> ChecklistOut:
        """One issue's criteria, how sure they are, and their comment."""
        name = _visible(actor, owner, repo)
        view = await database.read(lambda unit: checklists.find(unit, name, number))
        if view is None:
            raise NotFound("no checklist is known for this issue")
        return _checklist(view)

    @routes.post("/{number}/regenerate", status_code=status.HTTP_202_ACCEPTED)
    async def regenerate(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, writer]
    ) -> Accepted:
        """Read the issue from GitHub again and renew its comment."""
        name = _visible(actor, owner, repo)
        decision = authorize(actor, Action.ISSUES_WRITE, Scope.of_repository(name, actor.tenant))
        if not decision.allowed:
            raise Forbidden(decision.reason)
        job = job_for(name, number, again=True)
        enqueued = await database.write(lambda unit: jobs.enqueue(unit, job))
        return Accepted(enqueued.job_id, enqueued.folded)

    return routes


def _visible(actor: Actor, owner: str, repo: str) -> str:
    name = f"{owner}/{repo}"
    scope = Scope.of_repository(name, actor.tenant)
    if not authorize(actor, Action.ISSUES_READ, scope).allowed:
        raise NotFound("there is no such repository")
    return name


def _summary(summary: ChecklistSummary) -> SummaryOut:
    return SummaryOut(
        number=summary.number,
        title=summary.title,
        confidence=summary.confidence.value,
        revision=summary.revision,
        criteria=summary.criteria,
        checked=summary.checked,
        updated_at=to_rfc3339(summary.updated_at_ms),
    )


def _checklist(view: ChecklistView) -> ChecklistOut:
    checklist = view.checklist
    return ChecklistOut(
        repository=checklist.repository,
        number=checklist.number,
        title=checklist.title,
        confidence=checklist.confidence.value,
        reason=checklist.reason,
        revision=checklist.revision,
        updated_at=to_rfc3339(checklist.updated_at_ms),
        issue_updated_at=to_rfc3339(checklist.issue_updated_at_ms),
        items=[_item(criterion) for criterion in checklist.criteria],
        comment=_comment(view),
    )


def _item(criterion: Criterion) -> ItemOut:
    return ItemOut(
        id=criterion.id,
        text=criterion.text,
        checked=criterion.checked,
        group=criterion.group,
        line=criterion.line,
        kind=criterion.kind.value,
        author_id=criterion.author_id,
        purpose=criterion.purpose.value,
        waived=criterion.waiver is not None,
        revision=criterion.revision,
    )


def _comment(view: ChecklistView) -> CommentOut | None:
    effect = view.comment
    if effect is None:
        return None
    return CommentOut(effect.id, effect.state.value, effect.url, effect.error)
