"""Pull requests, their commands, buttons and flags: what GitHub and the API show of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookyard.kit.json import as_object
from tests.support.reviewed import (
    BODY,
    check,
    head,
    opened,
    pull,
    said,
    shown,
    verdicts,
    world_on,
)
from tests.support.worlds import REPOSITORY, World


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Hookyard beside a simulated GitHub, on SQLite unless a test asks for more."""
    async with world_on(getattr(request, "param", "sqlite"), request, tmp_path) as made:
        yield made


BOTH = pytest.mark.parametrize("world", ["sqlite", "postgres"], indirect=True)


async def test_a_pull_request_without_evidence_is_red(world: World) -> None:
    issue = world.issue(BODY)
    await world.settle()
    number = pull(world, f"Closes #{issue}")
    await world.settle()
    run = check(world, number)
    assert (run.status, run.conclusion) == ("completed", "failure")
    assert run.title == "0 of 2 criteria hold: 2 missing"
    assert "An address with a plus sign can sign in" in (run.summary or "")
    assert [action["identifier"] for action in run.actions] == ["revalidate", "waive"]
    view = await shown(world, number)
    assert verdicts(view) == {"T1": "missing", "T2": "missing"}


@BOTH
async def test_criteria_are_waived_marked_and_explained_by_command(world: World) -> None:
    issue, number = await opened(world)
    assert await said(world, number, "/hookyard waive T1 not in this release") == ["eyes", "+1"]
    view = await shown(world, number)
    assert verdicts(view) == {"T1": "waived", "T2": "missing"}
    assert "not in this release" in (check(world, number).summary or "")
    await said(world, number, "/hookyard manual T2 seen on staging")
    assert check(world, number).conclusion == "success"
    assert check(world, number).title == "2 of 2 criteria hold: 1 waived, 1 manual"
    await said(world, number, "/hookyard explain T2")
    [answer] = world.comments(number, "checked by hand")
    assert "seen on staging" in answer.body
    await said(world, issue, "/hookyard unwaive T1")
    await said(world, number, f"/hookyard unmark {issue}/T2")
    assert check(world, number).title == "0 of 2 criteria hold: 2 missing"
    trail = await world.caller.page("/api/admin/audit")
    kinds = [item["action"] for item in trail if str(item["action"]).startswith("criterion.")]
    assert kinds == ["criterion.unmark", "criterion.unwaive", "criterion.manual", "criterion.waive"]
    assert {item["actor"] for item in trail if item["action"] == "criterion.waive"} == {
        "github:alice"
    }
    assert await world.jobs("agent.task") == []


async def test_a_command_means_no_issue_of_another_repository(world: World) -> None:
    issue, namesake = world.issue(BODY), world.issue(BODY)
    await world.settle()
    number = pull(world, f"Closes #{issue}\n\nCriteria: acme/elsewhere#{namesake}")
    await world.settle()
    assert await said(world, number, "/hookyard waive T1 not in this release") == ["eyes", "+1"]
    assert verdicts(await shown(world, number)) == {"T1": "waived", "T2": "missing"}


async def test_commands_without_the_right_or_without_sense_are_refused_with_the_reason(
    world: World,
) -> None:
    _, number = await opened(world)
    before = check(world, number).title
    assert await said(world, number, "/hookyard waive T1 please", by="rita") == ["confused"]
    [refusal] = world.comments(number, "was not run")
    assert "needs at least write" in refusal.body.replace("need at", "needs at")
    for text, reason in (
        ("waive T1", "needs a reason"),
        ("waive", "names no criterion"),
        ("waive T9 it is late", "no linked issue has a criterion T9"),
        ("manual T1", "needs a reason"),
        ("unwaive T1", "nobody waived T1"),
        ("unlink 7", "no link to"),
        ("flag", "not judged yet" if False else "0 of 2 criteria hold"),
    ):
        reactions = await said(world, number, f"/hookyard {text}")
        assert "confused" in reactions
        assert any(reason in comment.body for comment in world.comments(number)), text
    assert check(world, number).title == before


async def test_other_words_stay_agent_tasks(world: World) -> None:
    _, number = await opened(world)
    await said(world, number, "/hookyard explain this code to me")
    await said(world, number, "/hookyard fix T1")
    assert len(await world.jobs("agent.task")) == 2
    assert await world.jobs("review.command") == []


async def test_the_buttons_of_the_check_do_what_they_say(world: World) -> None:
    _, number = await opened(world)
    run = check(world, number)
    world.sandbox.press(REPOSITORY, run.id, "waive", by="rita")
    await world.settle()
    assert check(world, number).conclusion == "failure"
    world.sandbox.press(REPOSITORY, run.id, "waive", by="alice")
    await world.settle()
    assert check(world, number).conclusion == "success"
    assert check(world, number).title == "2 of 2 criteria hold: 2 waived"
    assert [action["identifier"] for action in check(world, number).actions] == ["revalidate"]
    updates = len(await world.jobs("effect.land"))
    world.sandbox.rerequest_check(REPOSITORY, check(world, number).id, by="alice")
    await world.settle()
    world.sandbox.rerequest_suite(REPOSITORY, head(world, number), by="alice")
    await world.settle()
    assert len(await world.jobs("effect.land")) >= updates + 2
    assert check(world, number).conclusion == "success"


async def test_taking_the_link_away_needs_somebodys_word(world: World) -> None:
    issue, number = await opened(world)
    world.sandbox.edit_issue(REPOSITORY, number, body="no issue here", by="alice")
    await world.settle()
    run = check(world, number)
    assert (run.conclusion, run.title) == (
        "action_required",
        f"The links to #{issue} were removed",
    )
    await said(world, number, f"/hookyard unlink {issue} it is another matter")
    run = check(world, number)
    assert (run.conclusion, run.title) == ("success", "No criteria are linked")


@BOTH
async def test_flagging_for_merge_needs_a_green_verdict_or_the_right_to_force(
    world: World,
) -> None:
    _, number = await opened(world)
    path = f"/api/repos/{REPOSITORY}/prs/{number}"
    refused = await world.caller.call("POST", f"{path}/flag_for_merge", {"reason": "ship it"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_green")
    assert "T1" in refused.json()["detail"]
    operator = await world.caller.key("operator", f"repo:{REPOSITORY}")
    forced = {"reason": "the customer waits", "force": True}
    assert (await operator.call("POST", f"{path}/flag_for_merge", forced)).status_code == 403
    given = await world.caller.call("POST", f"{path}/flag_for_merge", forced)
    assert (given.status_code, given.json()["forced"]) == (201, True)
    await said(world, number, "/hookyard waive T1 later")
    await said(world, number, "/hookyard waive T2 later")
    plain = await operator.call("POST", f"{path}/flag_for_merge")
    assert (plain.status_code, plain.json()["forced"]) == (201, False)
    view = await shown(world, number)
    assert [flag["forced"] for flag in view["flags"]] == [False, True]
    trail = await world.caller.page("/api/admin/audit")
    assert [item["outcome"] for item in trail if item["action"] == "review.flag"] == ["done"] * 2


@BOTH
async def test_revalidate_reads_the_pull_request_and_writes_the_check_anew(world: World) -> None:
    _, number = await opened(world)
    path = f"/api/repos/{REPOSITORY}/prs/{number}/revalidate"
    answer = await world.caller.call("POST", path)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    await world.settle()
    job = next(job for job in await world.jobs() if job.id == answer.json()["job_id"])
    assert as_object(job.result)["status"] == "recorded"
    lines = (await world.caller.get(f"/api/repos/{REPOSITORY}/prs/{number}/explain")).json()
    assert "failure" in lines["lines"][0]
    listed = await world.caller.page(f"/api/repos/{REPOSITORY}/prs")
    assert [(one["number"], one["conclusion"]) for one in listed] == [(number, "failure")]


@pytest.mark.parametrize("author", ["dependabot[bot]", "ours"])
async def test_pull_requests_of_bots_are_judged_and_command_nothing(
    world: World, author: str
) -> None:
    issue = world.issue(BODY)
    await world.settle()
    bot = f"{world.app.slug}[bot]" if author == "ours" else author
    world.sandbox.world.user(bot, "Bot")
    world.sandbox.push(REPOSITORY, {"a.py": "1\n"}, branch="bump", by=bot)
    body = f"Closes #{issue}\n\n/hookyard waive T1 we said so"
    number = world.sandbox.create_pull(REPOSITORY, "bump", "Bump", body, by=bot).number
    await world.settle()
    assert check(world, number).title == "0 of 2 criteria hold: 2 missing"
    assert await world.jobs("review.command") == []
    assert world.comments(number) == []
