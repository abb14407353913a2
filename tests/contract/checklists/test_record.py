"""Words of an issue end as kept criteria and one comment, on every database."""

from sqlalchemy import select

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.model import Done, Fail, Hold, NewJob, Retry
from hookyard.features.checklists import store
from hookyard.features.checklists.jobs import KIND, job_for
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.json import as_object

from .conftest import REPOSITORY, Stage

T0 = 1_700_000_000_000
SECOND = 1000


async def test_words_become_criteria_and_one_comment(stage: Stage) -> None:
    result = await stage.say(7, "## AC\n- [ ] it saves\n- [x] it loads\n", T0)

    assert (result["status"], result["criteria"], result["added"]) == ("recorded", 2, ["T1", "T2"])
    view = await stage.kept(7)
    assert [c.checked for c in view.checklist.criteria] == [False, True]
    assert (view.checklist.repository, view.checklist.title) == (REPOSITORY, "Save")
    assert (view.checklist.revision, view.checklist.confidence.value) == (1, "high")
    assert view.comment is not None
    assert view.comment.id == result["effect_id"]
    body = await stage.comment_body()
    assert "**T1** it saves" in body
    assert "1 of 2 ticked" in body


async def test_ids_survive_edits_and_retired_ones_stay_on_record(stage: Stage) -> None:
    await stage.say(7, "## AC\n- first thing\n- second matter\n", T0)
    result = await stage.say(7, "## AC\n- third idea\n- second matters\n", T0 + SECOND)

    assert await stage.ids(7) == [("T3", "third idea"), ("T2", "second matters")]
    assert (result["retired"], result["revised"], result["revision"]) == (["T1"], ["T2"], 2)

    def retired(unit: Unit) -> list[tuple[str, int]]:
        rows = unit.fetch(select(store.CRITERIA).where(store.CRITERIA.c.retired_at_ms.is_not(None)))
        return [(row["id"], row["retired_at_ms"]) for row in rows]

    assert await stage.database.read(retired) == [("T1", stage.clock.now_ms())]
    await stage.say(7, "## AC\n- first thing\n", T0 + 2 * SECOND)
    assert await stage.ids(7) == [("T4", "first thing")]


async def test_the_same_words_again_change_nothing(stage: Stage) -> None:
    first = await stage.say(7, "## AC\n- one\n", T0)
    before = await stage.effects()
    again = await stage.say(7, "## AC\n- one\n", T0)
    later = await stage.say(7, "## AC\n- one\n", T0 + SECOND)
    assert first["effect_id"] is not None
    assert (again["effect_id"], later["effect_id"]) == (None, None)
    assert (again["revision"], later["revision"]) == (1, 1)
    assert [e.generation for e in await stage.effects()] == [e.generation for e in before]


async def test_older_words_never_replace_newer_ones(stage: Stage) -> None:
    await stage.say(7, "## AC\n- new words\n", T0 + SECOND)
    result = await stage.say(7, "## AC\n- old words\n", T0)
    assert result["status"] == "outdated"
    assert await stage.ids(7) == [("T1", "new words")]


async def test_two_texts_of_one_second_are_settled_by_asking_github(stage: Stage) -> None:
    issue = stage.sandbox.create_issue(REPOSITORY, "Save", "## AC\n- what stands\n")
    at_ms = issue.updated_at_ms // SECOND * SECOND
    await stage.say(issue.number, "## AC\n- what stands\n", at_ms)
    result = await stage.say(issue.number, "## AC\n- what stood before\n", at_ms)
    assert result["status"] == "recorded"
    assert await stage.ids(issue.number) == [("T1", "what stands")]


async def test_an_issue_without_criteria_gets_no_comment(stage: Stage) -> None:
    result = await stage.say(7, "Just words.", T0)
    assert (result["criteria"], result["effect_id"]) == (0, None)
    assert await stage.effects() == []
    assert (await stage.kept(7)).comment is None


async def test_a_comment_that_stands_says_when_the_criteria_are_gone(stage: Stage) -> None:
    await stage.say(7, "## AC\n- one\n", T0)
    result = await stage.say(7, "Never mind.", T0 + SECOND)
    assert result["retired"] == ["T1"]
    assert "None found in this issue" in await stage.comment_body()


async def test_a_repository_that_wants_no_comment_gets_none_on_regenerate_either(
    stage: Stage,
) -> None:
    issue = stage.sandbox.create_issue(REPOSITORY, "Save", "## AC\n- one\n")
    await stage.say(issue.number, "## AC\n- one\n", T0 - SECOND, comment=False)
    outcome = await stage.work(job_for(REPOSITORY, issue.number, again=True))
    assert isinstance(outcome, Done)
    assert await stage.effects() == []
    await stage.say(issue.number, "## AC\n- two\n", T0 + SECOND, comment=True)
    assert len(await stage.effects()) == 1


async def test_words_are_fetched_when_no_event_carried_them(stage: Stage) -> None:
    issue = stage.sandbox.create_issue(REPOSITORY, "Load", "## AC\n- from GitHub\n")
    outcome = await stage.work(job_for(REPOSITORY, issue.number))
    assert isinstance(outcome, Done)
    assert await stage.ids(issue.number) == [("T1", "from GitHub")]
    assert (await stage.kept(issue.number)).checklist.title == "Load"


async def test_an_issue_github_does_not_show_is_done_and_says_so(stage: Stage) -> None:
    outcome = await stage.work(job_for(REPOSITORY, 404))
    assert isinstance(outcome, Done)
    assert as_object(outcome.result)["status"] == "gone"
    stage.installed = False
    outcome = await stage.work(job_for(REPOSITORY, 405))
    assert isinstance(outcome, Done)
    assert as_object(outcome.result)["status"] == "gone"


async def test_a_failing_github_is_tried_again_later(stage: Stage) -> None:
    stage.sandbox.create_issue(REPOSITORY, "Load", "## AC\n- x\n")
    stage.sandbox.fail("error", times=None, path="*/repos/*")
    outcome = await stage.work(job_for(REPOSITORY, 1))
    assert isinstance(outcome, Retry)
    assert await stage.effects() == []


async def test_a_rate_limit_holds_the_job_without_blame(stage: Stage) -> None:
    stage.sandbox.create_issue(REPOSITORY, "Load", "## AC\n- x\n")
    stage.sandbox.fail("secondary_limit", times=None, path="*/repos/*")
    outcome = await stage.work(job_for(REPOSITORY, 1))
    assert isinstance(outcome, Hold)
    assert outcome.waiting_for.holder == "github secondary"
    assert (outcome.waiting_for.until_ms or 0) > stage.clock.now_ms()


async def test_a_payload_that_names_no_issue_is_dead_with_a_reason(stage: Stage) -> None:
    for payload in (
        {},
        {"repository": "no-owner", "number": 1},
        {"repository": "a/b", "number": 0},
    ):
        outcome = await stage.work(NewJob(kind=KIND.name, payload=payload))
        assert isinstance(outcome, Fail)
        assert outcome.code == "bad_payload"


async def test_hostile_words_are_kept_without_failing(stage: Stage) -> None:
    body = "## AC \x00\n- nul \x00 and \ud800 lone\n- @everyone <script>\n" + "- x\n" * 500
    result = await stage.say(7, body, T0, title="a \x00 \ud800 title " * 50)
    assert result["criteria"] == 200
    assert "<script" not in await stage.comment_body()
    assert "@everyone" not in await stage.comment_body()


async def test_a_time_that_is_none_is_fetched_instead_of_trusted(stage: Stage) -> None:
    number = stage.sandbox.create_issue(REPOSITORY, "Save", "## AC\n- fetched\n").number
    for bad in ("", "yesterday", "2026-01-01", "0001-01-01T00:00:00Z", "9" * 400):
        issue = {"title": "x", "body": "## AC\n- carried\n", "updated_at": bad}
        await stage.work(job_for(REPOSITORY, number, issue=issue))
        assert await stage.ids(number) == [("T1", "fetched")]


async def test_repositories_are_compared_without_case(stage: Stage) -> None:
    await stage.say(7, "## AC\n- one\n", T0)
    issue = {"title": "", "body": "## AC\n- one\n- two\n", "updated_at": to_rfc3339(T0 + SECOND)}
    await stage.work(job_for(REPOSITORY.upper(), 7, issue=issue))
    assert await stage.ids(7) == [("T1", "one"), ("T2", "two")]


async def test_known_checklists_are_listed_by_page(stage: Stage) -> None:
    for number in (1, 2, 3):
        await stage.say(number, "## AC\n" + "- [x] thing\n" * number, T0, title=f"No {number}")
    await stage.say(2, "## AC\n- [ ] thing\n", T0 + SECOND, title="No 2")
    seen = []
    cursor = None
    while True:
        page = await stage.database.read(
            lambda unit, at=cursor: stage.checklists.list_page(unit, REPOSITORY, at, 2)
        )
        seen += [(item.number, item.title, item.criteria, item.checked) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [(3, "No 3", 3, 3), (2, "No 2", 1, 0), (1, "No 1", 1, 1)]
