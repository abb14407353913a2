"""One attempt of one job in a process of its own: opened, made, told, gone.

Imported by the fork server before anything else, so that a child finds its modules there.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor
from hookyard.bootstrap import Yard, open_yard
from hookyard.bootstrap.attempts import Around, as_they_are
from hookyard.core.jobs.attempts import TROUBLE_WAIT_S
from hookyard.core.jobs.context import Run, Stop, checked
from hookyard.core.jobs.model import Done, Fail, Job, JobHandler, JobState, Outcome, Retry
from hookyard.core.jobs.redact import describe
from hookyard.entrypoints.worker import telling
from hookyard.entrypoints.worker.confine import cap_memory, is_out_of_memory, stand_alone
from hookyard.entrypoints.worker.hidden import secrets_of
from hookyard.entrypoints.worker.telling import Told
from hookyard.kit.errors import StaleLease, Unavailable
from hookyard.settings import Settings

CONNECTIONS = 2
GONE = Told("stale")


@dataclass(frozen=True, slots=True)
class Errand:
    """The attempt to make: a job under a lease. `memory_mb` is what it may take."""

    settings: Settings
    job_id: str
    lease: int
    memory_mb: int | None = None


def main(errand: Errand, line: socket.socket, around: Around = as_they_are) -> None:
    """Make the attempt and tell the parent how it ended. Lines from the parent end it early."""
    stand_alone()
    line.set_inheritable(False)
    settings = errand.settings
    configure(settings.http.log_level, settings.http.log_format, Redactor(secrets_of(settings)))
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(errand, line, around))
    else:
        uvloop.run(_run(errand, line, around))


def ready(line: socket.socket) -> None:
    """Do nothing: a child whose start makes the fork server load what the next ones need."""
    line.close()


async def _run(errand: Errand, line: socket.socket, around: Around) -> None:
    reader, writer = await asyncio.open_connection(sock=line)
    handlers: list[JobHandler] = []

    def keep(found: Sequence[JobHandler]) -> Sequence[JobHandler]:
        handlers.extend(around(found))
        return handlers

    try:
        yard = await open_yard(_own(errand.settings), around=keep, joins=True)
        try:
            told = await _attempt(yard, handlers, errand, reader)
        finally:
            await yard.close()
    except Unavailable as error:
        told = telling.of_error(error)
    writer.write(telling.write(told))
    await writer.drain()
    writer.close()


def _own(settings: Settings) -> Settings:
    """The settings of a process that makes one attempt: few connections, no broker to read."""
    return replace(
        settings,
        database=replace(settings.database, pool_size=CONNECTIONS),
        queue=replace(settings.queue, backend="database"),
    )


async def _attempt(
    yard: Yard, handlers: Sequence[JobHandler], errand: Errand, orders: asyncio.StreamReader
) -> Told:
    job = await yard.database.read(lambda unit: yard.ledger.get(unit, errand.job_id))
    if job.state is not JobState.RUNNING or job.lease != errand.lease:
        return GONE
    handler = next(found for found in handlers if found.kind.name == job.kind)
    run = Run(job, yard.database, yard.ledger, yard.files)
    told: list[Told] = []

    async def handle() -> None:
        told.append(await _handle(yard, handler, run, errand.memory_mb))

    run.begun = True
    run.task = asyncio.create_task(handle())
    obeying = asyncio.create_task(_obey(run, orders))
    try:
        await asyncio.wait({run.task})
    finally:
        obeying.cancel()
    # why: the parent records the end of an attempt that it stopped itself.
    return told[0] if told else GONE


async def _obey(run: Run, orders: asyncio.StreamReader) -> None:
    """End early on the parent's word; a second one cuts short what the handler still waits for."""
    while word := (await orders.readline()).strip():
        if run.stop is None:
            run.end_early(Stop(word.decode()))
        elif run.task is not None:
            run.task.cancel()
    if run.task is not None:
        run.task.cancel()


async def _handle(yard: Yard, handler: JobHandler, run: Run, memory_mb: int | None) -> Told:
    lift = None if memory_mb is None else cap_memory(memory_mb)
    try:
        try:
            outcome = checked(await handler(run))
        finally:
            if lift is not None:
                lift()
        return await _recorded(yard, run.job, outcome)
    except StaleLease as error:
        return GONE if run.stop is Stop.LOST else telling.of_error(error)
    except Exception as error:
        return _out_of_memory(memory_mb) if is_out_of_memory(error) else telling.of_error(error)


def _out_of_memory(memory_mb: int | None) -> Told:
    allowed = "it could have" if memory_mb is None else f"the {memory_mb} MB that a job may take"
    return Told("fail", f"it needed more memory than {allowed}", "out_of_memory")


async def _recorded(yard: Yard, job: Job, outcome: Outcome) -> Told:
    """Write down an end whose effects cannot leave this process; leave any other to the parent."""
    if not isinstance(outcome, Done | Fail) or outcome.apply is None:
        return telling.of_outcome(outcome)
    for wait_s in TROUBLE_WAIT_S:
        try:
            await yard.database.write(lambda unit: yard.ledger.finish(unit, job, outcome))
        except StaleLease:
            return GONE
        except Unavailable:
            await yard.clock.sleep(wait_s)
        except Exception as error:
            reason = f"its result could not be applied: {describe(error)}"
            return telling.of_outcome(Retry(reason, code="apply"))
        else:
            return telling.of_outcome(outcome, recorded=True)
    return telling.of_outcome(Retry("the database could not take its result", code="apply"))
