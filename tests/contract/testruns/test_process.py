"""A finished run's artifacts end as stored results, once, on every database."""

import asyncio

from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.core.jobs.model import Done, Fail, NewJob, Retry
from hookyard.features.testruns.jobs import KIND
from hookyard.features.testruns.model import Outcome, Problem
from hookyard.features.testruns.service import CaseFilter
from hookyard.kit.json import as_object
from hookyard_sandbox.github.runacts import zip_of

from .conftest import REPOSITORY, Stage

REPORT = """<testsuite name="pytest" tests="4" failures="1" errors="0">
<testcase classname="tests.unit.test_cart.TestCart" name="T1::adds" time="0.5"/>
<testcase classname="autoqa:T2" name="removes" time="0.25"><failure message="no">E no</failure>
</testcase>
<testcase classname="tests.unit.test_cart" name="plain" time="0.25"/>
<testcase classname="tests.unit.test_cart" name="later"><skipped message="not yet"/></testcase>
</testsuite>"""
CONTRACT = {"autoqa-test-report.xml": REPORT}


async def test_results_of_a_failed_run_are_kept_with_their_claims(stage: Stage) -> None:
    run = await asyncio.to_thread(
        stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT, conclusion="failure"
    )
    done = await stage.ran(run)

    assert isinstance(done, Done)
    result = as_object(done.result)
    assert (result["status"], result["reports"], result["problems"], result["tests"]) == (
        "recorded", 1, 0, 4,
    )  # fmt: skip
    first, second = await stage.claims(run.head_sha)
    assert (first.criterion_id, first.issue, first.outcome) == ("T1", None, Outcome.PASSED)
    assert first.file == "tests/unit/test_cart.py"
    assert (second.criterion_id, second.outcome, second.flaky) == ("T2", Outcome.FAILED, False)
    assert (second.failures, second.observed) == (1, 1)
    assert first.artifact_digest == run.artifacts[0].digest
    assert (first.run_id, first.attempt, first.from_fork) == (run.id, 1, False)
    (report,) = await stage.reports(run.head_sha)
    assert (report.dialect, report.member) == ("junit", "autoqa-test-report.xml")
    assert (report.totals.tests, report.totals.failed, report.totals.skipped) == (4, 1, 1)
    assert report.totals.duration_s == 1.0
    (told,) = stage.told
    assert (told.head_sha, told.run_id, told.attempt) == (run.head_sha, run.id, 1)


async def test_the_same_event_again_changes_nothing_and_tells_nobody(stage: Stage) -> None:
    run = await stage.workflow(CONTRACT)
    before = await stage.claims(run.head_sha)
    calls = len(stage.sandbox.gateway.seen)
    done = await stage.ran(run)

    assert isinstance(done, Done)
    assert as_object(done.result)["status"] == "nothing new"
    assert await stage.claims(run.head_sha) == before
    assert len(stage.told) == 1
    fetched = [path for _, path, _ in list(stage.sandbox.gateway.seen)[calls:] if "/zip" in path]
    assert fetched == []


async def test_the_newest_attempt_counts_and_keeps_artifacts_that_stayed(stage: Stage) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    sandbox.upload_artifact(REPOSITORY, run.id, "unit-results", files={"r.xml": REPORT})
    sandbox.upload_artifact(REPOSITORY, run.id, files={"r.xml": REPORT + " "})
    sandbox.finish_run(REPOSITORY, run.id, "failure")
    await stage.ran(run)
    sandbox.rerun(REPOSITORY, run.id)
    stage.clock.advance(60)
    fixed = "<testsuite><testcase classname='autoqa:T2' name='removes'/></testsuite>"
    sandbox.upload_artifact(REPOSITORY, run.id, files={"r.xml": fixed})
    sandbox.finish_run(REPOSITORY, run.id)
    await stage.ran(run)

    claims = await stage.claims(run.head_sha)
    assert {(c.attempt, c.artifact_name, c.criterion_id, c.outcome.value) for c in claims} == {
        (2, "unit-results", "T1", "passed"),
        (2, "unit-results", "T2", "failed"),
        (2, "autoqa-test-report", "T2", "passed"),
    }
    page = await stage.database.read(
        lambda unit: stage.runs.list_runs(unit, REPOSITORY, None, None, 10)
    )
    assert [one.facts.attempt for one in page.items] == [2, 1]


async def test_runs_of_forks_are_marked(stage: Stage) -> None:
    stage.sandbox.create_repository("stranger/shop", private=False)
    run = await asyncio.to_thread(
        stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT, head_repository="stranger/shop"
    )
    await stage.ran(run)
    claims = await stage.claims(run.head_sha)
    assert claims
    assert all(claim.from_fork for claim in claims)
    (told,) = stage.told
    assert (told.from_fork, told.head_repository) == (True, "stranger/shop")
    assert told.pull_requests == ()


async def test_an_expired_artifact_is_a_problem_with_its_reason(stage: Stage) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    made = sandbox.upload_artifact(REPOSITORY, run.id, files=CONTRACT)
    sandbox.finish_run(REPOSITORY, run.id)
    sandbox.expire_artifact(REPOSITORY, made.id)
    assert isinstance(await stage.ran(run), Done)
    (report,) = await stage.reports(run.head_sha)
    assert (report.problem, report.member, report.totals.tests) == (Problem.EXPIRED, "", 0)
    await stage.ran(run)
    assert len(await stage.reports(run.head_sha)) == 1
    assert len(stage.told) == 1


async def test_bytes_that_are_no_zip_and_zips_that_break_off_are_problems(stage: Stage) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    whole = zip_of({"a.xml": REPORT})
    sandbox.upload_artifact(REPOSITORY, run.id, data=b"<html>sorry</html>")
    sandbox.finish_run(REPOSITORY, run.id)
    assert isinstance(await stage.ran(run), Done)
    (report,) = await stage.reports(run.head_sha)
    assert report.problem is Problem.NOT_A_ZIP
    cut = await asyncio.to_thread(sandbox.start_run, REPOSITORY, name="Other")
    sandbox.upload_artifact(REPOSITORY, cut.id, data=whole[: len(whole) // 2])
    sandbox.finish_run(REPOSITORY, cut.id)
    assert isinstance(await stage.ran(cut), Done)
    assert {r.problem for r in await stage.reports(run.head_sha)} == {Problem.NOT_A_ZIP}


async def test_members_that_are_no_reports_are_told_of_only_where_they_should_be(
    stage: Stage,
) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    files = {"pom.xml": "<project/>", "site/index.html": "<html/>", "r.xml": REPORT}
    sandbox.upload_artifact(REPOSITORY, run.id, files=files)
    sandbox.upload_artifact(REPOSITORY, run.id, "build", files={"pom.xml": "<project/>"})
    sandbox.finish_run(REPOSITORY, run.id)
    await stage.ran(run)
    found = {(r.artifact_name, r.member): r.problem for r in await stage.reports(run.head_sha)}
    assert found == {
        ("autoqa-test-report", "pom.xml"): Problem.UNKNOWN,
        ("autoqa-test-report", "r.xml"): None,
    }


async def test_named_patterns_choose_the_artifacts(stage: Stage) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    sandbox.upload_artifact(REPOSITORY, run.id, "unit-linux", files={"r.xml": REPORT})
    sandbox.upload_artifact(REPOSITORY, run.id, "other", files={"r.xml": REPORT})
    sandbox.finish_run(REPOSITORY, run.id)
    await stage.ran(run, "unit-*")
    assert [r.artifact_name for r in await stage.reports(run.head_sha)] == ["unit-linux"]


async def test_findings_are_put_aside_and_handed_on(stage: Stage) -> None:
    health = '{"findings": []}'
    run = await stage.workflow({**CONTRACT, "code_health.json": health, "lint.sarif": "{}"})
    kinds = {(one.kind, one.member, one.head_sha) for one in stage.found}
    assert kinds == {
        ("code_health", "code_health.json", run.head_sha),
        ("sarif", "lint.sarif", run.head_sha),
    }
    (one,) = [found for found in stage.found if found.kind == "code_health"]
    reading = await stage.blobs.get(one.blob)
    assert b"".join([chunk async for chunk in reading.chunks]) == health.encode()
    await stage.ran(run)
    assert len(stage.found) == 2


async def test_an_address_that_ended_is_asked_for_anew_without_our_token(stage: Stage) -> None:
    run = await asyncio.to_thread(stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT)
    world, given = stage.sandbox.world, []

    class Slow(dict[str, tuple[int, bytes]]):
        def __setitem__(self, key: str, value: tuple[int, bytes]) -> None:
            given.append(key)
            super().__setitem__(key, value if len(given) > 1 else (0, b""))

    world.downloads = Slow()
    assert isinstance(await stage.ran(run), Done)
    assert len(given) == 2
    assert len(await stage.claims(run.head_sha)) == 2


async def test_what_cannot_be_reached_is_tried_again_and_then_a_problem(stage: Stage) -> None:
    run = await asyncio.to_thread(stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT)

    class Nothing(dict[str, tuple[int, bytes]]):
        def get(self, *_: object) -> tuple[int, bytes]:  # type: ignore[override]
            return 0, b""

    stage.sandbox.world.downloads = Nothing()
    job = stage.job_of(run)
    assert isinstance(await stage.work(job), Retry)
    assert await stage.reports(run.head_sha) == ()
    last = NewJob(job.kind, job.payload, max_attempts=1, repository=REPOSITORY)
    assert isinstance(await stage.work(last), Done)
    (report,) = await stage.reports(run.head_sha)
    assert report.problem is Problem.UNREACHABLE
    stage.sandbox.world.downloads = {}
    assert isinstance(await stage.ran(run), Done)
    (report,) = await stage.reports(run.head_sha)
    assert (report.problem, report.totals.tests) == (None, 4)


async def test_an_address_inside_is_not_followed_unless_it_is_allowed(stage: Stage) -> None:
    run = await asyncio.to_thread(stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT)
    strict = GuardedHttp()
    done = await stage.work(stage.job_of(run), stage.make_handler(strict))
    await strict.close()
    assert isinstance(done, Done)
    (report,) = await stage.reports(run.head_sha)
    assert report.problem is Problem.UNREACHABLE
    assert "HOOKYARD_OUTBOUND_ALLOW" in report.detail


async def test_a_digest_that_is_not_githubs_is_a_problem(stage: Stage) -> None:
    run = await asyncio.to_thread(stage.sandbox.run_workflow, REPOSITORY, files=CONTRACT)
    run.artifacts[0].digest = "sha256:" + "0" * 64
    assert isinstance(await stage.ran(run), Done)
    (report,) = await stage.reports(run.head_sha)
    assert report.problem is Problem.DIGEST
    assert await stage.claims(run.head_sha) == ()


async def test_a_run_without_artifacts_is_told_too(stage: Stage) -> None:
    run = await asyncio.to_thread(stage.sandbox.run_workflow, REPOSITORY, conclusion="failure")
    assert isinstance(await stage.ran(run), Done)
    assert [told.run_id for told in stage.told] == [run.id]
    assert await stage.reports(run.head_sha) == ()


async def test_a_payload_without_a_run_fails_at_once(stage: Stage) -> None:
    failed = await stage.work(NewJob(KIND.name, {"run": {"repository": "acme/shop"}}))
    assert isinstance(failed, Fail)
    assert failed.code == "bad_payload"


async def test_cases_are_listed_in_pages_with_filters(stage: Stage) -> None:
    run = await stage.workflow(CONTRACT)
    database, runs = stage.database, stage.runs
    one = await database.read(lambda unit: runs.find(unit, REPOSITORY, run.id, None))
    assert one is not None
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await database.read(
            lambda unit, at=cursor: runs.list_cases(unit, one[0].id, CaseFilter(), at, 1)
        )
        seen.extend(item.case.name for item in page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["T1::adds", "removes", "later"]
    failed = await database.read(
        lambda unit: runs.list_cases(unit, one[0].id, CaseFilter(Outcome.FAILED), None, 9)
    )
    assert [item.case.message for item in failed.items] == ["no"]
    named = await database.read(
        lambda unit: runs.list_cases(unit, one[0].id, CaseFilter(criterion="T1"), None, 9)
    )
    assert [item.case.ids for item in named.items] == [("T1",)]
