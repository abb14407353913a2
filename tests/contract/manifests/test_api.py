"""The route of manifests: the stored bytes, by commit, to those who may see the repository."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.core.identity.rules import may_somewhere
from hookyard.features.manifests.api import router
from hookyard.features.manifests.store import KEPT
from hookyard.kit.errors import Forbidden, HookyardError
from hookyard.kit.json import JsonObject

from .conftest import REPOSITORY, Stage

URL = f"/api/repos/{REPOSITORY}/prs"
GRANTS = {
    "viewer": Grant(Role.VIEWER),
    "worker": Grant(Role.WORKER),
    "ours": Grant(Role.VIEWER, Scope.of_repository(REPOSITORY)),
    "theirs": Grant(Role.VIEWER, Scope.of_repository("other/repo")),
}


def document(head: str, number: int = 7) -> JsonObject:
    return {
        "repository": REPOSITORY,
        "pull_request": number,
        "head": head,
        "base": "b" * 40,
        "measured": {"files": 2, "measured": 1},
        "gaps": [1, 2],
        "suggestions": [],
        "text": "ü",
    }


def require(action: str) -> Callable[[Request], Awaitable[Actor]]:
    async def actor_of(request: Request) -> Actor:
        name = request.headers.get("x-test-actor", "viewer")
        actor = Actor(ActorKind.API_KEY, name, "default", (GRANTS[name],))
        decision = may_somewhere(actor, action)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        return actor

    return actor_of


async def as_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HookyardError)
    return JSONResponse({"code": error.problem_code}, error.status)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(router(stage.database, stage.manifests, require))
    app.add_exception_handler(HookyardError, as_problem)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def store(stage: Stage, head: str, at_ms: int, number: int = 7) -> None:
    await stage.database.write(
        lambda unit: stage.manifests.record(unit, document(head, number), at_ms)
    )


async def test_the_newest_and_a_named_commit_are_shown(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    await store(stage, "a" * 40, 1_000)
    await store(stage, "c" * 40, 2_000)
    newest = await client.get(f"{URL.lower()}/7/manifest")
    named = await client.get(f"{URL}/7/manifest", params={"sha": "a" * 40})
    assert (newest.status_code, newest.json()["head"]) == (200, "c" * 40)
    assert (named.status_code, named.json()["head"]) == (200, "a" * 40)
    assert newest.headers["content-type"] == "application/json"
    tag = {"if-none-match": newest.headers["etag"]}
    assert (await client.get(f"{URL}/7/manifest", headers=tag)).status_code == 304


@pytest.mark.parametrize(
    ("actor", "path", "status"),
    [
        ("viewer", "/7/manifest", 200),
        ("ours", "/7/manifest", 200),
        ("theirs", "/7/manifest", 404),
        ("worker", "/7/manifest", 403),
        ("viewer", "/8/manifest", 404),
        ("viewer", "/0/manifest", 422),
        ("viewer", "/7/manifest?sha=short", 422),
        ("viewer", f"/7/manifest?sha={'0' * 40}", 404),
    ],
)
async def test_who_may_see_what(
    stage: Stage, client: httpx2.AsyncClient, actor: str, path: str, status: int
) -> None:
    await store(stage, "a" * 40, 1_000)
    answer = await client.get(f"{URL}{path}", headers={"x-test-actor": actor})
    assert answer.status_code == status


async def test_old_commits_make_room_for_new_ones(stage: Stage) -> None:
    for at in range(KEPT + 3):
        await store(stage, f"{at:040}", 1_000 + at)
    await store(stage, "a" * 40, 5, number=8)
    assert await stage.kept(7, f"{0:040}") is None
    assert await stage.kept(7, f"{2:040}") is None
    assert await stage.kept(7, f"{3:040}") is not None
    assert await stage.kept(8) is not None


async def test_a_commit_is_stored_once(stage: Stage) -> None:
    await store(stage, "a" * 40, 1_000)
    await store(stage, "a" * 40, 2_000)
    kept = await stage.kept(7)
    assert kept is not None
    assert (kept.created_at_ms, kept.files, kept.measured, kept.gaps) == (2_000, 2, 1, 2)
    assert "ü".encode() in kept.document
