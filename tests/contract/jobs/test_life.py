"""From the request to the end of a job, on every engine."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs import store_hot
from hookyard.core.jobs.model import (
    ClaimRequest,
    Done,
    Ending,
    Fail,
    Finished,
    Hold,
    JobFilter,
    JobState,
    Lane,
    NewJob,
    Released,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import StaleLease
from tests.contract.jobs.steps import add, claim, end, get


async def test_a_job_keeps_all_it_was_given(database: Database, ledger: Ledger, bell) -> None:
    payload = {"text": "naïve \x00 \ud800 ✓", "n": [1, 2.5, None, True]}
    job_id = await add(
        database, ledger, payload=payload, lane=Lane.HIGH, priority=3, key="o/r#1",
        delivery_id="d1", repository="o/r", max_attempts=7, timeout_s=1.5,
    )  # fmt: skip
    job = await get(database, ledger, job_id)
    assert (job.kind, job.lane, job.priority, job.key) == ("work", Lane.HIGH, 3, "o/r#1")
    assert job.payload == {**payload, "text": "naïve \x00 ? ✓"}
    assert (job.delivery_id, job.repository) == ("d1", "o/r")
    assert (job.max_attempts, job.timeout_s, job.version) == (7, 1.5, 1)
    assert (job.state, job.attempt, job.lease) == (JobState.QUEUED, 0, 0)
    assert bell.rung == 1


async def test_plain_jobs_come_back_in_order(database: Database, ledger: Ledger, bell) -> None:
    jobs = [
        NewJob("work", {"n": n}, delivery_id=f"d{n}" if n % 2 else None, lane=Lane.CRITICAL)
        for n in range(20)
    ]
    ids = await database.write(lambda unit: ledger.enqueue_plain(unit, jobs))
    assert list(ids) == sorted(ids)
    claimed = await claim(database, ledger, 50)
    assert [job.payload["n"] for job in claimed] == list(range(20))
    assert [job.delivery_id for job in claimed[:2]] == [None, "d1"]
    assert bell.rung == 1


async def test_a_rolled_back_request_wakes_nobody_and_leaves_nothing(
    database: Database, ledger: Ledger, bell
) -> None:
    def fails(unit: Unit) -> None:
        ledger.enqueue(unit, NewJob("work", {}))
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        await database.write(fails)
    assert bell.rung == 0
    assert await claim(database, ledger) == []


async def test_claim_counts_the_attempt_and_raises_the_lease(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger)
    (job,) = await claim(database, ledger, lease_s=30)
    assert (job.state, job.attempt, job.lease, job.worker) == (JobState.RUNNING, 1, 1, "boot/a")
    assert job.started_at_ms == clock.now_ms()
    assert job.leased_until_ms == clock.now_ms() + 30_000
    assert await claim(database, ledger) == []


async def test_a_slow_look_takes_nothing_off_the_lease(
    database: Database, ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement before the claim may wait, as for a lock on the table."""
    await add(database, ledger)
    look = store_hot.look

    def slow(unit: Unit, at_most: int) -> store_hot.Look:
        clock.advance(20.0)
        return look(unit, at_most)

    monkeypatch.setattr(store_hot, "look", slow)
    (job,) = await claim(database, ledger, lease_s=30)
    assert job.started_at_ms == clock.now_ms()
    assert job.leased_until_ms == clock.now_ms() + 30_000


async def test_urgent_lanes_then_priority_then_age(database: Database, ledger: Ledger) -> None:
    for lane, priority in (("bulk", 9), ("default", 0), ("default", 5), ("critical", 0)):
        await add(database, ledger, lane=Lane(lane), priority=priority)
    old = await add(database, ledger, lane=Lane.HIGH)
    new = await add(database, ledger, lane=Lane.HIGH)
    claimed = await claim(database, ledger)
    assert [(job.lane.value, job.priority) for job in claimed] == [
        ("critical", 0), ("high", 0), ("high", 0), ("default", 5), ("default", 0), ("bulk", 9),
    ]  # fmt: skip
    assert [job.id for job in claimed[1:3]] == [old, new]


async def test_one_slot_at_a_time_still_comes_round_to_bulk(
    database: Database, ledger: Ledger
) -> None:
    for lane in Lane:
        jobs = [NewJob("work", {}, lane=lane) for _ in range(40)]
        await database.write(lambda unit, j=jobs: ledger.enqueue_plain(unit, j))
    credit: Mapping[Lane, int] = {}
    taken: list[Lane] = []
    for _ in range(30):
        request = ClaimRequest("boot/a", 1, {}, credit)
        got = await database.write(lambda unit, r=request: ledger.claim(unit, r))
        credit = got.credit
        taken.extend(job.lane for job in got.jobs)
    assert {lane: taken.count(lane) for lane in Lane} == {
        Lane.CRITICAL: 16, Lane.HIGH: 8, Lane.DEFAULT: 4, Lane.BULK: 2,
    }  # fmt: skip


async def test_a_worker_takes_only_the_lanes_it_serves(database: Database, ledger: Ledger) -> None:
    for lane in Lane:
        await add(database, ledger, lane=lane)
    request = ClaimRequest("boot/a", 9, {}, {}, lanes=frozenset({Lane.HIGH, Lane.BULK}))
    got = await database.write(lambda unit: ledger.claim(unit, request))
    assert [job.lane for job in got.jobs] == [Lane.HIGH, Lane.BULK]


async def test_success_keeps_result_and_history(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    job_id = await add(database, ledger)
    (job,) = await claim(database, ledger)
    clock.advance(2)
    await end(database, ledger, job, Done({"answer": 42}))
    after = await get(database, ledger, job_id)
    assert (after.state, after.result, after.error) == (JobState.SUCCEEDED, {"answer": 42}, None)
    assert after.finished_at_ms == clock.now_ms()
    assert after.leased_until_ms is None
    (attempt,) = await database.read(lambda unit: ledger.attempts(unit, job_id))
    assert (attempt.outcome, attempt.attempt, attempt.lease) == ("succeeded", 1, 1)
    assert attempt.finished_at_ms - (attempt.started_at_ms or 0) == 2000


async def test_failures_back_off_then_die_with_the_reason(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    job_id = await add(database, ledger)
    for attempt, delays in ((1, (10, 10)), (2, (10, 20))):
        (job,) = await claim(database, ledger)
        assert job.attempt == attempt
        await end(database, ledger, job, Retry("no luck", code="tried"))
        held = await get(database, ledger, job_id)
        assert held.state is JobState.WAITING
        assert held.waiting_for is not None
        assert (held.waiting_for.what, held.waiting_for.holder) == ("time", "backoff")
        wait_s = ((held.waiting_for.until_ms or 0) - clock.now_ms()) / 1000
        assert delays[0] <= wait_s <= delays[1]
        assert await claim(database, ledger) == []
        clock.advance(wait_s + 0.001)
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Retry("no luck", code="tried"))
    dead = await get(database, ledger, job_id)
    assert dead.state is JobState.DEAD
    assert dead.error == {
        "code": "attempts_exhausted", "reason": "no luck", "cause": "tried", "attempt": 3,
    }  # fmt: skip
    history = await database.read(lambda unit: ledger.attempts(unit, job_id))
    assert [a.outcome for a in history] == ["retried", "retried", "failed"]


async def test_retry_after_is_kept_to(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger)
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Retry("rate limited", after_s=90))
    clock.advance(89.9)
    assert await claim(database, ledger) == []
    clock.advance(0.1)
    assert len(await claim(database, ledger)) == 1


async def test_fail_is_final_and_listed_as_dead(database: Database, ledger: Ledger) -> None:
    job_id = await add(database, ledger)
    await add(database, ledger)
    job = next(j for j in await claim(database, ledger) if j.id == job_id)
    await end(database, ledger, job, Fail("payload is not JSON", code="unparsable"))
    page = await database.read(lambda unit: ledger.list(unit, JobFilter(state=JobState.DEAD)))
    assert [j.id for j in page.items] == [job_id]
    assert page.items[0].error == {
        "code": "unparsable", "reason": "payload is not JSON", "attempt": 1,
    }  # fmt: skip


async def test_hold_does_not_count_and_ends_in_time(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger, kind="once")
    for _ in range(5):
        (job,) = await claim(database, ledger)
        assert job.attempt == 1
        until_ms = clock.now_ms() + 5_000
        await end(database, ledger, job, Hold(WaitingFor("limit", "github writes", until_ms)))
        held = await get(database, ledger, job.id)
        assert held.waiting_for == WaitingFor("limit", "github writes", until_ms)
        assert "github writes" in ledger.why_waiting(held)
        assert await claim(database, ledger) == []
        clock.advance(5)


async def test_a_pause_without_end_is_released_by_name(
    database: Database, ledger: Ledger, clock: ManualClock, bell
) -> None:
    await add(database, ledger)
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Hold(WaitingFor("pause", "repository o/r")))
    clock.advance(86_400)
    assert await claim(database, ledger) == []
    released = await database.write(lambda unit: ledger.release(unit, "pause", "another"))
    assert released == 0
    rung = bell.rung
    released = await database.write(lambda unit: ledger.release(unit, "pause", "repository o/r"))
    assert released == 1
    assert bell.rung == rung + 1
    assert len(await claim(database, ledger)) == 1


async def test_a_drained_worker_hands_back_at_no_cost(database: Database, ledger: Ledger) -> None:
    job_id = await add(database, ledger, kind="once")
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Released("the worker is stopping", begun=False))
    assert (await get(database, ledger, job_id)).attempt == 0
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Released("the worker is stopping", begun=True))
    assert (await get(database, ledger, job_id)).state is JobState.QUEUED
    (job,) = await claim(database, ledger)
    assert (job.attempt, job.lease) == (1, 3)


async def test_delayed_jobs_start_when_due_and_the_claim_says_when(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    due_ms = clock.now_ms() + 3_000
    job_id = await add(database, ledger, run_at_ms=due_ms)
    request = ClaimRequest("boot/a", 5, {}, {})
    got = await database.write(lambda unit: ledger.claim(unit, request))
    assert (got.jobs, got.next_due_ms) == ((), due_ms)
    assert (await get(database, ledger, job_id)).waiting_for == WaitingFor("time", None, due_ms)
    clock.advance(3)
    assert [job.id for job in await claim(database, ledger)] == [job_id]


STALE_ENDINGS: Sequence[Ending] = (
    Done(),
    Done({"late": True}, apply=lambda unit: None),
    Fail("late"),
    Retry("late"),
    Hold(WaitingFor("limit", "late")),
    Stopped(),
    Released("late", begun=True),
)


@pytest.mark.parametrize("ending", STALE_ENDINGS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("key", [None, "o/r#1"])
async def test_stale_lease_changes_nothing(
    database: Database, ledger: Ledger, clock: ManualClock, ending: Ending, key: str | None
) -> None:
    job_id = await add(database, ledger, key=key)
    (old,) = await claim(database, ledger, lease_s=10)
    clock.advance(11)
    assert await database.write(ledger.sweep_expired) == [job_id]
    (new,) = await claim(database, ledger, worker="boot/b")
    before = await get(database, ledger, job_id)
    settled = await database.write(lambda unit: ledger.finish_batch(unit, [Finished(old, ending)]))
    assert settled.stale == {job_id}
    assert await database.write(lambda unit: ledger.heartbeat(unit, [old], 999)) == set()
    for verb in (
        lambda unit: ledger.log(unit, old, "late", {}),
        lambda unit: ledger.progress(unit, old, "late"),
        lambda unit: ledger.require_lease(unit, old),
        lambda unit: ledger.finish(unit, old, ending),
    ):
        with pytest.raises(StaleLease):
            await database.write(verb)
    assert await get(database, ledger, job_id) == before
    assert (await database.read(lambda unit: ledger.logs(unit, job_id))).items == ()
    await end(database, ledger, new, Done())
    history = await database.read(lambda unit: ledger.attempts(unit, job_id))
    assert [a.outcome for a in history] == ["lost", "succeeded"]


async def test_a_job_reported_twice_in_one_batch_ends_once(
    database: Database, ledger: Ledger
) -> None:
    job_id = await add(database, ledger)
    (job,) = await claim(database, ledger)
    twice = [Finished(job, Done(1)), Finished(job, Done(2)), Finished(job, Retry("x"))]
    await database.write(lambda unit: ledger.finish_batch(unit, twice))
    assert (await get(database, ledger, job_id)).state is JobState.SUCCEEDED
    assert len(await database.read(lambda unit: ledger.attempts(unit, job_id))) == 1


async def test_apply_and_completion_are_one_transaction(database: Database, ledger: Ledger) -> None:
    await add(database, ledger)
    (job,) = await claim(database, ledger)

    def follow_up(unit: Unit) -> None:
        ledger.enqueue(unit, NewJob("work", {"follows": job.id}))

    def breaks(unit: Unit) -> None:
        follow_up(unit)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await database.write(lambda unit: ledger.finish(unit, job, Done(apply=breaks)))
    assert (await get(database, ledger, job.id)).state is JobState.RUNNING
    assert await claim(database, ledger) == []
    await database.write(lambda unit: ledger.finish(unit, job, Done(apply=follow_up)))
    (follower,) = await claim(database, ledger)
    assert follower.payload == {"follows": job.id}


async def test_heartbeat_keeps_a_job_from_the_sweep(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger)
    (job,) = await claim(database, ledger, lease_s=10)
    for _ in range(4):
        clock.advance(8)
        assert await database.write(lambda unit: ledger.heartbeat(unit, [job], 10)) == {job.id}
        assert await database.write(ledger.sweep_expired) == []
    clock.advance(10.001)
    assert await database.write(ledger.sweep_expired) == [job.id]


async def test_a_job_that_kills_its_worker_ends_dead(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    job_id = await add(database, ledger)
    for _ in range(3):
        assert len(await claim(database, ledger, lease_s=10)) == 1
        clock.advance(11)
        await database.write(ledger.sweep_expired)
    dead = await get(database, ledger, job_id)
    assert dead.state is JobState.DEAD
    assert isinstance(dead.error, dict)
    assert dead.error["code"] == "worker_lost"


async def test_claims_never_overlap_under_concurrency(database: Database, ledger: Ledger) -> None:
    jobs = [NewJob("work", {"n": n}) for n in range(300)]
    await database.write(lambda unit: ledger.enqueue_plain(unit, jobs))

    async def worker(name: str) -> list[str]:
        mine: list[str] = []
        empty = 0
        while empty < 3:
            got = await claim(database, ledger, 7, f"boot/{name}")
            empty = 0 if got else empty + 1
            mine.extend(job.id for job in got)
            ended = [Finished(job, Done()) for job in got]
            settled = await database.write(lambda unit, e=ended: ledger.finish_batch(unit, e))
            assert not settled.stale
        return mine

    taken = await asyncio.gather(*(worker(str(n)) for n in range(6)))
    everything = [job_id for mine in taken for job_id in mine]
    assert len(everything) == len(set(everything)) == 300
