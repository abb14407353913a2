"""Issues that are deleted or transferred: noted, never revived by late events, ids kept."""

import pytest

from hookyard.core.jobs.model import Done, Fail
from hookyard.features.checklists.jobs import follow_job, job_for
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import NotFound
from hookyard.kit.json import JsonObject, as_object

from .conftest import REPOSITORY, Stage

T0 = 1_700_000_000_000
SECOND = 1000
AC = "## AC\n\n"
OLD = "acme/attic"


async def done(stage: Stage, outcome: object) -> JsonObject:
    assert isinstance(outcome, Done)
    return as_object(outcome.result)


async def lose(stage: Stage, number: int, gone: str, repository: str = REPOSITORY) -> JsonObject:
    return await done(stage, await stage.work(job_for(repository, number, gone=gone)))


async def arrive(stage: Stage, body: str, at_ms: int) -> JsonObject:
    issue: JsonObject = {"title": "Save", "body": body, "updated_at": to_rfc3339(at_ms)}
    origin: JsonObject = {"repository": OLD, "number": 3}
    job = job_for(REPOSITORY, 7, issue=issue, moved_from=origin)
    return await done(stage, await stage.work(job))


async def leave_behind(stage: Stage) -> None:
    for n, body in enumerate(("- one thing\n- other words\n", "- other words\n")):
        at = to_rfc3339(T0 + n * SECOND)
        issue: JsonObject = {"title": "Save", "body": AC + body, "updated_at": at}
        await stage.work(job_for(OLD, 3, issue=issue))
    await stage.database.write(
        lambda unit: stage.checklists.waive(unit, OLD, 3, "T2", "user:1", "by hand", T0)
    )


async def test_a_deleted_issue_is_noted_and_told_once(stage: Stage) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    assert await lose(stage, 7, "deleted") == {"status": "gone", "reason": "deleted", "known": True}
    await lose(stage, 7, "deleted")
    view = await stage.kept(7)
    assert (view.checklist.gone, view.checklist.revision) == ("deleted", 2)
    assert [change.revision for change in stage.told] == [1, 2]
    assert (await lose(stage, 8, "deleted"))["known"] is False


async def test_a_late_event_does_not_bring_a_deleted_issue_back(stage: Stage) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    await lose(stage, 7, "deleted")
    late = await stage.say(7, AC + "- it saves all\n", T0 + SECOND)
    assert late["status"] == "gone"
    assert (await stage.kept(7)).checklist.gone == "deleted"


async def test_an_issue_that_github_shows_again_stands_again(stage: Stage) -> None:
    issue = stage.sandbox.create_issue(REPOSITORY, "Save", AC + "- it saves\n")
    await stage.say(issue.number, AC + "- it saves\n", T0)
    await lose(stage, issue.number, "transferred")
    await stage.say(issue.number, AC + "- it saves\n", T0 + SECOND)
    view = await stage.kept(issue.number)
    assert (view.checklist.gone, view.checklist.revision) == (None, 3)
    assert [criterion.id for criterion in view.checklist.criteria] == ["T1"]


@pytest.mark.parametrize("left_first", [True, False])
async def test_a_transferred_issue_keeps_its_ids_and_its_past(
    stage: Stage, left_first: bool
) -> None:
    await leave_behind(stage)
    if left_first:
        await lose(stage, 3, f"transferred to {REPOSITORY}#7", OLD)
    result = await arrive(stage, AC + "- other words\n- new matter\n", T0 + 2 * SECOND)
    if not left_first:
        assert (await lose(stage, 3, f"transferred to {REPOSITORY}#7", OLD))["known"] is False
    assert result["added"] == ["T3"]
    assert await stage.ids(7) == [("T2", "other words"), ("T3", "new matter")]
    view = await stage.kept(7)
    held = view.checklist.criteria[0].waiver
    assert view.checklist.gone is None
    assert held is not None
    assert held.reason == "by hand"
    past = await stage.database.read(
        lambda unit: stage.checklists.history(unit, REPOSITORY, 7, "T1")
    )
    assert past.criterion.text == "one thing"
    with pytest.raises(NotFound):
        await stage.database.read(lambda unit: stage.checklists.history(unit, OLD, 3, "T1"))
    assert {(change.repository, change.number) for change in stage.told[-3:]} >= {
        (OLD, 3),
        (REPOSITORY, 7),
    }


async def test_what_is_known_at_the_new_place_is_not_replaced(stage: Stage) -> None:
    await leave_behind(stage)
    await stage.say(7, AC + "- own words\n", T0)
    await arrive(stage, AC + "- own words\n", T0 + SECOND)
    assert await stage.ids(7) == [("T1", "own words")]


async def test_what_is_kept_of_a_repository_follows_its_new_name(stage: Stage) -> None:
    await leave_behind(stage)
    issue: JsonObject = {"title": "x", "body": AC + "- a\n", "updated_at": to_rfc3339(T0)}
    await stage.work(job_for(OLD, 7, issue=issue))
    await stage.say(7, AC + "- own words\n", T0)
    moved = await done(stage, await stage.work(follow_job(OLD.upper(), REPOSITORY)))
    assert moved == {"checklists": 1}
    assert await stage.ids(3) == [("T2", "other words")]
    assert await stage.ids(7) == [("T1", "own words")]
    again = await done(stage, await stage.work(follow_job(REPOSITORY, REPOSITORY.lower())))
    assert again == {"checklists": 2}
    assert (await stage.kept(3)).checklist.repository == REPOSITORY.lower()


async def test_a_new_name_that_is_none_fails(stage: Stage) -> None:
    outcome = await stage.work(follow_job("nonsense", REPOSITORY))
    assert isinstance(outcome, Fail)
