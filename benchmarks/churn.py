"""What work that passes through leaves behind on Postgres, and what that costs the next claim.

One ledger has a long history; many jobs then pass through it, first with nobody looking on, then
while another session keeps a snapshot open, as a backup or a report does: until that ends, Postgres
may remove nothing it can still see. Beside it stands a ledger in which nothing has happened; turns
of a worker are taken in each in alternation, so that the machine's other work meets both.

A page is what has to be read to find the next ready jobs: it does not depend on the machine.
At the end old jobs are purged, a chunk after each turn.
"""

import json
import statistics
import time

import asyncpg
import uvloop

from benchmarks.hookyard_jobs import KIND, database_at
from benchmarks.ledger_size import Sized
from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, Goal
from benchmarks.servers import NotMeasured, data_folder
from hookyard.core.ingress.upkeep import CHUNK
from hookyard.core.jobs.model import NewJob

BATCH = 64
LINE = 2_000
TURNS = 60
PURGED = 40
# The sessions do not wait for the disk, whose time would hide that of a claim.
UNHURRIED = "?options=-c%20synchronous_commit%3Doff"
SIZES = (
    "SELECT pg_table_size('jobs'), pg_indexes_size('jobs'), pg_relation_size('ix_jobs_ready'),"
    " pg_total_relation_size('job_attempts')"
)
NEXT = (
    "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT id FROM jobs WHERE state = 'queued'"
    f" AND lane = 'default' ORDER BY priority DESC, turn, id LIMIT {BATCH}"
)


PASSED = "many more, just passed"
GOAL = 2.0


class Churned(Sized):
    """A ledger that jobs pass through."""

    async def enqueue(self, count: int = BATCH) -> float:
        """More jobs in line; milliseconds."""
        jobs = [NewJob(KIND.name, {"number": n}) for n in range(count)]
        began = time.perf_counter()
        await self.database.write(lambda unit: self.ledger.enqueue_plain(unit, jobs))
        return (time.perf_counter() - began) * 1000

    async def churn(self, jobs: int) -> float:
        """So many pass through; jobs a second."""
        began, done = time.perf_counter(), 0
        while done < jobs:
            await self.enqueue()
            await self.turn()
            done += len(self.taken)
        return done / (time.perf_counter() - began)

    async def purge(self, before_ms: int) -> tuple[int, float]:
        """A chunk of old jobs; how many, and milliseconds."""
        began = time.perf_counter()
        gone = await self.database.write(lambda unit: self.ledger.purge(unit, before_ms, CHUNK))
        return len(gone), (time.perf_counter() - began) * 1000


class Bench:
    """The worked ledger, the quiet one beside it, and somebody who looks at the tables."""

    def __init__(self, urls: tuple[str, str], look: "asyncpg.Connection") -> None:
        self.worked, self.quiet = (Churned(database_at(url)) for url in urls)
        self.look = look
        self.rows: list[dict[str, object]] = []
        self.ratios: dict[str, float] = {}
        self.pages: dict[str, int] = {}

    async def sample(self, when: str) -> None:
        """A row of the table, and what it says beside the quiet ledger."""
        worked, quiet, calls = [], [], []
        for _ in range(TURNS):
            calls.append(await self.worked.enqueue())
            worked.append(await self.worked.turn())
            quiet.append(await self.quiet.turn())
        plan = json.loads(await self.look.fetchval(NEXT))[0]["Plan"]
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        table, indexes, ready, attempts = await self.look.fetchrow(SIZES)
        self.ratios[when] = statistics.median(worked) / statistics.median(quiet)
        self.pages[when] = pages
        self.rows.append(
            {
                "when": when, "turn p50 ms": statistics.median(worked),
                "quiet p50": statistics.median(quiet), "ratio": self.ratios[when],
                "pages to the next jobs": pages, "enqueue p50 ms": statistics.median(calls),
                "ready index MB": ready / 1e6, "jobs MB": table / 1e6,
                "indexes MB": indexes / 1e6, "attempts MB": attempts / 1e6,
            }
        )  # fmt: skip
        print(f"  churn: {when}: {self.ratios[when]:.2f} of quiet, {pages} pages", flush=True)


async def pass_through(
    bench: Bench, history: int, jobs: int, holder: "asyncpg.Connection"
) -> dict[str, object]:
    """All phases; the row of the purge."""
    await bench.worked.prepare(history)
    await bench.quiet.prepare(1_000)
    await bench.worked.turn()
    await bench.quiet.turn()
    await bench.sample(f"{history:,} finished")
    rate = await bench.worked.churn(jobs)
    print(f"  churn: {jobs:,} jobs passed, {rate:,.0f} a second", flush=True)
    await bench.sample(PASSED)
    await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await holder.fetch("SELECT 1 FROM jobs LIMIT 1")
    await bench.worked.churn(jobs // 5)
    await bench.sample(f"{jobs // 5:,} more, a snapshot open")
    await holder.execute("COMMIT")
    began = time.perf_counter()
    await bench.look.execute("VACUUM jobs")
    vacuumed_s = time.perf_counter() - began
    await bench.sample("snapshot closed, vacuumed")
    return await purge(bench, vacuumed_s)


async def purge(bench: Bench, vacuumed_s: float) -> dict[str, object]:
    """Delete old jobs between turns."""
    gone, spent, turns, quiet = 0, 0.0, [], []
    for _ in range(PURGED):
        # why: the generated history is of the first minutes of 1970.
        count, took = await bench.worked.purge(10**10)
        gone, spent = gone + count, spent + took
        turns.append(await bench.worked.turn())
        quiet.append(await bench.quiet.turn())
    return {
        "jobs purged": gone, "a second": gone / spent * 1000, "a chunk ms": spent / PURGED,
        "turn between, p50 ms": statistics.median(turns), "quiet": statistics.median(quiet),
        "vacuum s": vacuumed_s,
    }  # fmt: skip


async def _measured(figures: Figures, postgres: Postgres, history: int, jobs: int) -> None:
    urls = (f"{postgres.url()}{UNHURRIED}", f"{postgres.url()}{UNHURRIED}")
    look, holder = await asyncpg.connect(urls[0]), await asyncpg.connect(urls[0])
    bench = Bench(urls, look)
    row = await pass_through(bench, history, jobs, holder)
    for one in (look, holder):
        await one.close()
    for ledger in (bench.worked, bench.quiet):
        await ledger.database.close()
    title = f"{jobs:,} jobs pass through Postgres beside {history:,}: a worker's turns"
    figures.tables[title] = bench.rows
    figures.tables["A purge of old jobs, a chunk after each turn"] = [row]
    what = f"Postgres, a turn once {jobs:,} jobs have passed"
    figures.goals.append(
        Goal(what, "in a quiet ledger", bench.ratios[PASSED], GOAL, at_least=False)
    )


def measure(figures: Figures, history: int, jobs: int) -> None:
    """Two tables and a goal."""
    with data_folder() as data:
        try:
            postgres = Postgres(data)
        except NotMeasured as reason:
            figures.note(f"not measured: churn: {reason}")
            return
        try:
            uvloop.run(_measured(figures, postgres, history, jobs))
        finally:
            postgres.stop()
