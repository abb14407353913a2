"""Routes of test runs: attempts with their reports and problems, cases, and unsteady cases.

A repository the caller may not see answers as one that does not exist. Names in answers are what
strangers wrote: whoever shows them escapes them.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import Cursor, Name, Owner, Require, repository_of
from hookyard.core.identity.model import Action, Actor
from hookyard.features.testruns.model import MAX_RUN_ID, Outcome, Report, Run
from hookyard.features.testruns.rules import Nature
from hookyard.features.testruns.service import CaseFilter, TestRuns
from hookyard.features.testruns.shapes import (
    CasePage,
    RunDetail,
    RunPage,
    UnsteadyOut,
    UnsteadyPage,
    show_case,
    show_report,
    show_run,
    show_unsteady,
)
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound
from hookyard.kit.pages import clamp_limit

RunId = Annotated[int, Path(ge=1, le=MAX_RUN_ID)]
Sha = Annotated[str | None, Query(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Attempt = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
Limit = Annotated[int | None, Query()]
CaseKey = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


def router(database: Database, runs: TestRuns, clock: Clock, require: Require) -> APIRouter:
    """The routes. `require(action)` is a dependency that gives the Actor or refuses."""
    routes = APIRouter(prefix="/api/repos/{owner}/{repo}", tags=["test runs"])
    _run_routes(routes, database, runs, require)
    _unsteady_routes(routes, database, runs, clock, require)
    return routes


def _run_routes(routes: APIRouter, database: Database, runs: TestRuns, require: Require) -> None:
    reader = Depends(require(Action.TESTS_READ))

    @routes.get("/runs")
    async def list_runs(
        owner: Owner,
        repo: Name,
        actor: Annotated[Actor, reader],
        sha: Sha = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> RunPage:
        """Attempts of workflow runs whose results were read, newest first; of one commit."""
        name, size = repository_of(actor, Action.TESTS_READ, owner, repo), clamp_limit(limit)
        page = await database.read(lambda unit: runs.list_runs(unit, name, sha, cursor, size))
        return RunPage([show_run(run) for run in page.items], page.next_cursor)

    @routes.get("/runs/{run_id}")
    async def show_one(
        owner: Owner,
        repo: Name,
        run_id: RunId,
        actor: Annotated[Actor, reader],
        attempt: Attempt = None,
    ) -> RunDetail:
        """An attempt of a run, or its newest, with every report and problem."""
        run, reports = await found(
            repository_of(actor, Action.TESTS_READ, owner, repo), run_id, attempt
        )
        return RunDetail(show_run(run), [show_report(report) for report in reports])

    @routes.get("/runs/{run_id}/cases")
    async def list_cases(
        owner: Owner,
        repo: Name,
        run_id: RunId,
        actor: Annotated[Actor, reader],
        attempt: Attempt = None,
        outcome: Annotated[Outcome | None, Query()] = None,
        flaky: Annotated[bool | None, Query()] = None,
        criterion: Annotated[str | None, Query(pattern=r"^T[1-9][0-9]{0,3}$")] = None,
        report: Annotated[str | None, Query(max_length=40, pattern=r"^[0-9a-z]+$")] = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> CasePage:
        """Cases of an attempt that name criteria, or that did not simply pass."""
        run, _ = await found(repository_of(actor, Action.TESTS_READ, owner, repo), run_id, attempt)
        wanted, size = CaseFilter(outcome, flaky, criterion, report), clamp_limit(limit)
        page = await database.read(lambda unit: runs.list_cases(unit, run.id, wanted, cursor, size))
        return CasePage([show_case(case) for case in page.items], page.next_cursor)

    async def found(name: str, run_id: int, attempt: int | None) -> tuple[Run, tuple[Report, ...]]:
        one = await database.read(lambda unit: runs.find(unit, name, run_id, attempt))
        if one is None:
            raise NotFound("no results of such a run are known")
        return one


def _unsteady_routes(
    routes: APIRouter, database: Database, runs: TestRuns, clock: Clock, require: Require
) -> None:
    reader = Depends(require(Action.TESTS_READ))

    @routes.get("/unsteady")
    async def list_unsteady(
        owner: Owner,
        repo: Name,
        actor: Annotated[Actor, reader],
        nature: Annotated[Nature | None, Query()] = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> UnsteadyPage:
        """Cases that failed in the last 90 days: flaky, broken, failing, or steady again."""
        name, size = repository_of(actor, Action.TESTS_READ, owner, repo), clamp_limit(limit)
        page = await database.read(
            lambda unit: runs.list_unsteady(unit, name, nature, cursor, size, clock.now_ms())
        )
        return UnsteadyPage([show_unsteady(*one) for one in page.items], page.next_cursor)

    @routes.get("/unsteady/{case_key}")
    async def show_history(
        owner: Owner, repo: Name, case_key: CaseKey, actor: Annotated[Actor, reader]
    ) -> UnsteadyOut:
        """What one such case did on each commit, newest first."""
        name = repository_of(actor, Action.TESTS_READ, owner, repo)
        one = await database.read(lambda unit: runs.history(unit, name, case_key))
        if one is None:
            raise NotFound("no failure of such a case is known")
        return show_unsteady(*one)
