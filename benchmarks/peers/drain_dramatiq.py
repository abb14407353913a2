"""Dramatiq on Redis, one process of eight threads: `dramatiq benchmarks.peers.drain_dramatiq`."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.tally import from_environment

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
tally = from_environment()


@dramatiq.actor(actor_name="nothing")
def nothing(number: int) -> None:
    """Be counted."""
    tally.one()


if __name__ == "__main__":
    for n in range(int(os.environ["TALLY_TOTAL"])):
        nothing.send(n)
