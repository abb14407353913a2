"""Regenerating a checklist brings back a comment that somebody deleted on GitHub."""

from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, Done
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.model import AppIdentity
from hookyard.features.checklists.jobs import job_for
from hookyard_sandbox.github import changes
from hookyard_sandbox.github.model import Issue

from .conftest import REPOSITORY, Stage

WORDS = "## AC\n- [x] AC-1: it saves\n"


async def land(stage: Stage) -> int:
    """Land every effect that waits; how many jobs that took."""
    identity = AppIdentity(stage.app.id, stage.app.slug)
    handler = LandEffect(stage.github, stage._installation_of, identity)
    request = ClaimRequest("boot/worker", 10, {}, {})
    claimed = await stage.database.write(lambda unit: stage.ledger.claim(unit, request))
    for job in claimed.jobs:
        assert job.kind == LandEffect.kind.name
        outcome = await handler(Run(job, stage.database, stage.ledger, None))
        assert isinstance(outcome, Done), outcome
        await stage.database.write(
            lambda unit, ended=job, how=outcome: stage.ledger.finish(unit, ended, how)
        )
    return len(claimed.jobs)


def open_issue(stage: Stage) -> Issue:
    return stage.sandbox.create_issue(REPOSITORY, "Save", WORDS)


def delete_comment(stage: Stage, issue: Issue) -> None:
    """A maintainer deletes our only comment."""
    it = stage.sandbox.repository(REPOSITORY)
    (comment,) = issue.comments
    person = stage.sandbox.person(REPOSITORY.split("/")[0])
    changes.delete_comment(stage.sandbox.world, it, person, issue, comment)


async def test_a_deleted_comment_comes_back(stage: Stage) -> None:
    issue = open_issue(stage)
    await stage.work(job_for(REPOSITORY, issue.number))
    assert await land(stage) == 1
    (first,) = [comment.body for comment in issue.comments]
    delete_comment(stage, issue)
    await stage.work(job_for(REPOSITORY, issue.number))
    assert (await land(stage), issue.comments) == (0, [])
    await stage.work(job_for(REPOSITORY, issue.number, again=True))
    assert await land(stage) == 1
    assert [comment.body for comment in issue.comments] == [first]
    assert "it saves" in first


async def test_a_comment_that_stands_is_not_doubled(stage: Stage) -> None:
    issue = open_issue(stage)
    await stage.work(job_for(REPOSITORY, issue.number))
    await land(stage)
    (before,) = [comment.id for comment in issue.comments]
    await stage.work(job_for(REPOSITORY, issue.number, again=True))
    assert await land(stage) == 1
    assert [comment.id for comment in issue.comments] == [before]
