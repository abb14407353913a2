"""taskiq on a Redis list, its quickest broker: how long from `kiq` to the task's first line.

`taskiq worker benchmarks.peers.taskiq_jobs:broker` is the worker; run as a program this is the
producer, printing one latency in nanoseconds per line. CLOCK_MONOTONIC is one for the machine, so
the two processes' readings compare.
"""

import asyncio
import os
import sys
import time

import redis.asyncio as redis
from taskiq_redis import ListQueueBroker

URL = os.environ["REDIS_URL"]
STARTED = "benchmark:started"
broker = ListQueueBroker(URL, queue_name="benchmark")
results: redis.Redis = redis.Redis.from_url(URL)


@broker.task(task_name="start")
async def start(sent_ns: int) -> None:
    """Note how long ago it was asked for."""
    late = time.monotonic_ns() - sent_ns
    await results.rpush(STARTED, late)


async def produce(count: int, spacing_s: float) -> list[int]:
    """Enqueue `count` tasks, one every `spacing_s`, and wait for all to have started."""
    await broker.startup()
    await results.delete(STARTED)
    for _ in range(count):
        await start.kiq(time.monotonic_ns())
        await asyncio.sleep(spacing_s)
    for _ in range(200):
        if await results.llen(STARTED) >= count:
            break
        await asyncio.sleep(0.05)
    found = [int(late) for late in await results.lrange(STARTED, 0, -1)]
    await broker.shutdown()
    await results.aclose()
    return found


if __name__ == "__main__":
    for late in asyncio.run(produce(int(sys.argv[1]), float(sys.argv[2]))):
        print(late)
