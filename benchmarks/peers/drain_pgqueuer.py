"""pgqueuer on asyncpg with uvloop, batches of 100: fill a queue, or drain it; `start` waits idle.

`start` prints, for each of COUNT jobs SPACING_S apart, the nanoseconds from the call of `enqueue`
on one connection to the first line of the entrypoint, whose worker waits on another.
"""

import asyncio
import os
import sys
import time

import asyncpg
import uvloop
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from benchmarks.tally import from_environment

URL = os.environ["JOBS_URL"]
BATCH = 100


async def fill(total: int) -> None:
    """The schema as its authors set it up, then `total` jobs, a thousand to a call."""
    connection = await asyncpg.connect(URL)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    for first in range(0, total, 1_000):
        some = range(first, min(first + 1_000, total))
        payloads: list[bytes | None] = [b'{"number": %d}' % number for number in some]
        await queries.enqueue(["nothing"] * len(some), payloads, [0] * len(some))
    await connection.close()


async def work() -> None:
    """Run all there is."""
    connection = await asyncpg.connect(URL)
    manager, tally = QueueManager(Queries(AsyncpgDriver(connection))), from_environment()

    @manager.entrypoint("nothing")
    async def nothing(job: Job) -> None:
        tally.one()

    await manager.run(batch_size=BATCH, mode=QueueExecutionMode.drain)
    await connection.close()


async def start(count: int, spacing_s: float) -> None:
    """Latency on an idle worker in this process."""
    ours, theirs = await asyncpg.connect(URL), await asyncpg.connect(URL)
    queries = Queries(AsyncpgDriver(ours))
    await queries.install()
    manager = QueueManager(Queries(AsyncpgDriver(theirs)))
    late: list[int] = []

    @manager.entrypoint("note")
    async def note(job: Job) -> None:
        now = time.monotonic_ns()
        late.append(now - int(job.payload or b"0"))

    working = asyncio.create_task(manager.run(batch_size=10))
    await asyncio.sleep(1)
    for _ in range(count):
        await queries.enqueue("note", b"%d" % time.monotonic_ns())
        await asyncio.sleep(spacing_s)
    while len(late) < count:
        await asyncio.sleep(spacing_s)
    manager.shutdown.set()
    await working
    await ours.close()
    await theirs.close()
    print("\n".join(map(str, late)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill"]:
            uvloop.run(fill(int(os.environ["TALLY_TOTAL"])))
        case ["work"]:
            uvloop.run(work())
        case ["start", count, spacing_s]:
            uvloop.run(start(int(count), float(spacing_s)))
