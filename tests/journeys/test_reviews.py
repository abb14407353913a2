"""From an issue's words to evidence on the pull request: what GitHub shows, and why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.kit.json import JsonObject, as_object
from hookyard_sandbox.github.model import CheckRun
from hookyard_sandbox.github.runacts import zip_of
from tests.support.postgres import PostgresServer
from tests.support.worlds import REPOSITORY, World, open_world

BODY = """## Acceptance criteria
- [ ] An address with a plus sign can sign in
- [ ] A wrong password shows an error
"""


@pytest.fixture(params=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Hookyard on each engine in turn, beside a simulated GitHub."""
    async with AsyncExitStack() as stack:
        environ = {}
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = await asyncio.to_thread(server.create_database)
            stack.callback(server.drop_database, name)
            environ["DATABASE_URL"] = server.url(name)
        yield await open_world(stack, tmp_path, environ)


def pull(world: World, body: str, branch: str = "fix") -> int:
    """Somebody pushes a branch and opens a pull request of it; its number."""
    world.sandbox.push(REPOSITORY, {"src/login.py": f"# {branch}\n"}, branch=branch, by="alice")
    return world.sandbox.create_pull(REPOSITORY, branch, "Sign in", body, by="alice").number


def checks(world: World, sha: str) -> list[CheckRun]:
    """Our check runs on a commit, oldest first."""
    runs = world.sandbox.repository(REPOSITORY).check_runs.values()
    return [run for run in runs if run.head_sha == sha and run.name == "hookyard/criteria"]


def head(world: World, number: int) -> str:
    """The head commit of a pull request."""
    found = world.sandbox.repository(REPOSITORY).issues[number].pull
    assert found is not None
    return found.head_sha


def check(world: World, number: int) -> CheckRun:
    """The check that stands on a pull request's head."""
    return checks(world, head(world, number))[-1]


async def shown(world: World, number: int) -> JsonObject:
    """The pull request as the API shows it."""
    answer = await world.caller.get(f"/api/repos/{REPOSITORY}/prs/{number}")
    assert answer.status_code == 200, answer.text
    return as_object(answer.json())


def verdicts(view: JsonObject) -> dict[str, str]:
    verdict = as_object(view["verdict"])
    return {one["id"]: one["verdict"] for one in verdict["criteria"]}  # type: ignore[union-attr, index, call-overload]


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


async def said(world: World, number: int, text: str, *, by: str = "alice") -> list[str]:
    """Somebody comments; the reactions of all comments there, once all is done."""
    world.say(number, text, by=by)
    await world.settle()
    return world.reactions(number)


async def opened(world: World, body: str = BODY) -> tuple[int, int]:
    """An issue, and a pull request that closes it, both read."""
    issue = world.issue(body)
    await world.settle()
    number = pull(world, f"Closes #{issue}", f"branch{issue}")
    await world.settle()
    return issue, number


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
    assert [flag["forced"] for flag in view["flags"]] == [False, True]  # type: ignore[union-attr, index, call-overload]
    trail = await world.caller.page("/api/admin/audit")
    assert [item["outcome"] for item in trail if item["action"] == "review.flag"] == ["done"] * 2


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


def report(*cases: str) -> str:
    """A JUnit report: `T1::name` passes, `-T1::name` fails, `~T1::name` is skipped."""
    lines = []
    for case in cases:
        inner = {"-": '<failure message="no"/>', "~": "<skipped/>"}.get(case[0], "")
        name = case.lstrip("-~")
        lines.append(
            f'<testcase classname="tests.test_login" name="{name}" file="src/login.py" line="3">'
            f"{inner}</testcase>"
        )
    return f'<testsuite name="s" tests="{len(cases)}">{"".join(lines)}</testsuite>'


def run_of(world: World, number: int, *cases: str, **options: str) -> int:
    """CI runs on the head of a pull request and leaves a report; the run's id."""
    found = world.sandbox.repository(REPOSITORY).issues[number].pull
    assert found is not None
    files = {"autoqa-test-report.xml": report(*cases)}
    run = world.sandbox.run_workflow(REPOSITORY, branch=found.head_ref, files=files, **options)
    return run.id


async def test_from_an_issue_to_red_to_green_to_stale(world: World) -> None:
    issue, number = await opened(world)
    assert check(world, number).title == "0 of 2 criteria hold: 2 missing"

    first = run_of(world, number, "-T1::test_plus", "T2::test_wrong", "T9::test_typo")
    await world.settle()
    run = check(world, number)
    assert (run.conclusion, run.title) == ("failure", "1 of 2 criteria hold: 1 failed")
    assert "T1::test\\_plus failed in run" in (run.summary or "")
    assert "unknown id" in (run.text or "")
    [annotation] = run.annotations
    assert (annotation.path, annotation.start_line) == ("src/login.py", 3)

    world.sandbox.push(REPOSITORY, {"src/login.py": "mended\n"}, branch=f"branch{issue}")
    await world.settle()
    assert check(world, number).title == "0 of 2 criteria hold: 2 missing"
    second = run_of(world, number, "T1::test_plus", "T2::test_wrong[a]", "T2::test_wrong[b]")
    await world.settle()
    assert check(world, number).conclusion == "success"
    view = await shown(world, number)
    verdict = as_object(view["verdict"])
    [evidence] = verdict["criteria"][0]["evidence"]  # type: ignore[index, call-overload]
    assert evidence["run_id"] == second != first  # type: ignore[index, call-overload]
    assert evidence["artifact_digest"].startswith("sha256:")  # type: ignore[index, call-overload, union-attr]
    assert evidence["head_sha"] == head(world, number)  # type: ignore[index, call-overload]
    assert evidence["revision"] == 1  # type: ignore[index, call-overload]

    typo = BODY.replace("sign can", "sign  can")
    world.sandbox.edit_issue(REPOSITORY, issue, body=typo, by="alice")
    await world.settle()
    assert check(world, number).conclusion == "success"
    rewritten = BODY.replace("A wrong password shows an error", "A wrong password shows no error")
    world.sandbox.edit_issue(REPOSITORY, issue, body=rewritten, by="alice")
    await world.settle()
    run = check(world, number)
    assert (run.conclusion, run.title) == ("failure", "1 of 2 criteria hold: 1 stale")

    run_of(world, number, "T1::test_plus", "T2::test_silent", name="Again")
    await world.settle()
    assert check(world, number).conclusion == "success"
    history = (await shown(world, number))["history"]
    titles = [entry["title"] for entry in reversed(history)]  # type: ignore[call-overload, index, arg-type]
    assert [title for title in titles if "Waiting" not in title] == [
        "0 of 2 criteria hold: 2 missing",
        "1 of 2 criteria hold: 1 failed",
        "0 of 2 criteria hold: 2 missing",
        "2 of 2 criteria hold",
        "1 of 2 criteria hold: 1 stale",
        "2 of 2 criteria hold",
    ]
    assert any("revision" in entry["cause"] for entry in history)  # type: ignore[union-attr, call-overload, index]


async def test_a_rerun_counts_in_place_of_the_attempt_before(world: World) -> None:
    _, number = await opened(world)
    run = run_of(world, number, "-T1::test_plus", "T2::test_wrong", conclusion="failure")
    await world.settle()
    assert check(world, number).title == "1 of 2 criteria hold: 1 failed"
    world.sandbox.rerun(REPOSITORY, run)
    await world.settle()
    assert check(world, number).status == "in_progress"
    assert check(world, number).title == "Waiting for 1 run of this commit"
    again = {"autoqa-test-report.xml": report("T1::test_plus", "T2::test_wrong")}
    world.sandbox.upload_artifact(REPOSITORY, run, files=again)
    world.sandbox.finish_run(REPOSITORY, run)
    await world.settle()
    found = check(world, number)
    assert found.conclusion == "success"
    assert "flaky-passed" in found.title, "it failed and passed on one commit"


async def test_results_of_a_forks_run_are_shown_and_do_not_count(world: World) -> None:
    issue = world.issue(BODY)
    await world.settle()
    world.sandbox.create_repository("mallory/shop", private=False)
    world.sandbox.push("mallory/shop", {"a.py": "1\n"}, branch="fork", by="mallory")
    number = world.sandbox.create_pull(
        REPOSITORY, "fork", "Mine", f"Fixes #{issue}", head_repository="mallory/shop", by="mallory"
    ).number
    await world.settle()
    world.sandbox.run_workflow(
        REPOSITORY,
        branch="fork",
        files={"autoqa-test-report.xml": report("T1::a", "T2::b")},
        head_repository="mallory/shop",
    )
    await world.settle()
    run = check(world, number)
    assert (run.conclusion, run.title) == ("failure", "0 of 2 criteria hold: 2 missing")
    assert "fork" in (run.summary or "")
    view = await shown(world, number)
    assert view["from_fork"] is True
    kinds = {one["kind"] for one in as_object(view["verdict"])["findings"]}  # type: ignore[union-attr, index, call-overload]
    assert "fork_evidence" in kinds


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<html>sorry</html>", "zip"),
        (zip_of({"autoqa-test-report.xml": report("T1::a", "T2::b")[:-40]}), "ends"),
    ],
)
async def test_a_report_that_cannot_be_read_whole_is_never_green(
    world: World, data: bytes, word: str
) -> None:
    _, number = await opened(world)
    found = world.sandbox.repository(REPOSITORY).issues[number].pull
    assert found is not None
    run = world.sandbox.start_run(REPOSITORY, branch=found.head_ref)
    good = {"autoqa-test-report.xml": report("T1::a", "T2::b")}
    world.sandbox.upload_artifact(REPOSITORY, run.id, "unit-test-report", files=good)
    world.sandbox.upload_artifact(REPOSITORY, run.id, data=data)
    world.sandbox.finish_run(REPOSITORY, run.id)
    await world.settle()
    shown_run = check(world, number)
    assert shown_run.conclusion == "failure"
    assert "2 of 2 criteria hold" in (shown_run.title or "")
    assert "report not read" in (shown_run.text or "")


async def test_an_expired_artifact_keeps_the_check_red_with_its_reason(world: World) -> None:
    _, number = await opened(world)
    found = world.sandbox.repository(REPOSITORY).issues[number].pull
    assert found is not None
    run = world.sandbox.start_run(REPOSITORY, branch=found.head_ref)
    made = world.sandbox.upload_artifact(
        REPOSITORY, run.id, files={"autoqa-test-report.xml": report("T1::a", "T2::b")}
    )
    world.sandbox.expire_artifact(REPOSITORY, made.id)
    world.sandbox.finish_run(REPOSITORY, run.id)
    await world.settle()
    assert check(world, number).conclusion == "failure"
    assert "expired" in (check(world, number).text or "").lower()


async def test_a_merge_group_gets_the_verdict_of_its_pull_request(world: World) -> None:
    _, number = await opened(world)
    group = world.sandbox.queue_merge(REPOSITORY, number, by="alice")
    await world.settle()
    [run] = checks(world, group.sha)
    assert (run.conclusion, run.title) == ("failure", "0 of 2 criteria hold: 2 missing")
    run_of(world, number, "T1::a", "T2::b")
    await world.settle()
    assert checks(world, group.sha)[-1].conclusion == "success"
    world.sandbox.leave_queue(REPOSITORY, number, group.sha, by="alice")
    await world.settle()
    await said(world, number, "/hookyard revalidate")
    assert checks(world, group.sha)[-1].conclusion == "success"


async def test_a_merge_group_is_judged_by_its_own_runs_where_the_policy_says_so(
    world: World,
) -> None:
    config = "version: 1\ncriteria: {merge_group: run}\n"
    world.sandbox.push(REPOSITORY, {".hookyard.yml": config})
    _, number = await opened(world)
    run_of(world, number, "T1::a", "T2::b")
    await world.settle()
    group = world.sandbox.queue_merge(REPOSITORY, number, by="alice")
    await world.settle()
    assert checks(world, group.sha)[-1].conclusion == "failure"
    world.sandbox.run_workflow(
        REPOSITORY,
        branch=next(b for b, sha in world.sandbox.repository(REPOSITORY).branches.items()
                    if sha == group.sha),
        files={"autoqa-test-report.xml": report("T1::a", "T2::b")},
    )  # fmt: skip
    await world.settle()
    assert checks(world, group.sha)[-1].conclusion == "success"


async def test_the_base_branch_says_what_passes(world: World) -> None:
    config = "version: 1\ncriteria: {no_criteria: action_required}\n"
    world.sandbox.push(REPOSITORY, {".hookyard.yml": config})
    easy = "version: 1\ncriteria: {no_criteria: success}\n"
    world.sandbox.push(REPOSITORY, {".hookyard.yml": easy}, branch="easy", by="alice")
    number = world.sandbox.create_pull(REPOSITORY, "easy", "Easy", "", by="alice").number
    await world.settle()
    run = check(world, number)
    assert (run.conclusion, run.title) == ("action_required", "No criteria are linked")
