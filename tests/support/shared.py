"""Processes over one Postgres, with a look into its tables and a way to ask for agent tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TypeVar

import asyncpg

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.core.jobs.model import Job, NewJob
from hookyard.core.jobs.service import Ledger
from hookyard.features.agents.jobs import KIND
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import Json
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.processes import Process, starting

LEASE_S = 2.0
T = TypeVar("T")


class Set:
    """The processes of one installation."""

    def __init__(self, begin: Callable[..., Process], url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._begin = begin

    def start(self, *words: str, **environ: str) -> Process:
        """A process with short leases."""
        leases = {"HOOKYARD_LEASE_SECONDS": str(LEASE_S), "HOOKYARD_DRAIN_SECONDS": "10"}
        return self._begin(*words, **{"DATABASE_URL": self.url, **leases, **environ})

    def agent(self, script: str) -> str:
        """The command of an agent that runs this shell script."""
        path = self.folder / "agent.sh"
        path.write_text("cat >/dev/null\n" + script)
        return f"sh {path}"

    def sql(self, statement: str) -> list[tuple[Json, ...]]:
        """Run a statement; its rows."""

        async def run() -> list[tuple[Json, ...]]:
            connection = await asyncpg.connect(self.url)
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def ask(self, **values: object) -> str:
        """An agent task, ready now; its job's id."""
        job = NewJob(**{"kind": KIND.name, "payload": {}, **values})  # type: ignore[arg-type]

        async def work(database: PostgresDatabase, ledger: Ledger) -> str:
            return (await database.write(lambda unit: ledger.enqueue(unit, job))).job_id

        return self._with(work)

    def job(self, job_id: str) -> Job:
        """A job as it is now."""

        async def work(database: PostgresDatabase, ledger: Ledger) -> Job:
            return await database.read(lambda unit: ledger.get(unit, job_id))

        return self._with(work)

    def until(self, job_id: str, state: str) -> Job:
        """The job, once it has come to a state."""
        clock = SystemClock()
        began = clock.monotonic()
        while (job := self.job(job_id)).state.value != state:
            assert clock.monotonic() - began < 60, job
        return job

    def _with(self, work: Callable[[PostgresDatabase, Ledger], Awaitable[T]]) -> T:
        async def run() -> T:
            database = PostgresDatabase(self.url, pool_size=1)
            try:
                return await work(
                    database, Ledger(SystemClock(), IdMaker(), [KIND], Random(1), lambda: None)
                )
            finally:
                await database.close()

        return asyncio.run(run())


@contextmanager
def shared_set(folder: Path, server: PostgresServer) -> Iterator[Set]:
    """A set over a database of its own."""
    name = server.lend(an_installation)
    try:
        with starting(folder) as begin:
            yield Set(begin, server.url(name), folder)
    finally:
        server.take_back(name)
