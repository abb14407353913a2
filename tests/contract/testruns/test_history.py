"""What cases did on each commit: flaky, broken, steady again."""

import asyncio

from hookyard.features.testruns.rules import Nature

from .conftest import REPOSITORY, Stage


def report(*, passes: bool, name: str = "T1::adds", other: str = "") -> dict[str, str]:
    inner = "" if passes else "<failure message='no'/>"
    case = f"<testcase classname='tests.test_a' name='{name}'>{inner}</testcase>"
    return {"r.xml": f"<testsuite name='s'>{case}{other}</testsuite>"}


async def unsteady(stage: Stage) -> dict[str, tuple[Nature, int, int]]:
    found = await stage.database.read(
        lambda unit: stage.runs.unsteady(unit, REPOSITORY, stage.clock.now_ms())
    )
    return {h.name: (j.nature, j.failures, j.observed) for h, j in found}


async def push(stage: Stage) -> None:
    text = str(stage.clock.now_ms())
    await asyncio.to_thread(stage.sandbox.push, REPOSITORY, {"a.txt": text})
    stage.clock.advance(60)


async def test_a_pass_and_a_failure_on_one_commit_are_flaky_in_either_order(stage: Stage) -> None:
    run = await stage.workflow(report(passes=True))
    await stage.workflow(report(passes=False))
    claims = await stage.claims(run.head_sha)
    assert {(c.outcome.value, c.flaky, c.failures, c.observed) for c in claims} == {
        ("passed", True, 1, 2),
        ("failed", True, 1, 2),
    }
    await push(stage)
    await stage.workflow(report(passes=False, name="T2::other"))
    await stage.workflow(report(passes=True, name="T2::other"))
    assert await unsteady(stage) == {
        "T1::adds": (Nature.FLAKY, 1, 2),
        "T2::other": (Nature.FLAKY, 1, 2),
    }


async def test_failures_on_two_commits_without_a_pass_are_broken(stage: Stage) -> None:
    await stage.workflow(report(passes=False))
    assert (await unsteady(stage))["T1::adds"] == (Nature.FAILING, 1, 1)
    await push(stage)
    await stage.workflow(report(passes=False))
    assert (await unsteady(stage))["T1::adds"] == (Nature.BROKEN, 2, 2)
    await push(stage)
    await stage.workflow(report(passes=True))
    assert (await unsteady(stage))["T1::adds"] == (Nature.STEADY, 2, 3)


async def test_a_report_that_tells_of_runs_again_is_flaky_by_itself(stage: Stage) -> None:
    again = "<testcase classname='c' name='T3::shaky'><flakyFailure message='x'/></testcase>"
    run = await stage.workflow(report(passes=True, other=again))
    (_, claim) = await stage.claims(run.head_sha)
    assert (claim.outcome.value, claim.flaky, claim.failures, claim.observed) == (
        "passed", True, 1, 2,
    )  # fmt: skip
    assert await unsteady(stage) == {"T3::shaky": (Nature.FLAKY, 1, 2)}


async def test_other_configurations_are_other_cases(stage: Stage) -> None:
    sandbox = stage.sandbox
    run = await asyncio.to_thread(sandbox.start_run, REPOSITORY)
    sandbox.upload_artifact(REPOSITORY, run.id, "linux", files=report(passes=True))
    sandbox.upload_artifact(REPOSITORY, run.id, "windows", files=report(passes=False))
    sandbox.finish_run(REPOSITORY, run.id, "failure")
    await stage.ran(run)
    assert {c.flaky for c in await stage.claims(run.head_sha)} == {False}
    assert await unsteady(stage) == {"T1::adds": (Nature.FAILING, 1, 1)}


async def test_old_runs_and_their_history_go(stage: Stage) -> None:
    run = await stage.workflow({**report(passes=False), "code_health.json": "{}"})
    stage.clock.advance(100 * 86_400)
    purged = await stage.database.write(
        lambda unit: stage.runs.purge(unit, stage.clock.now_ms(), 30, 50)
    )
    assert (purged.runs, len(purged.keys)) == (1, 1)
    assert await stage.claims(run.head_sha) == ()
    assert await unsteady(stage) == {}
