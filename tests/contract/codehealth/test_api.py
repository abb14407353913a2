"""The routes of code health: shapes, pages, rights."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.core.identity.rules import may_somewhere
from hookyard.features.codehealth.api import router
from hookyard.kit.errors import Forbidden, HookyardError

from .conftest import REPOSITORY, Stage, finding

GRANTS = {
    "viewer": Grant(Role.VIEWER),
    "worker": Grant(Role.WORKER),
    "theirs": Grant(Role.VIEWER, Scope.of_repository("acme/other")),
}


def require(action: str) -> Callable[[Request], Awaitable[Actor]]:
    async def actor_of(request: Request) -> Actor:
        name = request.headers.get("x-test-actor", "viewer")
        actor = Actor(ActorKind.API_KEY, name, "default", (GRANTS[name],))
        if not may_somewhere(actor, action).allowed:
            raise Forbidden
        return actor

    return actor_of


async def as_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HookyardError)
    return JSONResponse({"code": error.problem_code}, error.status)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(router(stage.database, stage.health, require))
    app.add_exception_handler(HookyardError, as_problem)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_a_pull_request_shows_its_health(stage: Stage, client: httpx2.AsyncClient) -> None:
    await stage.report(stage.base(), [finding(1)])
    number, sha = stage.pull()
    await stage.report(sha, [finding(1), finding(2, rule="E2"), 7], pulls=(number,))
    answer = await client.get(f"/api/repos/{REPOSITORY}/prs/{number}/health")
    assert answer.status_code == 200
    shown = answer.json()
    found = shown["assessment"]
    assert (found["new"], found["carried"], found["conclusion"]) == (1, 1, "failure")
    assert found["base"] == {"how": "base", "sha": stage.base(), "asked": stage.base(), "away": 0}
    assert found["score"] == 70.0
    (report,) = shown["reports"]
    assert report["notes"] == [
        {"code": "entry_not_object", "count": 1, "example": "7", "lost": True}
    ]
    assert [one["standing"] for one in shown["findings"]] == ["new", "carried"]
    only = await client.get(
        f"/api/repos/{REPOSITORY}/prs/{number}/health", params={"standing": "new"}
    )
    assert [one["rule"] for one in only.json()["findings"]] == ["E2"]


async def test_the_history_is_paged(stage: Stage, client: httpx2.AsyncClient) -> None:
    await stage.report(stage.base(), [finding(1)])
    number, sha = stage.pull()
    await stage.report(sha, [], pulls=(number,))
    url = f"/api/repos/{REPOSITORY}/health"
    first = (await client.get(url, params={"limit": 1})).json()
    second = (await client.get(url, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    shown = [item["number"] for page in (first, second) for item in page["items"]]
    assert (shown, second["next_cursor"]) == ([number, None], None)
    mine = (await client.get(url, params={"number": number})).json()
    assert [item["fixed"] for item in mine["items"]] == [1]
    assert (await client.get(url, params={"cursor": "x"})).json() == {"code": "bad_cursor"}


async def test_what_is_foreign_looks_as_if_it_were_not_there(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    number, sha = stage.pull()
    await stage.report(sha, [], pulls=(number,))
    url = f"/api/repos/{REPOSITORY}/prs/{number}/health"
    theirs = await client.get(url, headers={"x-test-actor": "theirs"})
    missing = await client.get(f"/api/repos/{REPOSITORY}/prs/999/health")
    assert (theirs.status_code, theirs.json()) == (missing.status_code, missing.json())
    worker = await client.get(url, headers={"x-test-actor": "worker"})
    assert worker.status_code == 403
    history = f"/api/repos/{REPOSITORY}/health"
    hidden = await client.get(history, headers={"x-test-actor": "theirs"})
    assert hidden.status_code == 404
