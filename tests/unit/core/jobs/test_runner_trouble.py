"""What the worker loop does when handlers, leases, dependencies or the database fail."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.model import (
    Done,
    Hold,
    JobContext,
    JobKind,
    JobState,
    NewJob,
    Outcome,
    WaitingFor,
)
from hookyard.kit.breaker import Breaker
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import StaleLease, Unavailable
from tests.unit.core.jobs.bench import WORK, Bench, Handler, Stage, done, soon, working

T = TypeVar("T")


async def test_a_worker_that_lost_its_lease_records_nothing(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    refused: list[str] = []
    stage = Stage()

    async def stubborn(ctx: JobContext) -> Outcome:
        try:
            return await stage(ctx)
        except asyncio.CancelledError:
            for verb in (ctx.log("late"), ctx.progress(1), ctx.write(lambda unit: None)):
                with pytest.raises(StaleLease):
                    await verb
                refused.append("stale")
            raise

    steal = RawSql.same(
        "UPDATE jobs SET lease = lease + 1, worker = 'boot-1/b', leased_until_ms = 1 << 60"
    )
    kind = JobKind("work", timeout_s=1000)
    async with working(sqlite_database, clock, Handler(kind, stubborn), lease_s=30) as bench:
        job_id = await bench.add()
        await soon(stage.on.get())
        await sqlite_database.write(lambda unit: unit.run_raw(steal))
        while len(refused) < 3:
            if not refused:
                clock.advance(0.1)
            await sqlite_database.write(lambda unit: bench.ledger.get(unit, job_id))
        assert bench.ends.empty()
        assert (await bench.get(job_id)).state is JobState.RUNNING
        assert await bench.outcomes(job_id) == []


async def test_a_worker_that_takes_back_its_own_job_keeps_only_the_new_attempt(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    expire = RawSql.same("UPDATE jobs SET leased_until_ms = 0")
    kind = JobKind("work", timeout_s=1000)
    async with working(sqlite_database, clock, Handler(kind, stage), lease_s=30) as bench:
        job_id = await bench.add()
        old = await soon(stage.on.get())
        await sqlite_database.write(lambda unit: unit.run_raw(expire))
        clock.advance(1)
        new = await soon(stage.on.get())
        assert (old.job.lease, new.job.lease) == (1, 2)
        for _ in range(20):
            clock.advance(5)
            await sqlite_database.write(lambda unit: bench.ledger.get(unit, job_id))
            await asyncio.sleep(0)
        assert bench.runner is not None
        assert bench.runner.running == 1
        stage.let_go.set()
        job, step = await bench.ended()
        assert (job.lease, step.life.state) == (2, JobState.SUCCEEDED)
        assert await bench.outcomes(job_id) == ["lost", "succeeded"]


async def test_a_result_that_cannot_be_applied_fails_only_its_own_job(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    def refuses(unit: Unit) -> None:
        raise LookupError("no such pull request")

    async def applies(ctx: JobContext) -> Outcome:
        if ctx.job.payload.get("bad"):
            return Done(apply=refuses)
        job = NewJob("after", {"of": ctx.job.id})
        return Done(apply=lambda unit: bench.ledger.enqueue(unit, job) and None)

    handlers = Handler(WORK, applies), Handler(JobKind("after"), done)
    async with working(sqlite_database, clock, *handlers) as bench:
        bad = await bench.add(payload={"bad": True})
        good = await bench.add()
        ends = {job.id: (job, step) for job, step in [await bench.ended() for _ in range(3)]}
        assert ends[good][1].life.state is JobState.SUCCEEDED
        assert ends[bad][1].life.state is JobState.WAITING
        assert ends[bad][1].error == {
            "code": "apply", "attempt": 1,
            "reason": "its result could not be applied: LookupError: no such pull request",
        }  # fmt: skip
        (after,) = [job for job, _ in ends.values() if job.kind == "after"]
        assert after.payload == {"of": good}


async def test_a_killed_worker_is_recovered_at_the_next_start(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    stage = Stage()
    bench = Bench(sqlite_database, clock, [WORK])
    bench.runner = bench.hire(Handler(WORK, stage))
    running = asyncio.create_task(bench.runner.run())
    job_id = await bench.add()
    await soon(stage.on.get())
    running.cancel()
    await asyncio.wait({running})
    assert (await bench.get(job_id)).state is JobState.RUNNING
    lost = await sqlite_database.write(
        lambda unit: bench.ledger.recover_worker_loss(unit, "boot-2")
    )
    assert lost == [job_id]
    async with working(
        sqlite_database, clock, Handler(WORK, done), worker_id="boot-2/a"
    ) as restarted:
        await restarted.ended()
        assert await restarted.outcomes(job_id) == ["lost", "succeeded"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Done({"x": object()}), "TypeError"),
        (Hold(WaitingFor("key", "x")), "a handler may not hold for 'key'"),
        (None, "NoneType, which is no outcome"),
    ],
)
async def test_an_outcome_that_cannot_be_recorded_is_a_failed_attempt(
    sqlite_database: SqliteDatabase, clock: ManualClock, answer: Outcome, reason: str
) -> None:
    async def says(ctx: JobContext) -> Outcome:
        return answer

    async with working(sqlite_database, clock, Handler(WORK, says)) as bench:
        await bench.add()
        _, step = await bench.ended()
        assert step.life.state is JobState.WAITING
        assert isinstance(step.error, dict)
        assert reason in str(step.error["reason"])


async def test_a_dependency_that_is_down_holds_its_jobs_instead_of_failing_them(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    calls: list[str] = []
    kind = JobKind("work", needs=("github",), max_attempts=9)

    async def calls_out(ctx: JobContext) -> Outcome:
        calls.append(ctx.job.id)
        if len(calls) <= 2:
            raise Unavailable("GitHub does not answer")
        return Done()

    limits = Breakers(clock, lambda name: Breaker(name, threshold=2, cooldown_ms=4_000))
    async with working(
        sqlite_database, clock, Handler(kind, calls_out), breakers=limits, capacity=1
    ) as bench:
        for _ in range(2):
            await bench.add(priority=1)
        for _ in range(2):
            assert (await bench.ended())[1].life.state is JobState.WAITING
        third = await bench.add()
        while (await bench.get(third)).state is not JobState.WAITING:
            continue
        held = await bench.get(third)
        assert held.waiting_for is not None
        assert (held.waiting_for.what, held.waiting_for.holder) == ("breaker", "github")
        assert (held.attempt, len(calls)) == (0, 2)
        left = 3
        while left:
            clock.advance(1)
            await bench.get(third)
            while not bench.ends.empty():
                assert bench.ends.get_nowait()[1].life.state is JobState.SUCCEEDED
                left -= 1
        assert limits.get("github").state(clock.now_ms()) == "closed"


class Flaky:
    """A database that refuses some writes before or after they happen."""

    dialect = "sqlite"

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.refuse = 0
        self.lose_answers = 0

    async def write(self, work: Callable[[Unit], T]) -> T:
        if self.refuse:
            self.refuse -= 1
            raise Unavailable("disk full")
        result = await self._database.write(work)
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unavailable("connection lost after the commit")
        return result

    async def read(self, work: Callable[[Unit], T]) -> T:
        return await self._database.read(work)


@pytest.mark.parametrize("fault", ["refuse", "lose_answers"])
async def test_trouble_with_the_database_loses_no_end(
    sqlite_database: SqliteDatabase, clock: ManualClock, fault: str
) -> None:
    flaky = Flaky(sqlite_database)
    stage = Stage()
    async with working(flaky, clock, Handler(WORK, stage), lease_s=6) as bench:
        ids = [await bench.add() for _ in range(3)]
        for _ in ids:
            await soon(stage.on.get())
        setattr(flaky, fault, 4)
        stage.let_go.set()
        finished: set[JobState] = set()
        while finished != {JobState.SUCCEEDED}:
            clock.advance(0.25)
            finished = {(await bench.get(job_id)).state for job_id in ids}
        for job_id in ids:
            assert (await bench.outcomes(job_id))[-1] == "succeeded"
            assert (await bench.outcomes(job_id)).count("succeeded") == 1


class YieldCountingClock(ManualClock):
    """Counts waits for no time at all."""

    yields = 0

    async def sleep(self, seconds: float) -> None:
        self.yields += seconds <= 0
        await super().sleep(seconds)


async def test_an_end_that_is_slow_to_record_past_its_deadline_does_not_keep_the_loop_busy(
    sqlite_database: SqliteDatabase,
) -> None:
    clock = YieldCountingClock()
    refused: asyncio.Queue[None] = asyncio.Queue()

    def refuses_once(unit: Unit) -> None:
        if clock.now_ms() == begun_ms:
            loop.call_soon_threadsafe(refused.put_nowait, None)
            raise Unavailable("the database is away")

    async def applies(ctx: JobContext) -> Outcome:
        return Done(apply=refuses_once)

    loop, begun_ms = asyncio.get_running_loop(), clock.now_ms()
    kind = JobKind("work", timeout_s=0.01)
    async with working(sqlite_database, clock, Handler(kind, applies)) as bench:
        await bench.add()
        await soon(refused.get())
        await sqlite_database.write(lambda unit: None)
        clock.advance(0.02)
        for _ in range(100):
            await asyncio.sleep(0)
        assert clock.yields < 10
        clock.advance(1)
        _, step = await bench.ended()
        assert step.life.state is JobState.SUCCEEDED
