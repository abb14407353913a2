"""A call whose answer never came may still be applied: nothing is concluded too early."""

from dataclasses import replace

from hookyard.core.jobs.model import Hold
from hookyard.core.publishing.keys import marker
from hookyard.core.publishing.model import CommentEffect, EffectState
from hookyard_sandbox.github.faults import Fault
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")
MARK = marker("comment:acme/shop#1:criteria") + "\n"


async def test_a_creation_that_github_applies_late_is_not_made_twice(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    stage.sandbox.faults.add(Fault("drop", method="POST", path="*/comments"))
    await stage.work()
    stage.clock.advance(6)
    await stage.work()
    assert isinstance(stage.outcomes[-1], Hold)
    assert stage.bodies() == []
    path = f"/repos/{REPOSITORY}/issues/1/comments"
    body = {"body": MARK + "first"}
    await stage.github.call("POST", path, installation_id=stage.installation.id, body=body)
    await stage.settle(30)
    assert stage.bodies() == [MARK + "first"]
    assert (await stage.effect(effect_id)).state is EffectState.LANDED


async def test_an_edit_that_github_applies_late_does_not_win_over_a_newer_one(
    stage: Stage,
) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    stage.sandbox.faults.add(Fault("drop", method="PATCH", path="*/comments/*"))
    await stage.want(replace(COMMENT, body="second"))
    await stage.work()
    await stage.want(replace(COMMENT, body="third"))
    stage.clock.advance(6)
    await stage.work()
    comment_id = (await stage.effect(effect_id)).external_id
    path = f"/repos/{REPOSITORY}/issues/comments/{comment_id}"
    body = {"body": MARK + "second"}
    await stage.github.call("PATCH", path, installation_id=stage.installation.id, body=body)
    await stage.settle(60)
    assert stage.bodies() == [MARK + "third"]
