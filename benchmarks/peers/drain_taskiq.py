"""taskiq on a Redis list, its quickest broker; `taskiq worker …drain_taskiq:broker` drains.

Nothing is acknowledged: a task that was taken from the list and not finished is gone.
"""

import asyncio
import os

from taskiq_redis import ListQueueBroker

from benchmarks.tally import from_environment

broker = ListQueueBroker(os.environ["REDIS_URL"], queue_name="benchmark")
tally = from_environment()


@broker.task(task_name="nothing")
async def nothing(number: int) -> None:
    """Be counted."""
    tally.one()


async def fill(total: int) -> None:
    """`total` tasks by its own call for one."""
    await broker.startup()
    for number in range(total):
        await nothing.kiq(number)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(fill(int(os.environ["TALLY_TOTAL"])))
