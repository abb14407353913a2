"""An effect asked for "again" does not trust what is remembered of GitHub."""

import pytest

from hookyard.core.publishing.keys import marker
from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    Effect,
    EffectState,
    ReactionEffect,
)
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")
FIRST = marker("comment:acme/shop#1:criteria") + "\nfirst"


async def want_again(stage: Stage, effect: Effect) -> str:
    return await stage.database.write(
        lambda unit: stage.publisher.request(unit, effect, again=True)
    )


async def test_a_deleted_comment_is_restored(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    before = await stage.effect(effect_id)
    stage.delete_comment(before.external_id)
    assert stage.bodies() == []
    assert await stage.want(COMMENT) == effect_id
    assert await stage.settle() == 0
    assert await want_again(stage, COMMENT) == effect_id
    await stage.settle()
    after = await stage.effect(effect_id)
    assert stage.bodies() == [FIRST]
    assert after.state is EffectState.LANDED
    assert after.external_id != before.external_id


async def test_a_comment_that_stands_is_written_in_place(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    (ours,) = stage.sandbox.repository(REPOSITORY).issues[1].comments
    ours.body = "somebody wrote over it"
    await want_again(stage, COMMENT)
    await stage.settle()
    assert stage.bodies() == [FIRST]
    assert stage.writes() == ["POST", "PATCH"]
    effect = await stage.effect(effect_id)
    assert (effect.state, effect.landed_generation) == (EffectState.LANDED, effect.generation)


async def test_many_times_again_before_the_landing_is_one_call(stage: Stage) -> None:
    await stage.want(COMMENT)
    await stage.settle()
    for _ in range(5):
        await want_again(stage, COMMENT)
    await stage.settle()
    assert stage.writes() == ["POST", "PATCH"]


@pytest.mark.parametrize("kind", ["check", "reaction"])
async def test_a_check_run_or_reaction_that_stands_is_not_doubled(stage: Stage, kind: str) -> None:
    effect: Effect = ReactionEffect(REPOSITORY, 1, None, "eyes")
    if kind == "check":
        effect = CheckRunEffect(REPOSITORY, stage.sha(), "x", "t", "s", conclusion="success")
    effect_id = await stage.want(effect)
    await stage.settle()
    before = await stage.effect(effect_id)
    await want_again(stage, effect)
    assert await stage.settle() == 1
    after = await stage.effect(effect_id)
    assert (after.state, after.external_id) == (EffectState.LANDED, before.external_id)
    assert len(stage.runs()) == (1 if kind == "check" else 0)
