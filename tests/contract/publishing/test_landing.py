"""Effects land on GitHub once, whatever breaks on the way."""

import asyncio
from dataclasses import replace

import pytest

from hookyard.core.jobs.model import Done, JobState, Retry
from hookyard.core.publishing.keys import marker
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.model import (
    Annotation,
    CheckRunEffect,
    CommentEffect,
    EffectFilter,
    EffectState,
    IssueEffect,
    ReactionEffect,
)
from hookyard_sandbox.github.faults import Fault
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")
FIRST = marker("comment:acme/shop#1:criteria") + "\nfirst"


def annotations(count: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation("README.md", 1, 1, "warning", f"remark {number}") for number in range(count)
    )


def run(stage: Stage, count: int = 0, conclusion: str | None = "failure") -> CheckRunEffect:
    return CheckRunEffect(
        REPOSITORY,
        stage.sha(),
        "criteria",
        "2 of 3",
        "Two criteria are met.",
        conclusion=conclusion,
        annotations=annotations(count),
    )


async def test_a_comment_lands_with_its_marker_and_address(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    assert await stage.settle() == 1
    effect = await stage.effect(effect_id)
    assert stage.bodies() == [FIRST]
    assert effect.state is EffectState.LANDED
    assert effect.url is not None
    assert f"/{REPOSITORY}/issues/1#issuecomment-{effect.external_id}" in effect.url
    assert await stage.job_state(effect.job_id) is JobState.SUCCEEDED
    assert stage.looks() == 0


async def test_a_state_that_stands_already_costs_nothing(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    assert await stage.want(COMMENT) == effect_id
    assert await stage.settle() == 0
    assert stage.writes() == ["POST"]


async def test_a_burst_before_the_first_landing_is_one_call(stage: Stage) -> None:
    for number in range(20):
        await stage.want(replace(COMMENT, body=f"update {number}"))
    assert await stage.settle() == 1
    assert stage.writes() == ["POST"]
    assert stage.bodies()[0].endswith("\nupdate 19")


async def test_a_burst_beside_a_running_landing_ends_in_the_last_state(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    running = await stage.claim()
    assert running is not None
    for number in range(20):
        await stage.want(replace(COMMENT, body=f"update {number}"))
    await stage.attempt(running)
    await stage.settle()
    assert stage.bodies()[0].endswith("\nupdate 19")
    assert len(stage.writes()) <= 2
    effect = await stage.effect(effect_id)
    assert (effect.state, effect.landed_generation) == (EffectState.LANDED, effect.generation)


async def test_a_request_made_while_the_call_is_out_is_not_lost(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    stage.during_call = lambda: stage.want(replace(COMMENT, body="newer"))
    await stage.settle()
    assert stage.writes() == ["POST", "PATCH"]
    assert [body.rsplit("\n", 1)[1] for body in stage.bodies()] == ["newer"]
    assert (await stage.effect(effect_id)).state is EffectState.LANDED


async def test_a_worker_killed_before_its_intent_leaves_one_comment(stage: Stage) -> None:
    await stage.want(COMMENT)
    await stage.work(dies_at=1)
    await stage.settle(600)
    assert stage.bodies() == [FIRST]
    assert stage.looks() == 0


async def test_a_worker_killed_after_its_intent_leaves_one_comment(stage: Stage) -> None:
    await stage.want(COMMENT)
    stage.before_call = stage.die
    await stage.work()
    assert stage.bodies() == []
    await stage.settle(600)
    assert stage.bodies() == [FIRST]
    assert stage.looks() == 1


async def test_a_worker_killed_between_the_call_and_its_record_leaves_one_comment(
    stage: Stage,
) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.work(dies_at_end=True)
    assert stage.bodies() == [FIRST]
    assert (await stage.effect(effect_id)).external_id is None
    await stage.settle(600)
    assert stage.bodies() == [FIRST]
    assert stage.writes() == ["POST"]
    assert (await stage.effect(effect_id)).state is EffectState.LANDED


async def test_an_answer_that_never_came_leaves_one_comment(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault("reset", method="POST", path="*/comments"))
    await stage.want(COMMENT)
    await stage.work()
    assert isinstance(stage.outcomes[0], Retry)
    await stage.settle(30)
    assert stage.bodies() == [FIRST]
    assert stage.writes() == ["POST"]


async def test_an_error_after_the_comment_was_made_leaves_one_comment(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault("error_after", method="POST", path="*/comments"))
    await stage.want(COMMENT)
    await stage.settle(30)
    assert stage.bodies() == [FIRST]


async def test_a_comment_that_did_not_get_through_is_made_by_the_next_attempt(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add(Fault("drop", method="POST", path="*/comments"))
    await stage.want(COMMENT)
    await stage.settle(30)
    assert stage.bodies() == [FIRST]
    assert isinstance(stage.outcomes[-1], Done)


async def test_a_state_wanted_after_the_crash_is_edited_into_the_comment_found(
    stage: Stage,
) -> None:
    await stage.want(COMMENT)
    await stage.work(dies_at_end=True)
    await stage.want(replace(COMMENT, body="newer"))
    await stage.settle(600)
    assert [body.rsplit("\n", 1)[1] for body in stage.bodies()] == ["newer"]
    assert stage.writes() == ["POST", "PATCH"]


async def test_a_marker_in_a_comment_of_somebody_else_is_not_ours(stage: Stage) -> None:
    await stage.want(COMMENT)
    stage.before_call = stage.die
    await stage.work()
    stage.sandbox.create_comment(REPOSITORY, 1, FIRST, by="mallory")
    await stage.settle(600)
    assert stage.bodies() == [FIRST]
    assert len(stage.sandbox.history(kind="comment", action="created")) == 2


async def test_the_look_reads_every_page_of_a_busy_issue(stage: Stage) -> None:
    await stage.want(COMMENT)
    for number in range(120):
        stage.sandbox.create_comment(REPOSITORY, 1, f"chatter {number}")
    await stage.work(dies_at_end=True)
    await stage.settle(600)
    assert stage.bodies() == [FIRST]


async def test_a_deleted_comment_is_made_anew_once(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    stage.delete_comment((await stage.effect(effect_id)).external_id)
    await stage.want(replace(COMMENT, body="second"))
    await stage.settle()
    assert [body.rsplit("\n", 1)[1] for body in stage.bodies()] == ["second"]
    assert stage.writes() == ["POST", "PATCH", "POST"]


async def test_a_lost_database_finds_its_comment_when_told_to_look(stage: Stage) -> None:
    await stage.want(COMMENT)
    await stage.settle()
    await stage.forget_everything()
    stage.use(LandingOptions(look_on_first=True))
    await stage.want(replace(COMMENT, body="after the loss"))
    await stage.settle()
    assert [body.rsplit("\n", 1)[1] for body in stage.bodies()] == ["after the loss"]


@pytest.mark.parametrize("size", [65_535, 65_536])
async def test_a_body_at_the_limit_and_one_over_it_are_taken(stage: Stage, size: int) -> None:
    await stage.want(replace(COMMENT, body="x" * size))
    await stage.settle()
    assert isinstance(stage.outcomes[0], Done)
    assert len(stage.bodies()[0]) <= 65_535
    assert "not shown" in stage.bodies()[0]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (49, 1), (50, 1), (51, 2), (120, 3)])
async def test_every_annotation_lands_once(stage: Stage, count: int, calls: int) -> None:
    await stage.want(run(stage, count))
    await stage.settle()
    (shown,) = stage.runs()
    assert [a.message for a in shown.annotations] == [f"remark {n}" for n in range(count)]
    assert (shown.name, shown.conclusion) == ("hookyard/criteria", "failure")
    assert len(stage.writes()) == calls


@pytest.mark.parametrize("fault", ["reset", "drop", "error_after", "error"])
@pytest.mark.parametrize("page", [0, 1, 2])
async def test_a_broken_page_of_annotations_is_neither_lost_nor_repeated(
    stage: Stage, fault: str, page: int
) -> None:
    await stage.want(run(stage, 120))
    for _ in range(page):
        stage.sandbox.faults.add(Fault("slow", method="*", path="*/check-runs*", delay_s=0))
    stage.sandbox.faults.add(Fault(fault, path="*/check-runs*"))
    await stage.settle(120)
    (shown,) = stage.runs()
    assert [a.message for a in shown.annotations] == [f"remark {n}" for n in range(120)]


@pytest.mark.parametrize("write", range(1, 6))
async def test_a_worker_killed_at_any_write_leaves_one_check_run(stage: Stage, write: int) -> None:
    effect_id = await stage.want(run(stage, 120))
    await stage.work(dies_at=write)
    await stage.settle(600)
    (shown,) = stage.runs()
    assert [a.message for a in shown.annotations] == [f"remark {n}" for n in range(120)]
    assert (await stage.effect(effect_id)).state is EffectState.LANDED


async def test_a_check_run_goes_from_progress_to_its_conclusion_in_place(stage: Stage) -> None:
    await stage.want(run(stage, conclusion=None))
    await stage.settle()
    (shown,) = stage.runs()
    assert (shown.status, shown.conclusion) == ("in_progress", None)
    await stage.want(run(stage, 3, conclusion="success"))
    await stage.settle()
    (shown,) = stage.runs()
    assert (shown.status, shown.conclusion, len(shown.annotations)) == ("completed", "success", 3)


async def test_annotations_that_no_longer_hold_are_left_with_the_old_run(stage: Stage) -> None:
    await stage.want(run(stage, 60))
    await stage.settle()
    await stage.want(run(stage, 2))
    await stage.work(dies_at_end=True)
    await stage.settle(600)
    old, new = stage.runs()
    assert (len(old.annotations), len(new.annotations)) == (60, 2)
    assert new.external_id == old.external_id + "~2"


async def test_a_lost_database_takes_up_the_newest_check_run(stage: Stage) -> None:
    await stage.want(run(stage))
    await stage.settle()
    await stage.forget_everything()
    stage.use(LandingOptions(look_on_first=True))
    await stage.want(run(stage, conclusion="success"))
    await stage.settle()
    (shown,) = stage.runs()
    assert shown.conclusion == "success"


@pytest.mark.parametrize("comment", [True, False])
async def test_a_reaction_lands_once(stage: Stage, comment: bool) -> None:
    said = stage.sandbox.create_comment(REPOSITORY, 1, "/hookyard check")
    await stage.want(ReactionEffect(REPOSITORY, 1, said.id if comment else None, "eyes"))
    await stage.work(dies_at_end=True)
    await stage.settle(600)
    issue = stage.sandbox.repository(REPOSITORY).issues[1]
    target = said if comment else issue
    assert [reaction.content for reaction in target.reactions] == ["eyes"]
    assert isinstance(stage.outcomes[-1], Done)


async def test_an_issue_lands_once_and_is_edited_in_place(stage: Stage) -> None:
    wanted = IssueEffect(REPOSITORY, "flaky", "Flaky tests", "three of them", ("bug",))
    effect_id = await stage.want(wanted)
    await stage.work(dies_at_end=True)
    await stage.settle(600)
    await stage.want(replace(wanted, body="four of them"))
    await stage.settle()
    effect = await stage.effect(effect_id)
    issues = stage.sandbox.repository(REPOSITORY).issues
    assert effect.external_id == "2"
    assert len(issues) == 2
    assert issues[2].body == marker("issue:acme/shop:flaky") + "\nfour of them"


async def test_effects_are_listed_by_what_they_belong_to(stage: Stage) -> None:
    for number in range(5):
        await stage.want(ReactionEffect(REPOSITORY, 1, None, "eyes"))
        await stage.want(replace(COMMENT, concern=f"concern-{number}"))
    page = await stage.listed(EffectFilter(repository="Acme/Shop"), limit=4)
    rest = await stage.listed(EffectFilter(repository="Acme/Shop"), cursor=page.next_cursor)
    assert (len(page.items), len(rest.items), rest.next_cursor) == (4, 2, None)
    assert len({effect.key for effect in (*page.items, *rest.items)}) == 6
    await stage.settle()
    landed = await stage.listed(EffectFilter(state=EffectState.LANDED))
    assert len(landed.items) == 6
    job_id = landed.items[0].job_id
    assert [e.job_id for e in (await stage.listed(EffectFilter(job_id=job_id))).items] == [job_id]
    assert not (await stage.listed(EffectFilter(delivery_id="none"))).items
    counts = await stage.database.read(stage.publisher.counts)
    assert counts == {EffectState.PENDING: 0, EffectState.LANDED: 6, EffectState.DEAD: 0}


async def test_many_wishes_and_workers_at_once_end_with_one_comment_each(stage: Stage) -> None:
    async def wish(concern: str) -> None:
        for number in range(6):
            await stage.want(replace(COMMENT, concern=concern, body=f"update {number}"))

    async def work() -> None:
        for _ in range(12):
            await stage.work()

    concerns = [f"concern-{number}" for number in range(4)]
    await asyncio.gather(*(wish(concern) for concern in concerns), work(), work(), work())
    await stage.settle(60)
    assert sorted(stage.bodies()) == [
        f"{marker(f'comment:acme/shop#1:{concern}')}\nupdate 5" for concern in concerns
    ]
    landed = await stage.listed(EffectFilter(state=EffectState.LANDED))
    assert len(landed.items) == 4
