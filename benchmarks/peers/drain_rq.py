"""RQ's SimpleWorker, which does not fork for each job: fill a queue, or drain it."""

import os
import sys

from redis import Redis
from rq import Queue, SimpleWorker

from benchmarks import tally

COUNTED: list[tally.Tally] = []


def nothing(number: int) -> None:
    """Be counted; the worker imports this module by its name, for which it is another one."""
    if not COUNTED:
        COUNTED.append(tally.from_environment())
    COUNTED[0].one()


def main(way: str) -> None:
    """Fill by its call for many, or run all there is."""
    redis = Redis.from_url(os.environ["REDIS_URL"])
    queue = Queue(connection=redis)
    if way == "fill":
        named = "benchmarks.peers.drain_rq.nothing"
        total = int(os.environ["TALLY_TOTAL"])
        queue.enqueue_many([Queue.prepare_data(named, (number,)) for number in range(total)])
    else:
        SimpleWorker([queue], connection=redis).work(burst=True, logging_level="ERROR")


if __name__ == "__main__":
    main(sys.argv[1])
