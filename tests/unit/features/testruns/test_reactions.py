"""The end of a workflow run leads to one job that carries its facts."""

import pytest

from hookyard.core.ingress.model import Event
from hookyard.core.ingress.reactions import Decided, Ignored
from hookyard.core.repositories.config import RepositoryConfig, ResultsConfig
from hookyard.features.testruns.facts import facts_of_run, from_payload
from hookyard.features.testruns.reactions import REACTIONS, on_workflow_run
from hookyard.kit.json import Json, as_object

RUN: dict[str, Json] = {
    "id": 9_000_000_000,
    "run_attempt": 2,
    "name": "Tests",
    "path": ".github/workflows/tests.yml@refs/heads/main",
    "event": "pull_request",
    "conclusion": "failure",
    "head_sha": "a" * 40,
    "head_branch": "topic",
    "head_repository": {"full_name": "Octo/Hello"},
    "html_url": "https://github.test/octo/hello/actions/runs/1",
    "pull_requests": [{"number": 4}, {"number": "x"}, None],
}


def event(
    run: Json = RUN, *, action: str = "completed", repository: str | None = "octo/hello"
) -> Event:
    return Event(
        provider="github",
        name="workflow_run",
        action=action,
        repository=repository,
        subject=None,
        actor="mona",
        actor_id="1",
        actor_is_bot=False,
        app_id=None,
        installation_id=99,
        payload={"workflow_run": run},
    )


def test_a_run_that_ended_is_one_job() -> None:
    config = RepositoryConfig(tests=ResultsConfig(("unit-*",)))
    decided = on_workflow_run(event(), config)
    assert isinstance(decided, Decided)
    (job,) = decided.jobs
    assert (job.kind, job.key) == ("process_workflow_run", "testrun:octo/hello#9000000000")
    assert (job.payload["artifacts"], job.payload["installation_id"]) == (["unit-*"], 99)
    facts = from_payload(as_object(job.payload["run"]))
    assert facts is not None
    assert facts == facts_of_run("octo/hello", RUN)
    assert (facts.attempt, facts.conclusion, facts.pull_requests) == (2, "failure", (4,))
    assert facts.path == ".github/workflows/tests.yml"
    assert not facts.from_fork


def test_only_ended_runs_are_wanted() -> None:
    (reaction,) = REACTIONS
    assert reaction.wants(event())
    assert not reaction.wants(event(action="requested"))


def test_a_head_in_another_repository_or_in_none_is_a_fork() -> None:
    for head in ({"full_name": "stranger/hello"}, None):
        facts = facts_of_run("octo/hello", RUN | {"head_repository": head})
        assert facts is not None
        assert facts.from_fork


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": 0}, {"id": 2**70}, {"head_sha": "main"}, {"head_sha": None},
        {"run_attempt": 2**40},
    ],
)  # fmt: skip
def test_a_run_without_id_or_commit_is_ignored(change: dict[str, Json]) -> None:
    assert isinstance(on_workflow_run(event(RUN | change), RepositoryConfig()), Ignored)
    assert isinstance(on_workflow_run(event(repository=None), RepositoryConfig()), Ignored)


@pytest.mark.parametrize("payload", [{}, {"repository": "a/b"}, {"repository": 1, "run_id": "x"}])
def test_a_payload_that_is_not_whole_is_none(payload: dict[str, Json]) -> None:
    assert from_payload(payload) is None
