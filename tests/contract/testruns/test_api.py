"""The routes of test runs: shapes, pages, rights, and input that is not what it should be."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.core.identity.rules import may_somewhere
from hookyard.features.testruns.api import router
from hookyard.kit.errors import Forbidden, HookyardError
from hookyard.kit.pages import encode_cursor

from .conftest import REPOSITORY, Stage

URL = f"/api/repos/{REPOSITORY}"
GRANTS = {
    "viewer": Grant(Role.VIEWER),
    "worker": Grant(Role.WORKER),
    "theirs": Grant(Role.OPERATOR, Scope.of_repository("acme/other")),
}
REPORT = """<testsuite name="s"><testcase classname="c" name="T1::a" time="0.5"/>
<testcase classname="c" name="b"><failure message="&lt;b&gt;no&lt;/b&gt;"/></testcase>
<testcase classname="c" name="d"><flakyFailure message="x"/></testcase></testsuite>"""


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
    app.include_router(router(stage.database, stage.runs, stage.clock, require))
    app.add_exception_handler(HookyardError, as_problem)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_runs_are_listed_by_commit_and_shown_whole(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    run = await stage.workflow({"r.xml": REPORT, "bad.xml": "<html/>"}, conclusion="failure")
    page = (await client.get(f"{URL}/runs", params={"sha": run.head_sha})).json()
    (one,) = page["items"]
    assert (one["run_id"], one["attempt"], one["conclusion"]) == (run.id, 1, "failure")
    assert (one["reports"], one["problems"], one["from_fork"]) == (2, 1, False)
    assert one["totals"] == {
        "tests": 3, "passed": 2, "failed": 1, "errors": 0, "skipped": 0, "flaky": 1,
        "duration_s": 0.5,
    }  # fmt: skip
    shown = (await client.get(f"{URL}/runs/{run.id}")).json()
    assert {r["member"]: r["problem"] for r in shown["reports"]} == {
        "bad.xml": "unknown_format",
        "r.xml": None,
    }
    assert (await client.get(f"{URL}/runs", params={"sha": "0" * 40})).json()["items"] == []
    assert (await client.get(f"{URL}/runs/{run.id}?attempt=2")).status_code == 404


async def test_cases_and_unsteady_ones_are_listed(stage: Stage, client: httpx2.AsyncClient) -> None:
    run = await stage.workflow({"r.xml": REPORT})
    cases = (await client.get(f"{URL}/runs/{run.id}/cases")).json()["items"]
    assert [(c["name"], c["outcome"], c["flaky"], c["ids"]) for c in cases] == [
        ("T1::a", "passed", False, ["T1"]),
        ("b", "failed", False, []),
        ("d", "passed", True, []),
    ]
    assert cases[1]["message"] == "<b>no</b>"
    found = (await client.get(f"{URL}/runs/{run.id}/cases?outcome=failed")).json()["items"]
    assert [c["name"] for c in found] == ["b"]
    first = (await client.get(f"{URL}/runs/{run.id}/cases?limit=1")).json()
    assert first["next_cursor"]
    flaky = (await client.get(f"{URL}/unsteady?nature=flaky")).json()["items"]
    assert [(one["name"], one["failures"], one["observed"]) for one in flaky] == [("d", 1, 2)]
    shown = (await client.get(f"{URL}/unsteady/{flaky[0]['case_key']}")).json()
    assert (shown["nature"], shown["commits"][0]["sha"]) == ("flaky", run.head_sha)
    assert len((await client.get(f"{URL}/unsteady?limit=1")).json()["items"]) == 1


async def test_runs_come_in_pages(stage: Stage, client: httpx2.AsyncClient) -> None:
    for _ in range(3):
        await stage.workflow({"r.xml": REPORT})
    seen, cursor = [], ""
    while True:
        page = (await client.get(f"{URL}/runs?limit=2{cursor}")).json()
        seen += [one["run_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 3


async def test_what_one_may_not_see_is_not_there(stage: Stage, client: httpx2.AsyncClient) -> None:
    run = await stage.workflow({"r.xml": REPORT})
    for path in (
        "runs",
        f"runs/{run.id}",
        f"runs/{run.id}/cases",
        "unsteady",
        "unsteady/" + "0" * 32,
    ):
        hidden = await client.get(f"{URL}/{path}", headers={"x-test-actor": "theirs"})
        assert (hidden.status_code, hidden.json()) == (404, {"code": "not_found"})
        refused = await client.get(f"{URL}/{path}", headers={"x-test-actor": "worker"})
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "runs?cursor=%00",
        f"runs?cursor={encode_cursor(5)}",
        f"runs?cursor={encode_cursor('x' * 600)}",
        "runs?sha=zz",
        "runs?limit=0",
        "runs/0",
        "runs/99999999999999999999",
        "runs/1?attempt=99999999999",
        "runs/1/cases?outcome=great",
        "runs/1/cases?criterion=%00",
        "runs/1/cases?report=..%2f",
        f"runs/1/cases?cursor={encode_cursor('a', 2**62)}",
        "unsteady?nature=odd",
        f"unsteady?cursor={encode_cursor(1)}",
        "unsteady/nothing",
        "unsteady/" + "0" * 32,
    ],
)
async def test_odd_input_is_refused_or_finds_nothing(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(f"{URL}/{path}")).status_code in (200, 400, 404, 422)
