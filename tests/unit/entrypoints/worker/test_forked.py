"""A process for each attempt, on Postgres: what it may do, and every way in which it may end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.port import RawSql
from hookyard.core.jobs.breakers import Breakers
from hookyard.core.jobs.model import Attempt, Job, JobId, JobState, NewJob
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.entrypoints.worker import forked
from hookyard.entrypoints.worker.confine import CAN_CAP_MEMORY
from hookyard.entrypoints.worker.forked import Forks, start_fork_server
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import Json, as_int, as_list, as_object
from hookyard.settings import load_settings
from tests.support.forked_jobs import KIND, Act, entry
from tests.support.postgres import PostgresServer

PATIENCE_S = 60
CAP_MB = 128


class Bench:
    """A runner whose attempts are made by children, and what became of them."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.database = database
        self.ends: asyncio.Queue[tuple[Job, Step]] = asyncio.Queue()
        self.clock = SystemClock()
        self.ledger = Ledger(self.clock, IdMaker(), [KIND], Random(3), self._wake)
        self.runner: Runner | None = None

    def _wake(self) -> None:
        if self.runner is not None:
            self.runner.wake()

    def hire(self, forks: Forks) -> Runner:
        self.runner = Runner(
            self.database,
            self.ledger,
            forks.around([Act()]),
            self.clock,
            "boot/a",
            capacity=4,
            breakers=Breakers(self.clock),
            observe=lambda job, step: self.ends.put_nowait((job, step)),
        )
        return self.runner

    async def add(self, act: str, **values: object) -> JobId:
        job = NewJob(**{"kind": "act", "payload": {"act": act}, **values})  # type: ignore[arg-type]
        return (await self.database.write(lambda unit: self.ledger.enqueue(unit, job))).job_id

    async def get(self, job_id: str) -> Job:
        return await self.database.read(lambda unit: self.ledger.get(unit, job_id))

    async def ended(self) -> tuple[Job, Step]:
        return await asyncio.wait_for(self.ends.get(), PATIENCE_S)

    async def made(self, act: str, **values: object) -> tuple[Job, Step]:
        """A job and how its first attempt ended."""
        job_id = await self.add(act, **values)
        ended, step = await self.ended()
        while ended.id != job_id:
            ended, step = await self.ended()
        return await self.get(job_id), step

    async def attempts(self, job_id: str) -> list[Attempt]:
        return list(await self.database.read(lambda unit: self.ledger.attempts(unit, job_id)))

    async def pid(self, job_id: str) -> int:
        """The child that works on a job, once it has said so."""
        while (pid := as_int((await self.get(job_id)).progress)) is None:
            continue
        return pid

    async def notes(self) -> list[Json]:
        rows = await self.database.read(
            lambda unit: unit.fetch_raw(RawSql.same("SELECT id FROM audit"))
        )
        return [str(row[0]) for row in rows]


@pytest.fixture(scope="module", autouse=True)
def fork_server() -> None:
    start_fork_server()


@asynccontextmanager
async def benched(
    server: PostgresServer, folder: Path, memory_mb: int | None = None
) -> AsyncIterator[Bench]:
    name = await asyncio.to_thread(server.create_database)
    given = {"DATABASE_URL": server.url(name), "HOOKYARD_DATA_DIR": str(folder / "data")}
    forks = Forks(load_settings(given, folder=folder), memory_mb, entry)
    database = PostgresDatabase(server.url(name))
    await migrate(database)
    bench = Bench(database)
    runner = bench.hire(forks)
    running = asyncio.create_task(runner.run())
    try:
        yield bench
    finally:
        await runner.drain(0.5)
        await running
        await forks.close()
        await database.close()
        await asyncio.to_thread(server.drop_database, name)


@pytest.fixture
async def bench(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(postgres_server, tmp_path) as made:
        yield made


async def test_a_handler_may_do_in_a_child_what_it_may_do_here(bench: Bench) -> None:
    job, _ = await bench.made("talks")
    seven, pid = as_list(job.result)
    assert (job.state, seven, job.progress) == (JobState.SUCCEEDED, 7, {"done": 1, "of": 2})
    assert pid != os.getpid()
    lines = (await bench.database.read(lambda unit: bench.ledger.logs(unit, job.id))).items
    assert [(line.message, line.fields) for line in lines] == [("cloned", {"seconds": 1.5})]


async def test_effects_are_applied_by_the_child_and_told_of_once(bench: Bench) -> None:
    job, step = await bench.made("applies")
    assert (job.state, job.result) == (JobState.SUCCEEDED, "kept")
    assert step.life.state is JobState.SUCCEEDED
    assert await bench.notes() == [job.id]
    assert [attempt.outcome for attempt in await bench.attempts(job.id)] == ["succeeded"]
    assert bench.ends.empty()


async def test_a_failure_applies_its_effects_too(bench: Bench) -> None:
    job, _ = await bench.made("fails_and_applies")
    assert (job.state, as_object(job.error)["code"]) == (JobState.DEAD, "refused")
    assert await bench.notes() == [job.id]


@pytest.mark.parametrize(
    ("act", "code", "reason"),
    [
        ("retries", "busy", "later"),
        ("raises", "error", "RuntimeError: broken"),
        ("is_cut_off", "unavailable", "Unavailable: GitHub is away"),
        ("applies_badly", "apply", "its result could not be applied: RuntimeError: cannot"),
        ("crashes", "killed", "its process was ended by SIGABRT"),
        ("is_killed", "killed", "its process was ended by SIGKILL"),
        ("leaves", "crashed", "its process died with status 3"),
    ],
)
async def test_an_attempt_that_goes_wrong_ends_with_its_reason(
    bench: Bench, act: str, code: str, reason: str
) -> None:
    job, step = await bench.made(act)
    assert step.error == {"code": code, "reason": reason, "attempt": 1}
    assert job.state is JobState.WAITING
    healthy, _ = await bench.made("talks")
    assert healthy.state is JobState.SUCCEEDED


async def test_a_hold_does_not_count(bench: Bench) -> None:
    job, _ = await bench.made("holds")
    assert job.waiting_for is not None
    assert (job.attempt, job.waiting_for.what) == (0, "limit")


@pytest.mark.parametrize("act", ["is_stuck", "waits"])
async def test_a_time_out_is_hard(bench: Bench, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    monkeypatch.setattr(forked, "GRACE_S", 0.3)
    monkeypatch.setattr(forked, "LAST_GRACE_S", 0.2)
    job_id = await bench.add(act, timeout_s=2.0)
    pid = await bench.pid(job_id)
    _, step = await bench.ended()
    assert step.error == {"code": "timeout", "reason": "it ran longer than 2 s", "attempt": 1}
    assert_gone(pid)


async def test_cancelling_reaches_the_handler(bench: Bench) -> None:
    job_id = await bench.add("listens")
    pid = await bench.pid(job_id)
    await bench.database.write(lambda unit: bench.ledger.cancel(unit, job_id))
    await bench.ended()
    job = await bench.get(job_id)
    lines = (await bench.database.read(lambda unit: bench.ledger.logs(unit, job_id))).items
    assert job.state is JobState.CANCELLED
    assert [line.fields for line in lines] == [{"cancelled": True}]
    assert_gone(pid)


async def test_a_lost_lease_ends_the_child_and_records_nothing(bench: Bench) -> None:
    job_id = await bench.add("waits")
    pid = await bench.pid(job_id)
    steal = RawSql.same("UPDATE jobs SET lease = lease + 1, worker = 'other/b' WHERE id = $1")
    await bench.database.write(lambda unit: unit.run_raw(steal, job_id))
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGKILL)
    healthy, _ = await bench.made("talks")
    job = await bench.get(job_id)
    assert healthy.state is JobState.SUCCEEDED
    assert (job.state, job.lease) == (JobState.RUNNING, 2)
    assert await bench.attempts(job_id) == []


async def test_a_drain_hands_back_what_a_child_was_doing(bench: Bench) -> None:
    job_id = await bench.add("waits")
    pid = await bench.pid(job_id)
    assert bench.runner is not None
    await bench.runner.drain(0.1)
    job = await bench.get(job_id)
    assert [attempt.outcome for attempt in await bench.attempts(job_id)] == ["released"]
    assert job.state is JobState.QUEUED
    assert_gone(pid)


@pytest.mark.skipif(not CAN_CAP_MEMORY, reason="only Linux caps the memory of a process")
async def test_a_job_that_takes_too_much_memory_ends_and_the_worker_goes_on(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    async with benched(postgres_server, tmp_path, CAP_MB) as bench:
        job, _ = await bench.made("hoards")
        assert job.state is JobState.DEAD
        assert job.error == {
            "code": "out_of_memory",
            "reason": f"it needed more memory than the {CAP_MB} MB that a job may take",
            "attempt": 1,
        }
        healthy, _ = await bench.made("takes_a_little")
        assert healthy.state is JobState.SUCCEEDED


async def test_children_run_side_by_side(bench: Bench) -> None:
    ids = [await bench.add("waits") for _ in range(3)]
    pids = {await bench.pid(job_id) for job_id in ids}
    assert len(pids) == 3


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
