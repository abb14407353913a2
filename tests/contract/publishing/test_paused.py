"""Landing obeys a pause of the effect's repository, or of the installation it is on."""

import pytest

from hookyard.core.jobs.pauses_model import NewPause, PauseOf
from hookyard.core.publishing.model import CommentEffect, EffectState
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")


@pytest.mark.parametrize(
    ("what", "name"),
    [(PauseOf.REPOSITORY, REPOSITORY), (PauseOf.INSTALLATION, REPOSITORY.partition("/")[0])],
)
async def test_nothing_is_written_while_its_place_is_paused(
    stage: Stage, what: PauseOf, name: str
) -> None:
    pauses, database = stage.ledger.pauses, stage.database
    wanted = NewPause(what, name, "moving")
    pause = await database.write(lambda unit: pauses.start(unit, wanted, "user:ann"))
    effect_id = await stage.want(COMMENT)
    assert await stage.settle(5) == 0
    assert stage.writes() == []
    effect = await stage.effect(effect_id)
    job = await stage.job(effect.job_id)
    assert job.waiting_for is not None
    assert (job.waiting_for.what, job.waiting_for.holder, job.attempt) == ("pause", pause.words, 0)
    await database.write(lambda unit: pauses.end(unit, pause.id))
    await database.write(lambda unit: pauses.let_go(unit, pause))
    await stage.settle()
    assert stage.writes() == ["POST"]
    assert (await stage.effect(effect_id)).state is EffectState.LANDED
