"""The way of test results: CI ends on GitHub, and its cases are there to be asked for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.worlds import REPOSITORY, World, open_world

REPORT = """<testsuite name="s"><testcase classname="tests.test_a" name="T1::a" time="0.5"/>
<testcase classname="tests.test_a" name="b"><failure message="no"/></testcase></testsuite>"""
FILES = {"README.md": "# shop\n", "tests/test_a.py": "1\n"}


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
        yield await open_world(stack, tmp_path, environ, files=FILES)


async def test_results_of_a_failed_run_can_be_asked_for(world: World) -> None:
    run = world.sandbox.run_workflow(REPOSITORY, files={"r.xml": REPORT}, conclusion="failure")
    await world.settle()

    (job,) = await world.jobs("process_workflow_run")
    assert job.state == "succeeded", job.error
    shown = (await world.caller.get(f"/api/repos/{REPOSITORY}/runs/{run.id}")).json()
    assert shown["run"]["totals"]["failed"] == 1
    assert [report["problem"] for report in shown["reports"]] == [None]
    cases = (await world.caller.get(f"/api/repos/{REPOSITORY}/runs/{run.id}/cases")).json()
    assert [(one["name"], one["ids"], one["file"]) for one in cases["items"]] == [
        ("T1::a", ["T1"], "tests/test_a.py"),
        ("b", [], "tests/test_a.py"),
    ]


async def test_a_broken_artifact_is_told_and_nothing_dies(world: World) -> None:
    run = world.sandbox.start_run(REPOSITORY)
    world.sandbox.upload_artifact(REPOSITORY, run.id, data=b"PK\x03\x04 and no more")
    world.sandbox.finish_run(REPOSITORY, run.id, "failure")
    await world.settle()

    (job,) = await world.jobs("process_workflow_run")
    assert job.state == "succeeded", job.error
    shown = (await world.caller.get(f"/api/repos/{REPOSITORY}/runs/{run.id}")).json()
    assert [report["problem"] for report in shown["reports"]] == ["not_a_zip"]
