"""Routes of checklists: the known ones of a repository, one with its items, and a fresh reading.

A repository the caller may not see answers as one that does not exist.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, status

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import Cursor, Name, Owner, Require, Text, stored
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize
from hookyard.core.jobs.port import JobRequests
from hookyard.features.checklists.jobs import job_for
from hookyard.features.checklists.model import ChecklistFilter, Confidence
from hookyard.features.checklists.service import Checklists
from hookyard.features.checklists.views import (
    Accepted,
    ChecklistOut,
    SummaryPage,
    checklist_out,
    summary_out,
)
from hookyard.kit.errors import Forbidden, NotFound
from hookyard.kit.names import MAX_NUMBER
from hookyard.kit.pages import clamp_limit

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]


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
        cursor: Cursor = None,
        state: Annotated[Literal["open", "closed"] | None, Query()] = None,
        confidence: Annotated[Confidence | None, Query()] = None,
        author: Text = None,
        title: Text = None,
        gone: Annotated[bool | None, Query()] = None,
        empty: Annotated[bool | None, Query()] = None,
    ) -> SummaryPage:
        """Issues of a repository whose criteria are known, highest number first.

        `title` matches a part of the title in any case, `gone` those no longer on GitHub, `empty`
        those without a criterion.
        """
        name = visible(actor, owner, repo)
        size = clamp_limit(limit)
        wanted = ChecklistFilter(state, confidence, stored(author), stored(title), gone, empty)
        page = await database.read(
            lambda unit: checklists.list_page(unit, name, cursor, size, wanted)
        )
        return SummaryPage([summary_out(item) for item in page.items], page.next_cursor)

    @routes.get("/{number}")
    async def show_issue(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, reader]
    ) -> ChecklistOut:
        """One issue's criteria, how sure they are, and their comment."""
        name = visible(actor, owner, repo)
        view = await database.read(lambda unit: checklists.find(unit, name, number))
        if view is None:
            raise NotFound("no checklist is known for this issue")
        return checklist_out(view)

    @routes.post("/{number}/regenerate", status_code=status.HTTP_202_ACCEPTED)
    async def regenerate(
        owner: Owner, repo: Name, number: Number, actor: Annotated[Actor, writer]
    ) -> Accepted:
        """Read the issue from GitHub again and renew its comment."""
        name = visible(actor, owner, repo)
        decision = authorize(actor, Action.ISSUES_WRITE, Scope.of_repository(name, actor.tenant))
        if not decision.allowed:
            raise Forbidden(decision.reason)
        job = job_for(name, number, again=True)
        enqueued = await database.write(lambda unit: jobs.enqueue(unit, job))
        return Accepted("accepted", enqueued.job_id, enqueued.folded)

    return routes


def visible(actor: Actor, owner: str, repo: str) -> str:
    """The repository's name; NotFound unless the actor may read its issues."""
    name = f"{owner}/{repo}"
    scope = Scope.of_repository(name, actor.tenant)
    if not authorize(actor, Action.ISSUES_READ, scope).allowed:
        raise NotFound("there is no such repository")
    return name
