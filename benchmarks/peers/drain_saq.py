"""SAQ on Redis with uvloop, 32 jobs at once: fill a queue, or drain it."""

import os
import sys

import uvloop
from saq import Queue, Worker
from saq.types import Context

from benchmarks.tally import from_environment

tally = from_environment()


async def nothing(ctx: Context, *, number: int) -> None:
    """Be counted."""
    tally.one()


async def fill(total: int) -> None:
    """`total` jobs by its own call for one."""
    queue = Queue.from_url(os.environ["REDIS_URL"])
    for number in range(total):
        await queue.enqueue("nothing", number=number)
    await queue.disconnect()


async def work() -> None:
    """Run all there is."""
    queue = Queue.from_url(os.environ["REDIS_URL"])
    await Worker(queue, [nothing], concurrency=32, burst=True, dequeue_timeout=1).start()
    await queue.disconnect()


if __name__ == "__main__":
    uvloop.run(fill(int(os.environ["TALLY_TOTAL"])) if sys.argv[1] == "fill" else work())
