"""Claiming ahead of free slots: how many, who goes first, and how they go back."""

import asyncio
from collections.abc import Callable

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.jobs.ahead import AHEAD_S, Ahead, Line
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import (
    Done,
    JobContext,
    JobKind,
    JobState,
    Lane,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.rules import LANES
from hookyard.kit.clock import ManualClock
from tests.unit.core.jobs.bench import Bench, Handler, Stage, soon, working

NONE = dict.fromkeys(LANES, 0)
QUICK = JobKind("quick", lane=Lane.CRITICAL, max_attempts=3)
SLOW = JobKind("slow", lane=Lane.CRITICAL, max_attempts=1, timeout_s=1_000)


def ended(ahead: Ahead, lane: Lane, count: int) -> None:
    for _ in range(count):
        ahead.ended(lane)


def test_a_worker_that_has_just_started_claims_for_its_slots_alone() -> None:
    ahead = Ahead(32, 480)
    ahead.measure(1.0)
    assert ahead.by_lane() == NONE


def test_in_hand_is_what_ends_while_a_turn_is_under_way() -> None:
    ahead = Ahead(32, 480)
    ahead.measure(1.0)
    ended(ahead, Lane.DEFAULT, 250)
    ahead.measure(1 + 1 / 32)
    assert ahead.by_lane() == NONE | {Lane.DEFAULT: int(8_000 * AHEAD_S) - 32}


def test_a_lane_gets_its_part_of_what_ended() -> None:
    ahead = Ahead(0, 40)
    ahead.measure(1.0)
    ended(ahead, Lane.HIGH, 300)
    ended(ahead, Lane.BULK, 100)
    ahead.measure(1 + 1 / 32)
    assert ahead.by_lane() == NONE | {Lane.HIGH: 30, Lane.BULK: 10}


@pytest.mark.parametrize("ends_in_a_second", [0, 100, 1_200])
def test_work_that_takes_its_time_is_not_claimed_ahead(ends_in_a_second: int) -> None:
    ahead = Ahead(32, 480)
    ahead.measure(1.0)
    ended(ahead, Lane.DEFAULT, 400)
    ahead.measure(1 + 1 / 32)
    assert ahead.by_lane() != NONE
    ended(ahead, Lane.DEFAULT, ends_in_a_second)
    ahead.measure(2 + 1 / 32)
    assert ahead.by_lane() == NONE


async def runs(bench: Bench, lane: Lane, count: int) -> list[Run]:
    ids = [await bench.add("quick", lane=lane) for _ in range(count)]
    return [Run(await bench.get(job_id), bench.database, bench.ledger, None) for job_id in ids]


async def test_the_line_keeps_slots_for_urgent_work(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    bench = Bench(sqlite_database, clock, [QUICK])
    line = Line(8)
    bulk = await runs(bench, Lane.BULK, 20)
    line.add(bulk)
    assert line.next(NONE) == bulk[:6]
    (urgent,) = await runs(bench, Lane.CRITICAL, 1)
    line.add([urgent])
    assert line.next(NONE | {Lane.BULK: 6}) == [urgent]
    assert line.next(NONE | {Lane.BULK: 6, Lane.CRITICAL: 1}) == []
    assert line.clear() == bulk[6:]
    assert not line


async def work_ahead(bench: Bench, stage: Stage, slow: int) -> list[str]:
    """Slow jobs behind a hundred quick ones, when the two slots are taken by slow ones."""
    jobs = [NewJob("quick", {"n": n}) for n in range(100)]
    jobs += [NewJob("slow", {"n": n}) for n in range(slow)]
    ids = await bench.database.write(lambda unit: bench.ledger.enqueue_plain(unit, jobs))
    for _ in range(100):
        await bench.ended()
    for _ in range(2):
        await soon(stage.on.get())
    return list(ids[100:])


def quickly(clock: ManualClock) -> Handler:
    async def takes_a_millisecond(ctx: JobContext) -> Outcome:
        clock.advance(0.001)
        return Done()

    return Handler(QUICK, takes_a_millisecond)


async def reach(bench: Bench, ids: list[str], holds: Callable[[list[JobState]], bool]) -> None:
    """Let time pass until the jobs' states are as wanted.

    # why: half a lease of it and no more, however slow the machine is: what is held here must not
    # be lost.
    """
    passed_s = 0.0
    while not holds(await states(bench, ids)):
        if passed_s < 15:
            bench.clock.advance(0.25)
            passed_s += 0.25


async def states(bench: Bench, ids: list[str]) -> list[JobState]:
    return [(await bench.get(job_id)).state for job_id in ids]


async def test_what_was_claimed_ahead_begins_only_in_a_free_slot(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    handlers = quickly(clock), Handler(SLOW, stage)
    async with working(sqlite_database, clock, *handlers, capacity=2) as bench:
        ids = await work_ahead(bench, stage, 10)
        assert bench.runner is not None
        assert (await states(bench, ids)).count(JobState.RUNNING) > 2
        assert bench.runner.running > 2
        for _ in range(3):
            await asyncio.sleep(0)
        assert stage.on.empty()
        stage.let_go.set()
        assert {(await bench.ended())[1].life.state for _ in ids} == {JobState.SUCCEEDED}
        assert [await bench.outcomes(job_id) for job_id in ids] == [["succeeded"]] * 10


async def test_what_finds_no_slot_soon_goes_back_without_an_attempt(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    handlers = quickly(clock), Handler(SLOW, stage)
    async with working(sqlite_database, clock, *handlers, capacity=2) as bench:
        ids = await work_ahead(bench, stage, 6)
        await reach(bench, ids, lambda found: found.count(JobState.QUEUED) >= 4)
        waiting = [job for job in [await bench.get(i) for i in ids] if job.state == "queued"]
        assert {job.attempt for job in waiting} == {0}
        stage.let_go.set()
        await reach(bench, ids, lambda found: set(found) == {JobState.SUCCEEDED})
        for job in waiting:
            assert await bench.outcomes(job.id) == ["released", "succeeded"]


async def test_a_drain_hands_back_at_once_what_has_not_begun(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    handlers = quickly(clock), Handler(SLOW, stage)
    async with working(sqlite_database, clock, *handlers, capacity=2) as bench:
        ids = await work_ahead(bench, stage, 6)
        assert bench.runner is not None
        draining = asyncio.create_task(bench.runner.drain(30))
        while (await states(bench, ids)).count(JobState.QUEUED) < 4:
            await asyncio.sleep(0)
        assert not draining.done()
        stage.let_go.set()
        await soon(draining)
        assert (await states(bench, ids)).count(JobState.SUCCEEDED) == 2
