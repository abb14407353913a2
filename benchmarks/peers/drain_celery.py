"""Celery on Redis, one prefork child: `celery -A benchmarks.peers.drain_celery worker` drains."""

import os

from celery import Celery

from benchmarks import tally

app = Celery("benchmark", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=64)
COUNTED: list[tally.Tally] = []


@app.task(name="nothing", ignore_result=True)
def nothing(number: int) -> None:
    """Be counted, in the child that runs the tasks."""
    if not COUNTED:
        COUNTED.append(tally.from_environment())
    COUNTED[0].one()


if __name__ == "__main__":
    with app.producer_or_acquire() as producer:
        for n in range(int(os.environ["TALLY_TOTAL"])):
            nothing.apply_async((n,), producer=producer)
