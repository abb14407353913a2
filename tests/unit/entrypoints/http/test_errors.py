"""Exceptions become answers once, and tell strangers nothing of what broke."""

import json

import httpx2
from fastapi import FastAPI

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.audit.service import Audit
from hookyard.entrypoints.http import errors
from hookyard.entrypoints.http.refusals import RefusalTrail
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Conflict, Unavailable
from hookyard.kit.ids import IdMaker


def make(database: SqliteDatabase, clock: ManualClock) -> httpx2.AsyncClient:
    """An app whose routes only raise."""
    app = FastAPI(openapi_url=None)
    trail = RefusalTrail(database, Audit(IdMaker()), clock)
    errors.install(app, trail, lambda path: ["GET", "POST"])

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/busy")
    async def busy() -> None:
        raise Unavailable("later", retry_after_s=9)

    @app.get("/moved")
    async def moved() -> None:
        raise Conflict("too late", code="gone")

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://x")


async def test_surprise_says_nothing_of_itself(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with make(sqlite_database, clock) as client:
        answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_errors_of_ours_keep_code_and_headers(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with make(sqlite_database, clock) as client:
        busy = await client.get("/busy")
        moved = await client.get("/moved")
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "9")
    assert (moved.status_code, moved.json()["code"]) == (409, "gone")
    assert json.loads(moved.content)["detail"] == "too late"


async def test_wrong_method_names_every_right_one(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with make(sqlite_database, clock) as client:
        answer = await client.put("/busy")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["code"] == "method_not_allowed"
