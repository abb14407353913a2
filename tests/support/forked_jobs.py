"""Jobs that behave badly in a process of their own, and the entry of a child that knows them."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence

from sqlalchemy import text

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Hold,
    JobContext,
    JobHandler,
    JobKind,
    Outcome,
    Retry,
    WaitingFor,
)
from hookyard.entrypoints.worker.child import Errand, main
from hookyard.kit.errors import Unavailable

KIND = JobKind("act", max_attempts=2, timeout_s=60.0)
NOTE = RawSql.same(
    "INSERT INTO audit (id, at_ms, actor, action, target, outcome, reason, detail, tenant, seq,"
    " prev, hash) VALUES ($1, 0, '', 'note', '', '', '', '', $1, 1, '', '')"
)


def noting(name: str) -> object:
    """An `apply` that leaves a row of this name."""

    def apply(unit: Unit) -> None:
        unit.run_raw(NOTE, name)

    return apply


class Act:
    """Does what its payload names."""

    kind = KIND

    async def __call__(self, ctx: JobContext) -> Outcome:
        act = str(ctx.job.payload["act"])
        outcome = await getattr(self, act)(ctx)
        assert isinstance(outcome, Done | Fail | Retry | Hold)
        return outcome

    async def talks(self, ctx: JobContext) -> Outcome:
        await ctx.log("cloned", seconds=1.5)
        await ctx.progress({"done": 1, "of": 2})
        rows = await ctx.read(lambda unit: unit.fetch_raw(RawSql.same("SELECT 7")))
        await ctx.write(lambda unit: unit.run(text("SELECT 1")))
        return Done([rows[0][0], os.getpid()])

    async def applies(self, ctx: JobContext) -> Outcome:
        return Done("kept", noting(ctx.job.id))  # type: ignore[arg-type]

    async def fails_and_applies(self, ctx: JobContext) -> Outcome:
        return Fail("no", code="refused", apply=noting(ctx.job.id))  # type: ignore[arg-type]

    async def applies_badly(self, ctx: JobContext) -> Outcome:
        def apply(unit: Unit) -> None:
            raise RuntimeError("cannot")

        return Done(None, apply)

    async def retries(self, ctx: JobContext) -> Outcome:
        return Retry("later", after_s=500.0, code="busy")

    async def holds(self, ctx: JobContext) -> Outcome:
        return Hold(WaitingFor("limit", "budget", 9_999_999_999_999))

    async def raises(self, ctx: JobContext) -> Outcome:
        raise RuntimeError("broken")

    async def is_cut_off(self, ctx: JobContext) -> Outcome:
        raise Unavailable("GitHub is away")

    async def crashes(self, ctx: JobContext) -> Outcome:
        os.abort()

    async def leaves(self, ctx: JobContext) -> Outcome:
        os._exit(3)

    async def is_killed(self, ctx: JobContext) -> Outcome:
        os.kill(os.getpid(), signal.SIGKILL)
        return Done()

    async def hoards(self, ctx: JobContext) -> Outcome:
        return Done(len(bytearray(400 * 1024 * 1024)))

    async def takes_a_little(self, ctx: JobContext) -> Outcome:
        return Done(len(bytearray(40 * 1024 * 1024)))

    async def is_stuck(self, ctx: JobContext) -> Outcome:
        await ctx.progress(os.getpid())
        while True:
            signal.pause()

    async def waits(self, ctx: JobContext) -> Outcome:
        await ctx.progress(os.getpid())
        await asyncio.Event().wait()
        return Done()

    async def listens(self, ctx: JobContext) -> Outcome:
        await ctx.progress(os.getpid())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await ctx.log("told", cancelled=ctx.cancelled.is_set())
            raise
        return Done()


def entry(errand: Errand, line: socket.socket) -> None:
    """What a child of these tests runs."""

    def add(found: Sequence[JobHandler]) -> Sequence[JobHandler]:
        return (*found, Act())

    main(errand, line, add)
