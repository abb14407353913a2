"""Hookyard's ledger and runner over a full queue of no-op jobs, in one process as shipped.

`python -m benchmarks.hookyard_jobs fill|work` with `JOBS_URL` (postgresql://…, or a folder for
SQLite) and the tally's `TALLY_TOTAL` and `TALLY_FILE`. The worker ends when every job has, and
fails when the ledger does not say so: each succeeded, each with its attempt in the history.

`serve` works until it is told to stop by SIGTERM, whatever befalls the database; `JOBS_WAIT_MS` is
what each job then waits as if for GitHub, `JOBS_LEASE_S` how long a lease lasts.
"""

import asyncio
import os
import random
import secrets
import signal
import sys
from pathlib import Path

import uvloop

from benchmarks.tally import Tally, from_environment
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database, RawSql, Unit
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import Done, JobContext, JobKind, NewJob
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.memory import settle_memory

FILL_BY = 1_000
KIND = JobKind("benchmark.nothing", log_file=os.environ.get("JOBS_LOG_FILES") == "1")
LEFT = RawSql.same("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running', 'waiting')")
DONE = RawSql.same(
    "SELECT count(*) FROM jobs JOIN job_attempts ON job_id = id"
    " WHERE state = 'succeeded' AND outcome = 'succeeded'"
)


class Nothing:
    """A handler that is counted and does nothing else."""

    kind = KIND

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    async def __call__(self, ctx: JobContext) -> Done:
        self._tally.one()
        return Done()


class Waits:
    """A handler that waits for a while."""

    kind = KIND

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s

    async def __call__(self, ctx: JobContext) -> Done:
        await asyncio.sleep(self._wait_s)
        return Done()


def database_at(url: str) -> Database:
    """The engine that the address names."""
    if url.startswith("postgresql"):
        return PostgresDatabase(url)
    return SqliteDatabase(Path(url) / "jobs.db")


async def fill(url: str, total: int) -> None:
    """An empty ledger, then `total` jobs."""
    database = database_at(url)
    await database.write(lambda unit: METADATA.create_all(unit.connection))
    ledger = Ledger(SystemClock(), IdMaker(), [KIND], random.Random(1), lambda: None)

    def some(unit: Unit, first: int) -> None:
        numbers = range(first, min(first + FILL_BY, total))
        ledger.enqueue_plain(unit, [NewJob(KIND.name, {"number": n}) for n in numbers])

    for first in range(0, total, FILL_BY):
        await database.write(lambda unit, n=first: some(unit, n))  # type: ignore[misc]
    await database.close()


async def work(url: str, total: int) -> None:
    """Run them all."""
    database = database_at(url)
    clock, nothing = SystemClock(), Nothing(from_environment())
    ledger = Ledger(clock, IdMaker(), [KIND], random.Random(1), lambda: None)
    files = JobLogFiles(Path(f"{os.environ['TALLY_FILE']}.logs"))
    runner = Runner(
        database, ledger, [nothing], clock, "benchmark/one",
        files=files, observe=lambda job, step: None,
    )  # fmt: skip
    settle_memory()
    working = asyncio.create_task(runner.run())
    while (await database.read(lambda unit: unit.fetch_raw(LEFT)))[0][0]:
        await asyncio.sleep(0.5)
    await runner.drain(5)
    await working
    done = (await database.read(lambda unit: unit.fetch_raw(DONE)))[0][0]
    await database.close()
    files.close()
    if done != total:
        raise SystemExit(f"{total} jobs were queued, the ledger has {done} that succeeded")


async def serve(url: str, total: int) -> None:
    """Run what there is and what comes, until SIGTERM."""
    database, clock, stop = database_at(url), SystemClock(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ledger = Ledger(clock, IdMaker(), [KIND], random.Random(1), lambda: None)
    runner = Runner(
        database, ledger, [Waits(float(os.environ["JOBS_WAIT_MS"]) / 1000)], clock,
        f"{secrets.token_hex(4)}/one", lease_s=float(os.environ["JOBS_LEASE_S"]),
    )  # fmt: skip
    working = asyncio.create_task(runner.run())
    await stop.wait()
    await runner.drain(5)
    await working
    await database.close()


if __name__ == "__main__":
    way = {"fill": fill, "work": work, "serve": serve}[sys.argv[1]]
    uvloop.run(way(os.environ["JOBS_URL"], int(os.environ["TALLY_TOTAL"])))
