"""What comes together on a pull request beside tests: links made by hand, findings, notices."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from hookyard.entrypoints.cli.main import cli
from hookyard_sandbox.github.faults import Fault
from hookyard_sandbox.github.model import CheckRun
from tests.support.browsers import Browser, browsing
from tests.support.reviewed import BODY, check, head, opened, pull, run_of, shown, verdicts
from tests.support.worlds import ADMIN, REPOSITORY, World, open_world

TEAMS = """
rules:
  - people: [alice]
    role: operator
    scope: repo:acme/shop
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_TEAMS_FILE": str(rules)}
        yield await open_world(stack, tmp_path, environ, agent=False)


@pytest.fixture
async def alice(world: World) -> AsyncIterator[Browser]:
    world.sandbox.sign_in_as("alice")
    async with browsing(str(world.caller.http.base_url).rstrip("/")) as made:
        await made.sign_in()
        yield made


def health(world: World, number: int) -> CheckRun:
    """The newest check of code health on a pull request's head."""
    runs = world.sandbox.repository(REPOSITORY).check_runs.values()
    sha = head(world, number)
    return [r for r in runs if r.head_sha == sha and r.name == "hookyard/health"][-1]


def findings(*places: tuple[str, int, str]) -> dict[str, str]:
    """The CI contract's report, with a finding at each (path, line, rule)."""
    listed = [
        {"path": path, "line": line, "rule": rule, "severity": "error", "message": f"see {rule}"}
        for path, line, rule in places
    ]
    return {"code_health.json": json.dumps({"findings": listed})}


async def test_an_issue_linked_by_hand_is_judged_as_one_that_is_named(world: World) -> None:
    issue = world.issue(BODY)
    await world.settle()
    number = pull(world, "No word of any issue")
    world.sandbox.link_issue(REPOSITORY, number, issue)
    await world.settle()
    view = await shown(world, number)
    assert verdicts(view) == {"T1": "missing", "T2": "missing"}
    assert [(link["number"], link["how"]) for link in view["links"]] == [(issue, "reference")]
    assert check(world, number).conclusion == "failure"


async def test_a_pull_request_whose_links_cannot_be_asked_for_is_judged_by_its_words(
    world: World,
) -> None:
    issue = world.issue(BODY)
    await world.settle()
    world.sandbox.faults.add(Fault("error", path="/graphql", status=403))
    number = pull(world, f"Closes #{issue}")
    await world.settle()
    assert verdicts(await shown(world, number)) == {"T1": "missing", "T2": "missing"}


async def test_findings_in_an_artifact_become_a_check_on_the_lines_that_changed(
    world: World,
) -> None:
    world.sandbox.push(REPOSITORY, {"src/login.py": "a = 1\nb = 2\n"}, by="alice")
    old = ("src/login.py", 1, "E1")
    world.sandbox.run_workflow(REPOSITORY, files=findings(old), artifact="health")
    await world.settle()
    world.sandbox.push(
        REPOSITORY, {"src/login.py": "a = 1\nb = 2\nc = 3\n"}, branch="fix", by="alice"
    )
    number = world.sandbox.create_pull(REPOSITORY, "fix", "Sign in", "", by="alice").number
    await world.settle()
    new = ("src/login.py", 3, "E2")
    world.sandbox.run_workflow(
        REPOSITORY, branch="fix", files=findings(old, new), artifact="health"
    )
    await world.settle()
    run = health(world, number)
    assert run.conclusion == "failure"
    assert [(a.path, a.start_line, a.message) for a in run.annotations] == [
        ("src/login.py", 3, "see E2")
    ]
    answer = await world.caller.get(f"/api/repos/{REPOSITORY}/prs/{number}/health")
    view = answer.json()["assessment"]
    assert (view["new"], view["carried"], view["base"]["how"]) == (1, 1, "base")


async def test_who_opened_a_pull_request_is_told_when_its_verdict_turns(
    world: World, alice: Browser
) -> None:
    _, number = await opened(world)
    run_of(world, number, "T1::test_plus", "T2::test_wrong")
    await world.settle()
    assert check(world, number).conclusion == "success"
    listed = (await alice.get("/api/notifications")).json()["items"]
    assert [item["kind"] for item in listed] == ["criteria.passed", "criteria.failed"]
    assert listed[0]["number"] == number
    assert listed[0]["url"].endswith(f"/{REPOSITORY}/pull/{number}")


async def test_the_command_line_explains_a_check(world: World) -> None:
    _, number = await opened(world)
    run_of(world, number, "T1::test_plus", "-T2::test_wrong")
    await world.settle()
    environ = {
        "HOOKYARD_URL": str(world.caller.http.base_url),
        "HOOKYARD_ADMIN_KEY": ADMIN,
    }
    words = ["explain", "pr", f"{REPOSITORY}#{number}"]
    found = await asyncio.to_thread(CliRunner().invoke, cli, words, env=environ)
    assert found.exit_code == 1
    assert "T2" in found.output
    assert "test_wrong failed" in found.output.replace("\\", "")
    one = await asyncio.to_thread(
        CliRunner().invoke, cli, [*words, "--criterion", "T1", "--json"], env=environ
    )
    assert "T1" in one.stdout
    assert "test_wrong" not in one.stdout
