"""An effect that no job will land any more says so, and comes back when it is wanted again."""

from dataclasses import replace
from random import Random

import pytest

from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, Done, JobState, NewJob
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing import upkeep
from hookyard.core.publishing.model import CommentEffect, EffectState
from hookyard.kit.ids import IdMaker
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")
DAY_MS = 86_400_000


@pytest.fixture
def keeper(stage: Stage, ids: IdMaker) -> Ledger:
    """A ledger over the same tables that knows the housekeeping, and nothing of landing."""
    return Ledger(stage.clock, ids, [upkeep.BURY_EFFECTS], Random(1), lambda: None)


async def bury(stage: Stage, keeper: Ledger) -> object:
    """One run of the housekeeping, as a job of its own; what it reports."""
    made = await stage.database.write(
        lambda unit: keeper.enqueue(unit, NewJob(upkeep.BURY_EFFECTS.name, {}))
    )
    request = ClaimRequest("boot/keeper", 1, {}, {}, lanes=frozenset({upkeep.BURY_EFFECTS.lane}))
    claimed = await stage.database.write(lambda unit: keeper.claim(unit, request))
    (job,) = claimed.jobs
    assert job.id == made.job_id
    outcome = await upkeep.BuryEffects(stage.publisher)(Run(job, stage.database, keeper, None))
    assert isinstance(outcome, Done)
    await stage.database.write(lambda unit: keeper.finish(unit, job, outcome))
    return outcome.result


async def cancel(stage: Stage, effect_id: str) -> None:
    job_id = (await stage.effect(effect_id)).job_id
    await stage.database.write(lambda unit: stage.ledger.cancel(unit, job_id or "", "not now"))


async def test_an_effect_whose_job_was_cancelled_dies_with_that_reason(
    stage: Stage, keeper: Ledger
) -> None:
    effect_id = await stage.want(COMMENT)
    await cancel(stage, effect_id)
    assert (await stage.effect(effect_id)).state is EffectState.PENDING
    assert await bury(stage, keeper) == {"buried": 1}
    effect = await stage.effect(effect_id)
    assert (effect.state, effect.error) == (EffectState.DEAD, "cancelled: not now")
    assert await bury(stage, keeper) == {"buried": 0}


async def test_an_effect_whose_job_lost_every_worker_dies_with_that_reason(
    stage: Stage, keeper: Ledger
) -> None:
    effect_id = await stage.want(COMMENT)
    for _ in range(40):
        if await stage.claim() is not None:
            await stage.lease_runs_out()
    effect = await stage.effect(effect_id)
    assert await stage.job_state(effect.job_id) is JobState.DEAD
    assert effect.state is EffectState.PENDING
    assert await bury(stage, keeper) == {"buried": 1}
    effect = await stage.effect(effect_id)
    assert effect.state is EffectState.DEAD
    assert (effect.error or "").startswith("worker_lost: the worker stopped reporting")


async def test_an_effect_whose_job_is_forgotten_says_so(stage: Stage, keeper: Ledger) -> None:
    effect_id = await stage.want(COMMENT)
    await cancel(stage, effect_id)
    later_ms = stage.clock.now_ms() + DAY_MS
    gone = await stage.database.write(lambda unit: stage.ledger.purge(unit, later_ms))
    assert len(gone) == 1
    assert await bury(stage, keeper) == {"buried": 1}
    assert "no_job" in ((await stage.effect(effect_id)).error or "")


async def test_effects_that_may_still_land_are_left_alone(stage: Stage, keeper: Ledger) -> None:
    landed = await stage.want(COMMENT)
    await stage.settle()
    queued = await stage.want(replace(COMMENT, concern="queued"))
    running = await stage.want(replace(COMMENT, concern="running"))
    assert await stage.claim() is not None
    assert await bury(stage, keeper) == {"buried": 0}
    states = [(await stage.effect(one)).state for one in (landed, queued, running)]
    assert states == [EffectState.LANDED, EffectState.PENDING, EffectState.PENDING]


@pytest.mark.parametrize("body", ["first", "second"])
async def test_asking_again_revives_a_buried_effect(
    stage: Stage, keeper: Ledger, body: str
) -> None:
    effect_id = await stage.want(COMMENT)
    await cancel(stage, effect_id)
    await bury(stage, keeper)
    assert await stage.want(replace(COMMENT, body=body)) == effect_id
    revived = await stage.effect(effect_id)
    assert (revived.state, revived.error) == (EffectState.PENDING, None)
    await stage.settle()
    assert (await stage.effect(effect_id)).state is EffectState.LANDED
    assert [text.rsplit("\n", 1)[1] for text in stage.bodies()] == [body]


async def test_a_replayed_job_lands_a_buried_effect(stage: Stage, keeper: Ledger) -> None:
    effect_id = await stage.want(COMMENT)
    await cancel(stage, effect_id)
    await bury(stage, keeper)
    job_id = (await stage.effect(effect_id)).job_id or ""
    await stage.database.write(lambda unit: stage.ledger.replay(unit, job_id))
    await stage.settle()
    effect = await stage.effect(effect_id)
    assert (effect.state, effect.error) == (EffectState.LANDED, None)


async def test_one_that_came_back_since_it_was_looked_at_is_not_buried(stage: Stage) -> None:
    replayed = await stage.want(COMMENT)
    wanted = await stage.want(replace(COMMENT, concern="other"))
    for one in (replayed, wanted):
        await cancel(stage, one)
    found = await stage.database.read(lambda unit: stage.publisher.stranded(unit, "", 10))
    assert found.ids == (replayed, wanted)
    job_id = (await stage.effect(replayed)).job_id or ""
    await stage.database.write(lambda unit: stage.ledger.replay(unit, job_id))
    await stage.want(replace(COMMENT, concern="other", body="second"))
    assert await stage.database.write(lambda unit: stage.publisher.bury(unit, found.ids)) == 0
    await stage.settle()
    assert len(stage.bodies()) == 2


async def test_a_comment_made_by_a_worker_that_died_is_found_after_the_burial(
    stage: Stage, keeper: Ledger
) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.work(dies_at_end=True)
    await cancel(stage, effect_id)
    assert await bury(stage, keeper) == {"buried": 1}
    await stage.want(replace(COMMENT, body="second"))
    await stage.settle(600)
    assert [text.rsplit("\n", 1)[1] for text in stage.bodies()] == ["second"]


async def test_the_stranded_are_found_behind_many_that_wait(
    stage: Stage, keeper: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 3)
    made = [await stage.want(replace(COMMENT, concern=f"c{number}")) for number in range(10)]
    for one in (made[3], made[9]):
        await cancel(stage, one)
    assert await bury(stage, keeper) == {"buried": 2}
    states = [(await stage.effect(one)).state for one in made]
    assert [number for number, state in enumerate(states) if state is EffectState.DEAD] == [3, 9]
