"""Procrastinate on Postgres, 32 jobs at once: fill a queue, or drain it."""

import asyncio
import os
import sys

import procrastinate

from benchmarks.tally import from_environment

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["JOBS_URL"], max_size=34)
)
tally = from_environment()


@app.task(name="nothing")
async def nothing(number: int) -> None:
    """Be counted."""
    tally.one()


async def fill(total: int) -> None:
    """The schema, then `total` jobs, a thousand to a call."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, total, 1_000):
            numbers = range(first, min(first + 1_000, total))
            await nothing.batch_defer_async(*[{"number": number} for number in numbers])


async def work() -> None:
    """Run all there is."""
    async with app.open_async():
        await app.run_worker_async(concurrency=32, wait=False, install_signal_handlers=False)


if __name__ == "__main__":
    asyncio.run(fill(int(os.environ["TALLY_TOTAL"])) if sys.argv[1] == "fill" else work())
