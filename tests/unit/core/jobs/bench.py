"""A runner over a real database whose ended attempts a test can wait for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

from hookyard.adapters.database.port import Database
from hookyard.core.jobs.model import (
    Done,
    Job,
    JobContext,
    JobId,
    JobKind,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.rules import Step
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

T = TypeVar("T")
PATIENCE_S = 20
WORK = JobKind("work", max_attempts=3, timeout_s=5, backoff=Backoff(base_s=8, floor_s=8, cap_s=8))


class Handler:
    """Runs the given function as one kind of work."""

    def __init__(self, kind: JobKind, does: Callable[[JobContext], Awaitable[Outcome]]) -> None:
        self.kind = kind
        self._does = does

    async def __call__(self, ctx: JobContext) -> Outcome:
        return await self._does(ctx)


class Bench:
    """A ledger, its database and one runner whose ended attempts are handed out in order."""

    def __init__(self, database: Database, clock: ManualClock, kinds: list[JobKind]) -> None:
        self.database = database
        self.clock = clock
        self.ends: asyncio.Queue[tuple[Job, Step]] = asyncio.Queue()
        self.runner: Runner | None = None
        self.ledger = Ledger(clock, IdMaker(), kinds, Random(3), self._wake)

    def _wake(self) -> None:
        if self.runner is not None:
            self.runner.wake()

    async def add(self, kind: str = "work", **values: object) -> JobId:
        job = NewJob(**{"kind": kind, "payload": {}, **values})
        return (await self.database.write(lambda unit: self.ledger.enqueue(unit, job))).job_id

    async def get(self, job_id: str) -> Job:
        return await self.database.read(lambda unit: self.ledger.get(unit, job_id))

    async def ended(self) -> tuple[Job, Step]:
        return await soon(self.ends.get())

    async def outcomes(self, job_id: str) -> list[str]:
        attempts = await self.database.read(lambda unit: self.ledger.attempts(unit, job_id))
        return [attempt.outcome for attempt in attempts]

    def hire(self, *handlers: Handler, **settings: object) -> Runner:
        return Runner(
            self.database, self.ledger, handlers, self.clock,
            **{
                "worker_id": "boot-1/a",
                "observe": lambda job, step: self.ends.put_nowait((job, step)),
                **settings,
            },
        )  # fmt: skip


async def soon(waiting: Awaitable[T]) -> T:
    return await asyncio.wait_for(waiting, PATIENCE_S)


@asynccontextmanager
async def working(
    database: Database, clock: ManualClock, *handlers: Handler, **settings: object
) -> AsyncIterator[Bench]:
    bench = Bench(database, clock, [handler.kind for handler in handlers])
    bench.runner = bench.hire(*handlers, **settings)
    task = asyncio.create_task(bench.runner.run())
    try:
        yield bench
    finally:
        draining = asyncio.create_task(bench.runner.drain(1))
        while not draining.done():
            clock.advance(2)
            await asyncio.wait({draining}, timeout=0.01)
        await soon(task)


async def done(ctx: JobContext) -> Outcome:
    return Done(ctx.job.payload)


class Stage:
    """A handler that says when it is on and waits to be let go."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.on: asyncio.Queue[JobContext] = asyncio.Queue()
        self.let_go = asyncio.Event()
        self.outcome = outcome or Done()

    async def __call__(self, ctx: JobContext) -> Outcome:
        self.on.put_nowait(ctx)
        await self.let_go.wait()
        return self.outcome
