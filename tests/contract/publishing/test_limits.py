"""The write budget holds effects and lets them go; what can never land ends with its reason."""

from dataclasses import replace

import pytest

from hookyard.core.jobs.model import JobState, WaitingFor
from hookyard.core.publishing import store
from hookyard.core.publishing.budget import BudgetLimits
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.ledger import WriteLedger
from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    EffectFilter,
    EffectState,
    Urgency,
)
from hookyard.kit.errors import StaleLease
from hookyard_sandbox.github.faults import Fault
from tests.contract.publishing.conftest import REPOSITORY, Stage

COMMENT = CommentEffect(REPOSITORY, 1, "criteria", "first")


def comment(number: int) -> CommentEffect:
    return replace(COMMENT, concern=f"concern-{number}")


def strict(stage: Stage, per_minute: int = 3, per_hour: int = 500) -> BudgetLimits:
    """Our limits and the simulated GitHub's, both this low."""
    limits = BudgetLimits(
        content_per_minute=per_minute, content_per_hour=per_hour, spacing_ms=0, floor=1
    )
    stage.sandbox.limits.content_per_minute = per_minute
    stage.sandbox.limits.content_per_hour = per_hour
    stage.use(LandingOptions(limits=limits))
    return limits


async def test_a_full_minute_holds_an_effect_and_says_which_limit_until_when(
    stage: Stage,
) -> None:
    strict(stage)
    ids = [await stage.want(comment(number)) for number in range(4)]
    await stage.settle()
    assert len(stage.bodies()) == 3
    (hold,) = stage.held
    effect = await stage.effect(ids[3])
    holder = f"github content-creating 3/min (installation {stage.installation.id})"
    assert hold.waiting_for == WaitingFor("limit", holder, effect.held_until_ms)
    assert effect.held_by == "content-creating 3/min"
    assert effect.state is EffectState.PENDING
    assert effect.held_until_ms is not None
    assert 0 < effect.held_until_ms - stage.clock.now_ms() <= 65_000
    job = await stage.job(effect.job_id)
    assert (job.state, job.attempt, job.waiting_for) == (JobState.WAITING, 0, hold.waiting_for)


async def test_held_effects_land_in_their_order_and_github_never_refuses(stage: Stage) -> None:
    strict(stage)
    for number in range(10):
        await stage.want(comment(number))
    await stage.settle(300)
    keys = [body.split("\n")[0] for body in stage.bodies()]
    assert keys == [f"<!-- hookyard:comment:acme/shop#1:concern-{n} -->" for n in range(10)]
    assert stage.statuses() == {201}
    assert len(stage.held) <= 9
    landed = await stage.listed(EffectFilter())
    assert {(effect.held_by, effect.held_until_ms) for effect in landed.items} == {(None, None)}


async def test_the_budget_outlives_the_process(stage: Stage) -> None:
    limits = strict(stage)
    for number in range(3):
        await stage.want(comment(number))
    await stage.settle()
    stage.use(LandingOptions(limits=limits))
    await stage.want(comment(3))
    await stage.settle()
    assert len(stage.bodies()) == 3
    await stage.settle(70)
    assert len(stage.bodies()) == 4


async def test_an_interactive_effect_uses_the_reserve_campaigns_may_not(stage: Stage) -> None:
    strict(stage, per_minute=5)
    for number in range(5):
        await stage.want(comment(number), Urgency.CAMPAIGN)
    await stage.settle()
    assert len(stage.bodies()) == 3
    await stage.want(comment(9), Urgency.INTERACTIVE)
    await stage.settle()
    assert stage.bodies()[-1].startswith("<!-- hookyard:comment:acme/shop#1:concern-9 ")


async def test_an_urgent_request_lifts_an_effect_that_waits(stage: Stage) -> None:
    strict(stage, per_minute=5)
    for number in range(5):
        effect_id = await stage.want(comment(number), Urgency.CAMPAIGN)
    await stage.settle()
    await stage.want(replace(comment(4), body="now"), Urgency.INTERACTIVE)
    assert (await stage.effect(effect_id)).urgency is Urgency.INTERACTIVE
    await stage.want(comment(4), Urgency.CAMPAIGN)
    assert (await stage.effect(effect_id)).urgency is Urgency.INTERACTIVE


async def test_the_hour_is_kept_too(stage: Stage) -> None:
    strict(stage, per_minute=10, per_hour=12)
    for number in range(14):
        await stage.want(comment(number))
    await stage.settle(200)
    assert len(stage.bodies()) == 12
    assert stage.held[-1].waiting_for.holder == (
        f"github content-creating 12/h (installation {stage.installation.id})"
    )
    await stage.settle(3_900)
    assert len(stage.bodies()) == 14
    assert stage.statuses() == {201}


async def test_a_secondary_limit_holds_everything_until_githubs_own_instant_and_is_learned(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add(Fault("secondary_limit", method="POST", path="*/comments", wait_s=90))
    first = await stage.want(COMMENT)
    await stage.work()
    now_ms = stage.clock.now_ms()
    effect = await stage.effect(first)
    assert (effect.held_by, effect.held_until_ms) == ("secondary rate limit", now_ms + 90_000)
    assert stage.held[0].waiting_for.until_ms == now_ms + 90_000
    await stage.want(comment(1))
    await stage.settle()
    assert len(stage.writes()) == 1
    ledger = WriteLedger(stage.app.id, BudgetLimits())
    standing = await stage.database.read(
        lambda unit: ledger.standing(unit, stage.installation.id, now_ms)
    )
    assert (standing["minute_limit"], standing["hour_limit"]) == (60, 500)
    await stage.settle(100)
    assert len(stage.bodies()) == 2
    assert len(stage.writes()) == 3
    assert stage.looks() == 0


async def test_a_limit_met_while_looking_does_not_forget_that_a_look_is_needed(
    stage: Stage,
) -> None:
    await stage.want(COMMENT)
    await stage.work(dies_at_end=True)
    stage.sandbox.faults.add(Fault("primary_limit", method="GET", path="*/comments", wait_s=30))
    await stage.work()
    assert len(stage.held) == 1
    await stage.settle(100)
    assert len(stage.bodies()) == 1
    assert stage.writes() == ["POST"]


async def test_an_eta_counts_what_is_used_already(stage: Stage) -> None:
    limits = strict(stage)
    ledger = WriteLedger(stage.app.id, limits)
    number, now_ms = stage.installation.id, stage.clock.now_ms()

    async def eta(writes: int) -> int:
        at_ms = await stage.database.read(
            lambda unit: ledger.eta(unit, number, Urgency.INTERACTIVE, writes, now_ms)
        )
        return at_ms - now_ms

    assert await eta(3) == 0
    for n in range(3):
        await stage.want(comment(n))
    await stage.settle()
    assert 60_000 <= await eta(3) <= 65_000
    assert 120_000 <= await eta(4) <= 130_000


async def test_no_installation_is_the_end(stage: Stage) -> None:
    stage.installed = False
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    effect = await stage.effect(effect_id)
    assert stage.failures[0].code == "no_installation"
    assert effect.state is EffectState.DEAD
    assert effect.error == f"no_installation: the App is not installed on {REPOSITORY}"
    assert await stage.job_state(effect.job_id) is JobState.DEAD


async def test_a_missing_permission_is_named(stage: Stage) -> None:
    stage.installation.permissions = {"metadata": "read", "checks": "read"}
    run = CheckRunEffect(REPOSITORY, stage.sha(), "criteria", "t", "s", conclusion="success")
    for effect, needed in ((run, "checks: write"), (COMMENT, "issues: write")):
        effect_id = await stage.want(effect)
        await stage.settle(60)
        assert stage.failures[-1].code == "missing_permission"
        stored = await stage.effect(effect_id)
        assert stored.state is EffectState.DEAD
        assert needed in (stored.error or "")


async def test_a_dead_effect_that_is_wanted_again_gets_another_chance(stage: Stage) -> None:
    stage.installed = False
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    stage.installed = True
    assert await stage.want(COMMENT) == effect_id
    await stage.settle()
    effect = await stage.effect(effect_id)
    assert (effect.state, effect.error) == (EffectState.LANDED, None)
    assert len(stage.bodies()) == 1


@pytest.mark.parametrize("status", [404, 410, 422, 403])
async def test_what_github_refuses_ends_with_its_words(stage: Stage, status: int) -> None:
    fault = Fault("error", None, "POST", "*/comments", status, "It cannot be.")
    stage.sandbox.faults.add(fault)
    effect_id = await stage.want(COMMENT)
    await stage.settle(60)
    effect = await stage.effect(effect_id)
    assert effect.state is EffectState.DEAD
    assert f"GitHub answered {status}: It cannot be." in (effect.error or "")


async def test_a_gone_comment_thread_is_dead_and_not_made_anew(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    await stage.settle()
    stage.sandbox.faults.add(Fault("error", None, "PATCH", "*", 410, "This was deleted"))
    await stage.want(replace(COMMENT, body="second"))
    await stage.settle(60)
    assert (await stage.effect(effect_id)).state is EffectState.DEAD
    assert stage.writes() == ["POST", "PATCH"]


async def test_a_dead_effect_found_newer_wishes_keeps_them(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault("error", 1, "POST", "*/comments", 422, "No."))
    effect_id = await stage.want(COMMENT)
    running = await stage.claim()
    assert running is not None
    stage.before_call = lambda: stage.want(replace(COMMENT, body="newer"))
    await stage.attempt(running)
    await stage.settle()
    effect = await stage.effect(effect_id)
    assert effect.state is EffectState.LANDED
    assert [body.rsplit("\n", 1)[1] for body in stage.bodies()] == ["newer"]


async def test_a_github_that_is_down_is_tried_again_until_the_last_attempt(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault("drop", None, "POST", "*/comments"))
    effect_id = await stage.want(COMMENT)
    await stage.settle(4 * 3_600)
    effect = await stage.effect(effect_id)
    assert effect.state is EffectState.DEAD
    assert (effect.error or "").startswith("github_unavailable: gave up after 30 attempts")
    stage.sandbox.faults.clear()
    await stage.want(COMMENT)
    await stage.settle(60)
    assert len(stage.bodies()) == 1


async def test_a_lost_lease_changes_nothing(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    slow = await stage.claim()
    assert slow is not None
    await stage.lease_runs_out()
    await stage.settle(60)
    before = await stage.effect(effect_id)
    assert before.state is EffectState.LANDED
    await stage.want(replace(COMMENT, body="newer"))
    with pytest.raises(StaleLease):
        await stage.attempt(slow)
    assert len(stage.writes()) == 1
    await stage.settle()
    assert len(stage.bodies()) == 1


async def test_a_worker_that_stood_still_past_its_lease_does_not_write(stage: Stage) -> None:
    await stage.want(COMMENT)
    slow = await stage.claim()
    assert slow is not None

    async def stand_still() -> None:
        await stage.lease_runs_out()
        await stage.settle(60)
        assert len(stage.bodies()) == 1

    with pytest.raises(StaleLease):
        await stage.attempt(slow, stands_still=stand_still)
    assert len(stage.bodies()) == 1
    assert stage.writes() == ["POST"]


async def test_a_call_that_would_outlast_its_settling_is_planned_anew(stage: Stage) -> None:
    effect_id = await stage.want(COMMENT)
    slow = await stage.claim()
    assert slow is not None
    late_ms: list[int] = []

    async def pause() -> None:
        stage.clock.advance(5)

    async def look() -> None:
        row = await stage.database.read(lambda unit: store.by_id(unit, effect_id))
        assert row is not None
        assert row.intent is not None
        late_ms.append(stage.clock.now_ms() - row.intent.sent_at_ms)

    stage.before_call = look
    await stage.attempt(slow, stands_still=pause)
    assert len(stage.bodies()) == 1
    assert len(late_ms) == 1
    assert late_ms[0] <= 2_000


async def test_a_suspended_installation_is_the_end(stage: Stage) -> None:
    stage.installation.suspended_at_ms = stage.clock.now_ms()
    effect_id = await stage.want(COMMENT)
    await stage.settle(60)
    assert stage.failures[0].code == "no_installation"
    assert "suspended" in ((await stage.effect(effect_id)).error or "")
