"""From an issue's words to evidence on the pull request, with real zips of test reports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookyard_sandbox.github.runacts import zip_of
from tests.support.reviewed import (
    BODY,
    check,
    checks,
    head,
    opened,
    report,
    run_of,
    said,
    shown,
    world_on,
)
from tests.support.worlds import REPOSITORY, World


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Hookyard beside a simulated GitHub, on SQLite unless a test asks for more."""
    async with world_on(getattr(request, "param", "sqlite"), request, tmp_path) as made:
        yield made


BOTH = pytest.mark.parametrize("world", ["sqlite", "postgres"], indirect=True)


@BOTH
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
    began_ms = world.clock.now_ms()
    second = run_of(world, number, "T1::test_plus", "T2::test_wrong[a]", "T2::test_wrong[b]")

    async def is_green() -> bool:
        return check(world, number).conclusion == "success"

    await world.until(is_green)
    assert world.clock.now_ms() - began_ms < 15_000, "nothing waits but for what is under way"
    await world.settle()
    view = await shown(world, number)
    verdict = view["verdict"]
    [evidence] = verdict["criteria"][0]["evidence"]
    assert evidence["run_id"] == second != first
    assert evidence["artifact_digest"].startswith("sha256:")
    assert evidence["head_sha"] == head(world, number)
    assert evidence["revision"] == 1

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
    titles = [entry["title"] for entry in reversed(history)]
    assert [title for title in titles if "Waiting" not in title] == [
        "0 of 2 criteria hold: 2 missing",
        "1 of 2 criteria hold: 1 failed",
        "0 of 2 criteria hold: 2 missing",
        "2 of 2 criteria hold",
        "1 of 2 criteria hold: 1 stale",
        "2 of 2 criteria hold",
    ]
    assert any("revision" in entry["cause"] for entry in history)


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
    assert "flaky-passed" in (found.title or ""), "it failed and passed on one commit"


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
    kinds = {one["kind"] for one in view["verdict"]["findings"]}
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


@BOTH
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
