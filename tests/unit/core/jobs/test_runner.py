"""The worker loop over a real embedded database, with the clock in the test's hands."""

import asyncio
import json
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import RawSql
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import (
    Done,
    Fail,
    JobContext,
    JobKind,
    JobState,
    Lane,
    NewJob,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.kit.clock import ManualClock
from tests.unit.core.jobs.bench import WORK, Handler, Stage, done, soon, working


async def test_work_starts_at_the_commit_without_time_passing(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with working(sqlite_database, clock, Handler(WORK, done)) as bench:
        for n in range(5):
            job_id = await bench.add(payload={"n": n})
            job, step = await bench.ended()
            assert (job.id, step.life.state) == (job_id, JobState.SUCCEEDED)
            assert (await bench.get(job_id)).result == {"n": n}


async def test_a_full_queue_drains_through_few_slots(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with working(sqlite_database, clock, Handler(WORK, done), capacity=4) as bench:
        jobs = [NewJob("work", {"n": n}) for n in range(100)]
        ids = await sqlite_database.write(lambda unit: bench.ledger.enqueue_plain(unit, jobs))
        seen = {(await bench.ended())[0].id for _ in ids}
        assert seen == set(ids)
        assert bench.runner is not None
        assert bench.runner.running == 0


async def test_an_exception_is_a_failed_attempt_whose_message_keeps_no_secret(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    secret = "ghs_" + "s3cr3t" * 6

    async def breaks(ctx: JobContext) -> Outcome:
        raise RuntimeError(f"GET failed with {secret}")

    async with working(sqlite_database, clock, Handler(WORK, breaks)) as bench:
        job_id = await bench.add()
        for _ in range(2):
            _, step = await bench.ended()
            assert step.life.state is JobState.WAITING
            clock.advance(8)
        await bench.ended()
        job = await bench.get(job_id)
        assert job.state is JobState.DEAD
        assert job.error == {
            "code": "attempts_exhausted", "cause": "error", "attempt": 3,
            "reason": "RuntimeError: GET failed with [redacted]",
        }  # fmt: skip
        assert await bench.outcomes(job_id) == ["retried", "retried", "failed"]


async def test_an_attempt_that_takes_too_long_is_ended(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    async with working(sqlite_database, clock, Handler(WORK, stage)) as bench:
        await bench.add(timeout_s=2)
        await soon(stage.on.get())
        ended = asyncio.create_task(bench.ended())
        while not ended.done():
            clock.advance(0.5)
            await asyncio.wait({ended}, timeout=0.01)
        _, step = ended.result()
        assert step.error == {"code": "timeout", "reason": "it ran longer than 2 s", "attempt": 1}


async def test_cancelling_stops_the_running_task_at_once(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    async with working(sqlite_database, clock, Handler(WORK, stage)) as bench:
        job_id = await bench.add()
        ctx = await soon(stage.on.get())
        await sqlite_database.write(lambda unit: bench.ledger.cancel(unit, job_id))
        _, step = await bench.ended()
        assert step.life.state is JobState.CANCELLED
        assert ctx.cancelled.is_set()


async def test_drain_lets_work_end_within_its_limit(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    async with working(sqlite_database, clock, Handler(WORK, stage)) as bench:
        job_id = await bench.add()
        await soon(stage.on.get())
        assert bench.runner is not None
        draining = asyncio.create_task(bench.runner.drain(30))
        late = await bench.add()
        stage.let_go.set()
        await soon(draining)
        assert (await bench.get(job_id)).state is JobState.SUCCEEDED
        assert (await bench.get(late)).state is JobState.QUEUED


async def test_drain_hands_the_rest_back_for_another_worker(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    async with working(sqlite_database, clock, Handler(WORK, stage)) as bench:
        job_id = await bench.add(max_attempts=1, timeout_s=1000)
        await soon(stage.on.get())
        assert bench.runner is not None
        draining = asyncio.create_task(bench.runner.drain(30))
        while not draining.done():
            clock.advance(10)
            await asyncio.wait({draining}, timeout=0.01)
        assert (await bench.get(job_id)).state is JobState.QUEUED
    async with working(sqlite_database, clock, Handler(WORK, done)) as bench:
        await bench.ended()
        assert await bench.outcomes(job_id) == ["released", "succeeded"]


async def test_the_lease_is_kept_while_the_handler_works(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    kind = JobKind("work", timeout_s=1000)
    async with working(sqlite_database, clock, Handler(kind, stage), lease_s=30) as bench:
        job_id = await bench.add()
        await soon(stage.on.get())
        started_ms = clock.now_ms()
        while clock.now_ms() < started_ms + 120_000:
            clock.advance(0.5)
            # why: writes run in order, so a heartbeat that is due cannot fall far behind this one.
            job = await sqlite_database.write(lambda unit: bench.ledger.get(unit, job_id))
            assert (job.state, job.lease) == (JobState.RUNNING, 1)
        stage.let_go.set()
        _, step = await bench.ended()
        assert (step.life.state, step.life.attempt) == (JobState.SUCCEEDED, 1)


async def test_a_handler_may_read_write_log_and_report_progress(
    sqlite_database: SqliteDatabase, clock: ManualClock, tmp_path: Path
) -> None:
    async def talks(ctx: JobContext) -> Outcome:
        await ctx.log("cloned", seconds=1.5)
        await ctx.progress({"done": 1, "of": 2})
        count = await ctx.read(
            lambda unit: unit.fetch_raw(RawSql.same("SELECT count(*) FROM jobs"))
        )
        written = await ctx.write(lambda unit: "written")
        return Done([count[0][0], written])

    files = JobLogFiles(tmp_path / "logs")
    async with working(sqlite_database, clock, Handler(WORK, talks), files=files) as bench:
        job_id = await bench.add()
        await bench.ended()
        job = await bench.get(job_id)
        assert (job.result, job.progress) == ([1, "written"], {"done": 1, "of": 2})
        lines = await sqlite_database.read(lambda unit: bench.ledger.logs(unit, job_id))
        assert [(line.message, line.fields) for line in lines.items] == [
            ("cloned", {"seconds": 1.5})
        ]
    files.close()
    told = [json.loads(line) for line in files.path(job_id).read_text().splitlines()]
    assert [line["event"] for line in told] == ["enqueued", "claimed", "log", "succeeded"]
    assert {line["job_id"] for line in told} == {job_id}


async def test_pace_makes_the_loop_wait_but_never_for_long(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    asked: list[float] = []

    def busy() -> float:
        asked.append(clock.monotonic())
        return 0.4

    async with working(sqlite_database, clock, Handler(WORK, done), pace=busy) as bench:
        started = clock.monotonic()
        await bench.add()
        ended = asyncio.create_task(bench.ended())
        while not ended.done():
            clock.advance(0.1)
            await asyncio.wait({ended}, timeout=0.005)
        assert asked
        assert clock.monotonic() - started >= 0.4


async def test_a_kind_without_a_handler_here_waits_for_one(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    async with working(sqlite_database, clock, Handler(WORK, done)) as bench:
        bench.ledger.kinds["elsewhere"] = JobKind("elsewhere")
        strange = await bench.add("elsewhere")
        await bench.add()
        await bench.ended()
        held = await bench.get(strange)
        assert (held.attempt, held.waiting_for) == (0, WaitingFor("kind", "elsewhere"))


async def test_bulk_work_does_not_keep_urgent_work_waiting(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    urgent = Handler(JobKind("urgent", lane=Lane.CRITICAL), done)
    async with working(sqlite_database, clock, Handler(WORK, stage), urgent, capacity=4) as bench:
        jobs = [NewJob("work", {}, lane=Lane.BULK) for _ in range(20)]
        await sqlite_database.write(lambda unit: bench.ledger.enqueue_plain(unit, jobs))
        for _ in range(3):
            await soon(stage.on.get())
        await bench.add("urgent")
        job, _ = await bench.ended()
        assert job.kind == "urgent"
        stage.let_go.set()


FIRST_ENDS = [Fail("no", code="refused"), Retry("later", after_s=5), Done(1)]


@pytest.mark.parametrize("outcome", FIRST_ENDS, ids=["fail", "retry", "done"])
async def test_keyed_jobs_follow_each_other(
    sqlite_database: SqliteDatabase, clock: ManualClock, outcome: Outcome
) -> None:
    order: list[str] = []

    async def notes(ctx: JobContext) -> Outcome:
        order.append(ctx.job.id)
        return outcome if ctx.job.attempt == 1 and len(order) == 1 else Done()

    async with working(sqlite_database, clock, Handler(WORK, notes)) as bench:
        ids = [await bench.add(key="o/r#1") for _ in range(3)]
        expected = [ids[0], *ids] if isinstance(outcome, Retry) else ids
        await bench.ended()
        clock.advance(5)
        for _ in expected[1:]:
            await bench.ended()
        assert order == expected
