"""Log lines written inside an attempt carry its ids, and no line outside does."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from random import Random

import structlog

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor
from hookyard.bootstrap.attempts import surround
from hookyard.core.jobs.model import Done, JobContext, JobKind, NewJob, Outcome
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker


class Talker:
    """Says a line on each of the ways there are, beside the others of its kind."""

    kind = JobKind("talk", log_file=False)

    def __init__(self, expected: int) -> None:
        self._all_here = asyncio.Barrier(expected)

    async def __call__(self, ctx: JobContext) -> Outcome:
        log = structlog.get_logger("test")
        await self._all_here.wait()
        log.warning("itself", me=ctx.job.id)
        await asyncio.create_task(self._say(ctx.job.id))
        await asyncio.to_thread(log.warning, "thread", me=ctx.job.id)
        logging.getLogger("library").warning("library of %s", ctx.job.id)
        return Done()

    async def _say(self, me: str) -> None:
        structlog.get_logger("test").warning("task", me=me)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Log lines as the process would write them."""
    kept, before = io.StringIO(), structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with redirect_stderr(kept):
        configure("info", "json", Redactor())
        yield kept
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_lines_inside_an_attempt_name_its_job_and_delivery(
    sqlite_database: SqliteDatabase,
) -> None:
    clock, ids, idle = SystemClock(), IdMaker(), asyncio.Event()
    ledger = Ledger(clock, ids, [Talker.kind], Random(1), lambda: None)
    wanted = [NewJob("talk", {}, delivery_id=name) for name in ("d1", "d2", None)]
    made = await sqlite_database.write(lambda unit: [ledger.enqueue(unit, job) for job in wanted])
    ended: list[str] = []

    def observe(job: object, step: object) -> None:
        structlog.get_logger("test").warning("outside")
        ended.append("one")
        if len(ended) == len(wanted):
            idle.set()

    handlers = surround([Talker(len(wanted))], None)
    runner = Runner(sqlite_database, ledger, handlers, clock, "b/w", observe=observe)
    with logged() as lines:
        running = asyncio.create_task(runner.run())
        await asyncio.wait_for(idle.wait(), 20)
        await runner.drain(1)
        await running
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    deliveries = {one.job_id: job.delivery_id for one, job in zip(made, wanted, strict=True)}
    inside = [line for line in said if line["event"] != "outside"]
    assert len(inside) == 4 * len(wanted)
    for line in inside:
        assert line["job_id"] == line.get("me", line["event"].removeprefix("library of "))
        assert line.get("delivery_id") == deliveries[line["job_id"]]
    outside = [line for line in said if line["event"] == "outside"]
    assert len(outside) == len(wanted)
    assert not any({"job_id", "delivery_id"} & set(line) for line in outside)
