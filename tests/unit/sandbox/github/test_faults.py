"""Faults break exactly what they were told to, and the history tells what was applied."""

import asyncio

import pytest

from hookyard.kit.json import Json
from hookyard_sandbox.github.faults import Fault
from tests.support.sandbox import REPOSITORY, Hub

COMMENT: Json = {"body": "hello"}
PATH = "/issues/1/comments"


def landed(hub: Hub) -> int:
    return len(hub.sandbox.history(kind="comment", action="created"))


async def test_errors_last_for_the_calls_they_were_made_for(hub: Hub) -> None:
    hub.sandbox.fail("error", times=2, method="POST", path="/repos/*/comments", status=503)
    assert (await hub.repo("GET", PATH)).status_code == 200
    codes = [(await hub.repo("POST", PATH, COMMENT)).status_code for _ in range(3)]
    assert codes == [503, 503, 201]
    assert landed(hub) == 1


async def test_an_error_after_the_call_still_applies_it(hub: Hub) -> None:
    hub.sandbox.fail("error_after", status=500)
    assert (await hub.repo("POST", PATH, COMMENT)).status_code == 500
    assert landed(hub) == 1


async def test_a_reset_comes_after_the_call_was_applied(hub: Hub) -> None:
    hub.sandbox.fail("reset", method="POST")
    with pytest.raises(ConnectionResetError):
        await hub.repo("POST", PATH, COMMENT)
    assert landed(hub) == 1


async def test_a_drop_comes_before(hub: Hub) -> None:
    hub.sandbox.fail("drop")
    with pytest.raises(ConnectionResetError):
        await hub.repo("POST", PATH, COMMENT)
    assert landed(hub) == 0


async def test_a_slow_call_waits_and_is_then_applied(hub: Hub) -> None:
    hub.sandbox.fail("slow", delay_s=3)
    call = asyncio.create_task(hub.repo("POST", PATH, COMMENT))
    while not hub.sandbox.gateway.running():
        await asyncio.sleep(0)
    hub.clock.advance(2.9)
    await asyncio.sleep(0)
    assert (call.done(), landed(hub)) == (False, 0)
    hub.clock.advance(0.1)
    assert (await call).status_code == 201
    assert landed(hub) == 1


async def test_limits_can_be_hit_at_once(hub: Hub) -> None:
    hub.sandbox.fail("primary_limit", wait_s=120)
    answer = await hub.repo("POST", PATH, COMMENT)
    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert int(answer.headers["x-ratelimit-reset"]) == hub.now_s + 120
    hub.sandbox.fail("secondary_limit", wait_s=7)
    answer = await hub.repo("POST", PATH, COMMENT)
    assert answer.headers["retry-after"] == "7"
    hub.sandbox.fail("secondary_limit", retry_after=False)
    answer = await hub.repo("POST", PATH, COMMENT)
    assert "retry-after" not in answer.headers
    assert landed(hub) == 0


async def test_until_cleared_means_until_cleared(hub: Hub) -> None:
    hub.sandbox.fail("error", times=None)
    hub.sandbox.skew(30)
    assert [(await hub.repo("GET", "")).status_code for _ in range(3)] == [502] * 3
    hub.sandbox.faults.clear()
    assert (await hub.repo("GET", "")).status_code == 200
    assert hub.sandbox.world.now_ms() == hub.clock.now_ms()


@pytest.mark.parametrize(("kind", "status"), [("odd", 500), ("error", 200), ("error", 600)])
def test_an_impossible_fault_is_refused(kind: str, status: int) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault(kind, status=status)


async def control(hub: Hub, method: str, path: str, body: Json = None) -> tuple[int, Json]:
    answer = await hub.call(method, f"/_sandbox/{path}", body, token="")
    return answer.status_code, answer.json()


async def test_faults_are_switched_over_http(hub: Hub) -> None:
    asked: Json = {"kind": "error", "times": 1, "method": "GET", "path": "/app", "status": 500}
    status, shown = await control(hub, "POST", "faults", asked)
    assert status == 200
    assert isinstance(shown, dict)
    assert shown["active"] != []
    assert (await hub.repo("GET", "")).status_code == 200
    assert (await hub.as_app("GET", "/app")).status_code == 500
    assert (await hub.as_app("GET", "/app")).status_code == 200
    await control(hub, "POST", "faults", {"skew_s": -90})
    assert hub.sandbox.world.now_ms() == hub.clock.now_ms() - 90_000
    assert await control(hub, "DELETE", "faults") == (200, {"active": [], "skew_s": 0})


@pytest.mark.parametrize("body", [{"kind": "odd"}, {"odd": 1}, {"kind": 1}, [1]])
async def test_a_bad_fault_is_refused_over_http(hub: Hub, body: Json) -> None:
    assert (await control(hub, "POST", "faults", body))[0] == 422
    assert hub.sandbox.faults.active == []


async def test_people_act_over_http(hub: Hub) -> None:
    made = await control(
        hub, "POST", "do/create_issue", {"repository": REPOSITORY, "title": "By hand"}
    )
    assert made[0] == 201
    assert (await hub.repo("GET", "/issues/2")).json()["title"] == "By hand"
    suspended = {"installation_id": hub.installation.id}
    assert (await control(hub, "POST", "do/suspend", suspended))[0] == 201
    assert (await hub.repo("GET", "")).status_code == 403
    assert (await control(hub, "POST", "do/stop", {}))[0] == 404
    assert (await control(hub, "POST", "do/create_issue", {"odd": 1}))[0] == 422
    assert (await control(hub, "POST", "do/create_issue", [1]))[0] == 422


async def test_history_and_world_tell_what_landed(hub: Hub) -> None:
    await hub.repo("POST", PATH, COMMENT)
    await hub.repo("POST", "/issues/1/reactions", {"content": "eyes"})
    _, lines = await control(hub, "GET", "history?kind=comment&action=created")
    assert isinstance(lines, dict)
    assert len(lines["items"]) == 1
    assert lines["items"][0]["body"] == "hello"
    assert lines["items"][0]["by"] == "hookyard[bot]"
    _, world = await control(hub, "GET", "world")
    assert isinstance(world, dict)
    issue = world["repositories"][0]["issues"][0]
    assert [c["body"] for c in issue["comments"]] == ["hello"]
    assert issue["reactions"] == [{"by": "hookyard[bot]", "content": "eyes"}]
    assert world == hub.sandbox.view()
    _, calls = await control(hub, "GET", "calls")
    assert isinstance(calls, dict)
    assert [c["status"] for c in calls["items"]] == [201, 201]
