"""The way of a delivery: something happens at GitHub, and the outcome lands there once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.jobs.model import JobState, Lane
from hookyard_sandbox import senders_jira, senders_sentry, senders_slack
from hookyard_sandbox.senders import SignedRequest
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.worlds import REPOSITORY, World, open_world


@pytest.fixture(params=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Hookyard on each engine in turn, beside a simulated GitHub."""
    async with AsyncExitStack() as stack:
        environ = {}
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = server.lend(an_installation)
            stack.callback(server.take_back, name)
            environ["DATABASE_URL"] = server.url(name)
        yield await open_world(stack, tmp_path, environ)


async def test_an_issue_gets_one_comment_and_keeps_it_through_edits(world: World) -> None:
    number = world.issue("- [ ] It loads fast\n- [ ] It looks good")
    await world.settle()
    [comment] = world.comments(number)
    assert "T1" in comment.body
    assert "T2" in comment.body
    world.sandbox.edit_issue(
        REPOSITORY, number, body="- [ ] It is tested\n- [ ] It loads fast\n- [ ] It looks good",
        by="alice",
    )  # fmt: skip
    await world.settle()
    [edited] = world.comments(number)
    assert edited.id == comment.id
    lines = {line for line in edited.body.splitlines() if "It " in line}
    assert any("T1" in line and "loads fast" in line for line in lines)
    assert any("T2" in line and "looks good" in line for line in lines)
    assert any("T3" in line and "is tested" in line for line in lines)
    shown = await world.caller.get(f"/api/repos/{REPOSITORY}/issues/{number}")
    assert shown.status_code == 200
    assert [delivery.status for delivery in await world.of_people()] == ["routed", "routed"]


async def test_a_command_with_the_right_is_done_and_answered(world: World) -> None:
    number = world.issue("nothing to see")
    world.say(number, "/hookyard fix the parser")
    await world.settle()
    assert world.reactions(number) == ["eyes"]
    [answer] = world.comments(number, "Answer to the parser")
    assert "alice" in answer.body
    [job] = await world.jobs("agent.task")
    assert (job.state, job.lane, job.attempt) == (JobState.SUCCEEDED, Lane.HIGH, 1)
    assert len(world.comments(number, "Answer")) == 1


async def test_a_command_without_the_right_is_refused_in_public_and_on_record(
    world: World,
) -> None:
    number = world.issue("nothing to see")
    world.say(number, "/hookyard fix it", by="rita")
    await world.settle()
    assert world.reactions(number) == ["confused"]
    [refusal] = world.comments(number, "was not run")
    assert "needs at least write" in refusal.body.replace("need at", "needs at")
    assert await world.jobs("agent.task") == []
    trail = await world.caller.page("/api/admin/audit")
    [entry] = [item for item in trail if str(item["action"]).startswith("command.")]
    assert (entry["actor"], entry["outcome"]) == ("github:rita", "refused")
    assert entry["target"] == f"{REPOSITORY}#{number}"


async def test_our_own_echo_starts_nothing(world: World) -> None:
    number = world.issue()
    await world.settle()
    [comment] = world.comments(number)
    echoes = [d for d in await world.deliveries() if "our own echo" in (d.reason or "")]
    assert [(d.event, d.action) for d in echoes] == [("issue_comment", "created")]
    assert {d.status for d in echoes} == {DeliveryStatus.IGNORED}
    assert len(await world.jobs("criteria.extract")) == 1
    assert world.comments(number) == [comment]


async def test_the_same_delivery_twice_is_one(world: World) -> None:
    world.issue()
    await world.deliver()
    again = world.held[-1]
    request = SignedRequest(dict(again.headers), again.body, "/webhooks/github")
    assert await world.post(request) == 200
    await world.settle()
    assert await world.post(request) == 200
    assert len(await world.jobs("criteria.extract")) == 1


async def test_the_file_in_the_repository_decides(world: World) -> None:
    number = world.issue("x")
    for text, by, lane in (
        ("lanes: {fix: bulk}\n", "alice", Lane.BULK),
        ("commands: {minimum_permission: read}\n", "rita", Lane.HIGH),
    ):
        world.sandbox.push(REPOSITORY, {".hookyard.yml": f"version: 1\n{text}"})
        world.say(number, f"/hookyard fix for {by}", by=by)
        await world.settle()
        assert (await world.jobs("agent.task"))[-1].lane is lane
    world.sandbox.push(REPOSITORY, {".hookyard.yml": "version: 1\nenabled: false\n"})
    world.say(number, "/hookyard fix nothing")
    await world.settle()
    last = [d for d in await world.of_people() if d.event == "issue_comment"][-1]
    assert (last.status, last.reason) == (
        DeliveryStatus.IGNORED,
        "the repository's configuration says enabled: false",
    )
    assert len(await world.jobs("agent.task")) == 2


async def test_a_broken_file_is_told_with_line_and_reason(world: World) -> None:
    world.sandbox.push(REPOSITORY, {".hookyard.yml": "version: 1\nlanes: {fix: sideways}\n"})
    number = world.issue()
    await world.settle()
    [delivery] = [d for d in await world.of_people() if d.event == "issues"]
    assert delivery.status is DeliveryStatus.IGNORED
    assert ".hookyard.yml:2" in (delivery.reason or "")
    assert await world.jobs("criteria.extract") == []
    [comment] = world.comments(number)
    assert "line 2" in comment.body


# --- GitHub in trouble ---


async def test_github_down_and_back_lands_once(world: World) -> None:
    number = world.issue("x")
    await world.settle()
    down = world.sandbox.fail("error", times=None, status=503)
    world.say(number, "/hookyard fix it")

    async def knocked_often() -> bool:
        return sum(status == 503 for _, _, status in world.sandbox.gateway.seen) >= 6

    await world.until(knocked_often)
    assert world.comments(number) == []
    down.times = 0
    await world.settle()
    assert world.reactions(number) == ["eyes"]
    assert len(world.comments(number, "Answer")) == 1
    assert {d.status for d in await world.of_people() if d.event == "issue_comment"} == {"routed"}


@pytest.mark.parametrize("fault", ["reset", "error_after"])
async def test_a_write_whose_answer_was_lost_lands_once(world: World, fault: str) -> None:
    world.sandbox.fail(fault, method="POST", path="*/comments")
    number = world.issue()
    await world.settle()
    assert len(world.comments(number)) == 1
    effects = await world.caller.page("/api/effects")
    assert [effect["state"] for effect in effects] == ["landed"]


async def test_a_secondary_limit_is_waited_out_and_named(world: World) -> None:
    world.sandbox.fail("secondary_limit", method="POST", path="*/comments", wait_s=90)
    number = world.issue()

    async def is_held() -> bool:
        return any(
            job.state is JobState.WAITING and job.waiting_for and job.waiting_for.what == "limit"
            for job in await world.jobs("effect.land")
        )

    await world.until(is_held)
    [job] = await world.jobs("effect.land")
    shown = (await world.caller.get(f"/api/jobs/{job.id}")).json()
    assert shown["waiting_for"]["what"] == "limit"
    assert "secondary" in shown["waiting_for"]["holder"]
    assert world.comments(number) == []
    began = world.clock.now_ms()
    await world.settle()
    assert world.clock.now_ms() - began >= 60_000
    assert len(world.comments(number)) == 1


async def test_a_revoked_installation_ends_dead_with_that_reason(world: World) -> None:
    number = world.issue("x")
    await world.settle()
    world.say(number, "/hookyard fix it")
    [installation] = world.sandbox.world.installations
    world.sandbox.suspend(installation)
    world.yard.github.tokens.forget(installation)  # type: ignore[union-attr]
    await world.settle()
    [delivery] = [d for d in await world.of_people() if d.event == "issue_comment"]
    assert delivery.status is DeliveryStatus.DEAD
    assert "no_installation: the installation is suspended" in (delivery.reason or "")
    [route] = [j for j in await world.jobs("ingress.route") if j.delivery_id == delivery.id]
    assert (route.state, route.attempt) == (JobState.DEAD, 1)
    world.sandbox.unsuspend(installation)
    replayed = await world.caller.call("POST", f"/api/deliveries/{delivery.id}/replay")
    assert replayed.status_code == 202, replayed.text
    await world.settle()
    assert len(world.comments(number, "Answer")) == 1


# --- other providers ---


async def test_slack_jira_and_sentry_ask_and_are_answered_on_github(world: World) -> None:
    number = world.issue("x")
    await world.settle()
    text = f"ask {REPOSITORY}#{number} is it urgent?"
    slash = senders_slack.slash_command(text, trigger_id="1.2.3")
    await world.send("slack", slash, form="yes")
    await world.settle()
    assert len(world.comments(number, "through slack")) == 1
    mia = senders_jira.user("acc-mia", "Mia")
    comment = senders_jira.comment_created(
        "SHOP-7", "Slow", "/hookyard look into it", mia, now_ms=world.clock.now_ms()
    )
    await world.send("jira", comment, delivery_id="j-1")
    alert = senders_sentry.event_alert("ValueError: plus sign")
    await world.send("sentry", alert, event="event_alert", delivery_id="s-1")
    await world.settle()
    issues = world.sandbox.repository(REPOSITORY).issues.values()
    bodies = [issue.body or "" for issue in issues]
    assert sum("through jira" in body for body in bodies) == 1
    assert sum("through sentry" in body for body in bodies) == 1
    stranger = senders_slack.slash_command("ask it", trigger_id="9.9", user_id="U0", user_name="x")
    await world.send("slack", stranger, form="yes")
    await world.settle()
    last = (await world.deliveries())[-1]
    assert "is not listed under allow of source slack" in (last.reason or "")
    assert len(await world.jobs("agent.task")) == 3
