"""Hookyard's ledger and runner in one idle process: from the call that enqueues to the handler.

`python -m benchmarks.hookyard_start WHERE COUNT SPACING_S`, with a folder for SQLite or the address
of a Postgres, prints two numbers for each job,
nanoseconds from the call of `write` and from the moment the commit was on disk, to the first line
of the handler. Two commits to disk lie in the first (the job, then its claim), one in the second.
"""

import asyncio
import random
import sys
import time
from functools import partial

import uvloop

from benchmarks.hookyard_jobs import database_at
from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.jobs.model import Done, JobContext, JobKind, NewJob
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker


class Note:
    """A handler that notes when it started."""

    kind = JobKind("benchmark.note")

    def __init__(self) -> None:
        self.started: dict[object, int] = {}

    async def __call__(self, ctx: JobContext) -> Done:
        now = time.monotonic_ns()
        self.started[ctx.job.payload["number"]] = now
        return Done()


async def produce(where: str, count: int, spacing_s: float) -> list[tuple[int, int]]:
    """Enqueue `count` jobs into an idle ledger and wait for all of them to have started."""
    database = database_at(where)
    await database.write(lambda unit: METADATA.create_all(unit.connection))
    note, clock = Note(), SystemClock()
    runners: list[Runner] = []

    def wake() -> None:
        for runner in runners:
            runner.wake()

    ledger = Ledger(clock, IdMaker(), [note.kind], random.Random(1), wake)
    runners.append(Runner(database, ledger, [note], clock, "benchmark/one"))
    working = asyncio.create_task(runners[0].run())
    called: list[int] = []
    committed: list[int] = []

    def enqueue(unit: Unit, number: int) -> None:
        ledger.enqueue(unit, NewJob(note.kind.name, {"number": number}))
        unit.after_commit(lambda: committed.append(time.monotonic_ns()))

    for number in range(count):
        await asyncio.sleep(spacing_s)
        called.append(time.monotonic_ns())
        await database.write(partial(enqueue, number=number))
    while len(note.started) < count:
        await asyncio.sleep(spacing_s)
    await runners[0].drain(5)
    await working
    await database.close()
    return [
        (note.started[number] - called[number], note.started[number] - committed[number])
        for number in range(count)
    ]


if __name__ == "__main__":
    for from_call, from_commit in uvloop.run(
        produce(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    ):
        print(from_call, from_commit)
