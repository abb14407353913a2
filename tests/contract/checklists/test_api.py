"""The routes of checklists: shapes, pages, rights, and input that is not what it should be."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import Action, Actor, ActorKind, Grant, Role, Scope
from hookyard.core.identity.rules import may_somewhere
from hookyard.core.jobs.model import JobId
from hookyard.features.checklists.api import router
from hookyard.kit.errors import Forbidden, HookyardError
from hookyard.kit.pages import encode_cursor

from .conftest import REPOSITORY, Stage

T0 = 1_700_000_000_000
URL = f"/api/repos/{REPOSITORY}/issues"
GRANTS = {
    "viewer": Grant(Role.VIEWER),
    "operator": Grant(Role.OPERATOR),
    "worker": Grant(Role.WORKER),
    "ours": Grant(Role.VIEWER, Scope.of_repository(REPOSITORY)),
    "theirs": Grant(Role.OPERATOR, Scope.of_repository("acme/other")),
    "maintainer": Grant(Role.MAINTAINER),
    "theirs_maintained": Grant(Role.MAINTAINER, Scope.of_repository("acme/other")),
    "both": Grant(Role.OPERATOR, Scope.of_org("acme")),
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
    app.include_router(router(stage.database, stage.checklists, stage.ledger, require))
    app.add_exception_handler(HookyardError, as_problem)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_an_issue_shows_its_criteria_and_the_state_of_its_comment(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    await stage.say(7, "## AC\n- [x] AC-1: it saves\n", T0)
    answer = await client.get(f"{URL}/7")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["items"] == [
        {
            "id": "T1",
            "text": "it saves",
            "checked": True,
            "group": "",
            "line": 2,
            "kind": "task",
            "author_id": "AC-1",
            "purpose": "criterion",
            "waived": False,
            "revision": 1,
            "detail": "",
            "depth": 0,
            "evidence_from": 1,
            "earlier": [],
            "waiver": None,
        }
    ]
    assert (shown["repository"], shown["number"], shown["revision"]) == (REPOSITORY, 7, 1)
    assert (shown["confidence"], shown["reason"]) == ("high", "under “AC” (line 1)")
    assert shown["issue_updated_at"] == "2023-11-14T22:13:20.000Z"
    assert shown["comment"]["state"] == "pending"
    assert shown["comment"]["url"] is None


async def test_known_issues_are_paged(stage: Stage, client: httpx2.AsyncClient) -> None:
    for number in (1, 2, 3):
        await stage.say(number, "## AC\n- a\n", T0)
    first = (await client.get(URL, params={"limit": 2})).json()
    second = (await client.get(URL, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["number"] for item in first["items"]] == [3, 2]
    assert [item["number"] for item in second["items"]] == [1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"state": "open"}, [4, 3, 1]),
        ({"state": "closed"}, [2]),
        ({"confidence": "high"}, [2, 1]),
        ({"confidence": "none"}, [4]),
        ({"author": "ALICE"}, [2, 1]),
        ({"title": "LOG_IN"}, [1]),
        ({"title": "%"}, [3]),
        ({"gone": "true"}, [3]),
        ({"gone": "false", "state": "open"}, [4, 1]),
        ({"empty": "true"}, [4]),
        ({"empty": "false", "limit": "1"}, [3]),
        ({"title": "\x00"}, []),
    ],
)
async def test_known_issues_are_filtered(
    stage: Stage, client: httpx2.AsyncClient, params: dict[str, str], numbers: list[int]
) -> None:
    tasks = "- [x] a thing\n- [ ] other words\n"
    await stage.say(1, "## AC\n" + tasks, T0, title="Fix log_in", author="alice")
    await stage.say(2, "## AC\n- ~~a~~\n", T0, title="login", author="Alice", state="closed")
    await stage.say(3, tasks, T0, title="100 % sure")
    await stage.say(4, "Nothing.", T0)

    def change(unit: Unit) -> None:
        stage.checklists.lose(unit, REPOSITORY, 3, "deleted", T0)
        stage.checklists.waive(unit, REPOSITORY, 1, "T2", "user:1", "by hand", T0)

    await stage.database.write(change)
    items = (await client.get(URL, params=params)).json()["items"]
    assert [item["number"] for item in items] == numbers
    counts = {item["number"]: (item["criteria"], item["checked"], item["waived"]) for item in items}
    known = {1: (2, 1, 1), 2: (1, 0, 1), 3: (2, 1, 0), 4: (0, 0, 0)}
    assert all(known[number] == count for number, count in counts.items())


async def test_regenerate_enqueues_one_reading(stage: Stage, client: httpx2.AsyncClient) -> None:
    answer = await client.post(f"{URL}/7/regenerate", headers={"x-test-actor": "operator"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    job_id = JobId(answer.json()["job_id"])
    job = await stage.database.read(lambda unit: stage.ledger.get(unit, job_id))
    assert (job.kind, job.key) == ("criteria.extract", f"criteria:{REPOSITORY.lower()}#7")
    assert job.payload == {"repository": REPOSITORY, "number": 7, "again": True}


@pytest.mark.parametrize(
    ("actor", "method", "path", "status"),
    [
        ("viewer", "POST", "/7/regenerate", 403),
        ("ours", "POST", "/7/regenerate", 403),
        ("worker", "GET", "/7", 403),
        ("worker", "GET", "", 403),
        ("theirs", "GET", "/7", 404),
        ("theirs", "GET", "", 404),
        ("theirs", "POST", "/7/regenerate", 404),
        ("ours", "GET", "/7", 200),
        ("both", "POST", "/7/regenerate", 202),
    ],
)
async def test_rights_are_those_of_the_repository(
    stage: Stage, client: httpx2.AsyncClient, actor: str, method: str, path: str, status: int
) -> None:
    await stage.say(7, "## AC\n- a\n", T0)
    answer = await client.request(method, URL + path, headers={"x-test-actor": actor})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/repos/acme/Shop/issues/8", 404),
        ("/api/repos/acme/Shop/issues/0", 422),
        ("/api/repos/acme/Shop/issues/-1", 422),
        ("/api/repos/acme/Shop/issues/99999999999999999999", 422),
        ("/api/repos/acme/Shop/issues/seven", 422),
        ("/api/repos/ac%00me/Shop/issues/7", 422),
        ("/api/repos/acme/%F0%9F%98%80/issues/7", 422),
        ("/api/repos/acme/Shop%0A/issues/7", 422),
        ("/api/repos/acme/Shop/issues?limit=0", 400),
        ("/api/repos/acme/Shop/issues?limit=many", 422),
        ("/api/repos/acme/Shop/issues?cursor=%00", 400),
        (f"{URL}?state=shut", 422),
        (f"{URL}?confidence=sure", 422),
        (f"{URL}?gone=perhaps", 422),
        (f"{URL}?title=" + "x" * 201, 422),
        (f"{URL}?cursor={encode_cursor('seven')}", 400),
        (f"{URL}?cursor={encode_cursor(10**20)}", 400),
        (f"{URL}?cursor={encode_cursor(10**12)}", 200),
    ],
)
async def test_strange_input_is_refused_and_never_a_failure(
    client: httpx2.AsyncClient, path: str, status: int
) -> None:
    assert (await client.get(path)).status_code == status


async def test_an_unknown_action_is_held_by_no_role() -> None:
    admin = Actor(ActorKind.ADMIN_KEY, "admin", "default", (Grant(Role.ADMIN),))
    assert not may_somewhere(admin, "issues.delete").allowed
    assert may_somewhere(admin, Action.ISSUES_WRITE).allowed
