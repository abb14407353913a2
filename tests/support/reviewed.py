"""Pull requests of a simulated GitHub, as tests of reviews open them and look at their checks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hookyard_sandbox.github.model import CheckRun
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.worlds import REPOSITORY, World, open_world

BODY = """## Acceptance criteria
- [ ] An address with a plus sign can sign in
- [ ] A wrong password shows an error
"""


@asynccontextmanager
async def world_on(
    engine: str, request: pytest.FixtureRequest, folder: Path
) -> AsyncIterator[World]:
    """Hookyard on an engine, beside a simulated GitHub."""
    async with AsyncExitStack() as stack:
        environ = {}
        if engine == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = server.lend(an_installation)
            stack.callback(server.take_back, name)
            environ["DATABASE_URL"] = server.url(name)
        yield await open_world(stack, folder, environ)


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


async def shown(world: World, number: int) -> Any:
    """The pull request as the API shows it."""
    answer = await world.caller.get(f"/api/repos/{REPOSITORY}/prs/{number}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def verdicts(view: Any) -> dict[str, str]:
    """The verdict on each criterion by its id."""
    return {one["id"]: one["verdict"] for one in view["verdict"]["criteria"]}


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
