"""What a campaign of 10,000 jobs costs the others: time to enqueue it, and how long another
party's job waits for its start, idle and under the campaign.

`python -m benchmarks.fairness URL` with `postgresql://…` (an empty database) or a folder for
SQLite. One process, real clock; every campaign job waits 50 ms as if for GitHub.
"""

import asyncio
import sys
import time
from pathlib import Path
from random import Random

import hookyard.registry  # noqa: F401
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, NewJob
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker

CAMPAIGN, PROBES, PAUSE_S, ITEM_S = 10_000, 200, 0.01, 0.05
ITEM = JobKind("benchmark.item", lane=Lane.BULK, log_file=False)


class Item:
    """One repository of a campaign."""

    kind = ITEM

    async def __call__(self, ctx: JobContext) -> Done:
        await asyncio.sleep(ITEM_S)
        return Done()


class Probe:
    """A person's job; notes when it starts."""

    def __init__(self, lane: Lane) -> None:
        self.kind = JobKind("benchmark.probe", lane=lane, log_file=False)
        self.started: dict[str, asyncio.Future[float]] = {}

    async def __call__(self, ctx: JobContext) -> Done:
        future = self.started.setdefault(ctx.job.id, asyncio.get_running_loop().create_future())
        future.set_result(time.perf_counter())
        return Done()


class Bench:
    """A worker, and somebody who asks for one job at a time."""

    def __init__(self, database: Database, lane: Lane) -> None:
        self.database = database
        self.probe = Probe(lane)
        clock = SystemClock()
        self.ledger = Ledger(clock, IdMaker(), [ITEM, self.probe.kind], Random(1), self._wake)
        self.runner = Runner(database, self.ledger, [Item(), self.probe], clock, "boot/bench")

    def _wake(self) -> None:
        self.runner.wake()

    async def waits(self) -> tuple[float, float]:
        """p50 and p95, in ms, from the request of a job to its start."""
        found: list[float] = []
        for _ in range(PROBES):
            await asyncio.sleep(PAUSE_S)
            job = NewJob(self.probe.kind.name, {}, party="person")
            asked = time.perf_counter()
            made = await self.database.write(lambda unit, j=job: self.ledger.enqueue(unit, j))
            future = asyncio.get_running_loop().create_future()
            started = await self.probe.started.setdefault(made.job_id, future)
            found.append((started - asked) * 1000)
        found.sort()
        return found[len(found) // 2], found[len(found) * 95 // 100]

    async def run(self) -> None:
        """Measure and print."""
        task = asyncio.create_task(self.runner.run())
        idle = await self.waits()
        jobs = [NewJob(ITEM.name, {"n": n}, party="campaign") for n in range(CAMPAIGN)]
        asked = time.perf_counter()
        await self.database.write(lambda unit: self.ledger.enqueue_plain(unit, jobs))
        enqueued_s = time.perf_counter() - asked
        busy = await self.waits()
        print(
            f"{self.database.dialect} probe in {self.probe.kind.lane.value}:"
            f" {CAMPAIGN} jobs enqueued in {enqueued_s:.2f} s;"
            f" start p50/p95 idle {idle[0]:.1f}/{idle[1]:.1f} ms,"
            f" under the campaign {busy[0]:.1f}/{busy[1]:.1f} ms, p95 ratio {busy[1] / idle[1]:.2f}"
        )
        await self.runner.drain(1)
        await task


async def main(url: str) -> None:
    """Both lanes: a person's own, and the campaign's."""
    for lane in (Lane.HIGH, Lane.BULK):
        database: Database
        if url.startswith("postgresql"):
            database = PostgresDatabase(url)
        else:
            Path(url).mkdir(parents=True, exist_ok=True)
            database = SqliteDatabase(Path(url) / f"{lane.value}.db")

        await database.write(lambda unit: METADATA.drop_all(unit.connection))
        await database.write(lambda unit: METADATA.create_all(unit.connection))
        await Bench(database, lane).run()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
