"""What a campaign of 10,000 jobs costs the others: time to enqueue it, and how long another
party's job waits for its start, idle and under the campaign.

One worker in this process, real clock; every campaign job waits 50 ms as if for GitHub. A person
asks for one job at a time: in a lane of their own, as jobs of pull requests are, and in the lane of
the campaign, where parties take turns.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from random import Random

import uvloop

from benchmarks.hookyard_jobs import database_at
from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, Goal, compare
from benchmarks.servers import data_folder
from hookyard.adapters.database.port import METADATA, Database
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, NewJob
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker

CAMPAIGN, PROBES, PAUSE_S, ITEM_S = 10_000, 200, 0.01, 0.05
ENQUEUED_WITHIN_S = 2.0
PICKUP = 2.0
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


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds to enqueue the campaign; p50 and p95 in ms of a job's start, idle and beside it."""

    enqueued_s: float
    idle: tuple[float, float]
    busy: tuple[float, float]


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

    async def run(self) -> Found:
        """Idle, then beside a campaign."""
        task = asyncio.create_task(self.runner.run())
        idle = await self.waits()
        jobs = [NewJob(ITEM.name, {"n": n}, party="campaign") for n in range(CAMPAIGN)]
        asked = time.perf_counter()
        await self.database.write(lambda unit: self.ledger.enqueue_plain(unit, jobs))
        enqueued_s = time.perf_counter() - asked
        busy = await self.waits()
        await self.runner.drain(1)
        await task
        return Found(enqueued_s, idle, busy)


async def once(where: str, lane: Lane) -> Found:
    """A ledger of its own for one lane."""
    database = database_at(where)
    await database.write(lambda unit: METADATA.create_all(unit.connection))
    found = await Bench(database, lane).run()
    await database.close()
    return found


def measure(figures: Figures, rounds: int) -> None:
    """Both engines, both lanes, in turn; a table and goals."""
    found: dict[tuple[str, Lane], list[Found]] = {}
    with data_folder() as data:
        postgres = Postgres(data)
        try:
            for number in range(1, rounds + 1):
                for engine in ("SQLite", "Postgres"):
                    for lane in (Lane.HIGH, Lane.BULK):
                        folder = data / f"{engine}-{lane.value}-{number}"
                        folder.mkdir()
                        where = postgres.url() if engine == "Postgres" else str(folder)
                        run = uvloop.run(once(where, lane))
                        found.setdefault((engine, lane), []).append(run)
                        ratio = run.busy[1] / run.idle[1]
                        said = f"{engine}, {lane.value}: p95 {ratio:.2f} of idle"
                        print(f"  fairness round {number}/{rounds}: {said}", flush=True)
        finally:
            postgres.stop()
    told(figures, found)


def told(figures: Figures, found: dict[tuple[str, Lane], list[Found]]) -> None:
    """The table and the goals."""
    middle = statistics.median
    figures.tables[f"A person's job beside a campaign of {CAMPAIGN:,}: call to start"] = [
        {
            "engine": engine,
            "its lane": "its own" if lane is Lane.HIGH else "the campaign's",
            "campaign enqueued s": middle(run.enqueued_s for run in runs),
            "idle p50 ms": middle(run.idle[0] for run in runs),
            "p95": middle(run.idle[1] for run in runs),
            "beside p50": middle(run.busy[0] for run in runs),
            "p95 ": middle(run.busy[1] for run in runs),
        }
        for (engine, lane), runs in found.items()
    ]
    for (engine, lane), runs in found.items():
        busy, idle = [run.busy[1] for run in runs], [run.idle[1] for run in runs]
        if lane is Lane.HIGH:
            taken = max(run.enqueued_s for run in runs) / ENQUEUED_WITHIN_S
            what = f"{engine}, {CAMPAIGN:,} jobs enqueued"
            figures.goals.append(Goal(what, "2 s", taken, 1.0, at_least=False))
            what = f"{engine}, start p95 beside a campaign"
            figures.goals.append(compare(what, "idle", busy, idle, PICKUP, at_least=False))
