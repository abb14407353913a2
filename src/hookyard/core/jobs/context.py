"""One attempt in flight: what a handler is given, and what the runner knows of it."""

import asyncio
import math
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.log import JobLogFiles, said
from hookyard.core.jobs.model import (
    Done,
    Ending,
    Fail,
    Hold,
    Job,
    Outcome,
    Released,
    Retry,
    Stopped,
)
from hookyard.core.jobs.redact import redact
from hookyard.core.jobs.rules import HELD_BY_HANDLERS
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import Clock
from hookyard.kit.errors import StaleLease
from hookyard.kit.json import Json

T = TypeVar("T")


class Stop(StrEnum):
    """Why the runner ends an attempt before its handler does."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"
    DRAINED = "drained"


class Run:
    """Implements `JobContext`. Every write is made under the attempt's lease."""

    __slots__ = (
        "_database", "_files", "_ledger", "begun", "cancelled", "clock", "deadline", "ended",
        "job", "stop", "task",
    )  # fmt: skip

    def __init__(
        self, job: Job, database: Database, ledger: Ledger, files: JobLogFiles | None
    ) -> None:
        self.job = job
        self.clock: Clock = ledger.clock
        self.cancelled = asyncio.Event()
        self.deadline = math.inf
        self.begun = False
        self.ended = False
        self.stop: Stop | None = None
        self.task: asyncio.Task[None] | None = None
        self._database = database
        self._ledger = ledger
        self._files = files

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Read the database."""
        return await self._database.read(work)

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Write under this attempt's lease; StaleLease when it was lost."""

        def guarded(unit: Unit) -> T:
            self._ledger.require_lease(unit, self.job)
            return work(unit)

        try:
            return await self._database.write(guarded)
        except StaleLease:
            self.stop = Stop.LOST
            raise

    async def log(self, message: str, **fields: Json) -> None:
        """One line of the job's log: 4 kB at most, redacted; past 10,000 lines it is dropped."""
        safe = redact(message)
        line = await self.write(lambda unit: self._ledger.log(unit, self.job, safe, fields))
        if line is not None and self._files is not None:
            self._files.append([(self.job.id, said(self.job, line))])

    async def progress(self, value: Json) -> None:
        """Replace the job's progress."""
        await self.write(lambda unit: self._ledger.progress(unit, self.job, value))

    def end_early(self, why: Stop) -> None:
        """Ask the attempt to end; one that has not begun sees it on its first step."""
        if self.ended:
            return
        if self.stop is None:
            self.stop = why
        if why is Stop.CANCELLED:
            self.cancelled.set()
        if self.begun and self.task is not None:
            self.task.cancel()


def early(run: Run) -> Ending | None:
    """The ending of an attempt that was stopped; None when its lease is lost."""
    match run.stop:
        case Stop.TIMEOUT:
            return Retry(f"it ran longer than {run.job.timeout_s:g} s", code="timeout")
        case Stop.CANCELLED:
            return Stopped()
        case Stop.DRAINED:
            return Released("the worker is stopping", begun=run.begun)
        case _:
            return None


def checked(outcome: Outcome) -> Outcome:
    """The outcome, when the ledger can record it; TypeError or ValueError when not."""
    if isinstance(outcome, Done):
        store.encode(outcome.result)
    elif isinstance(outcome, Hold):
        if outcome.waiting_for.what not in HELD_BY_HANDLERS:
            raise ValueError(f"a handler may not hold for {outcome.waiting_for.what!r}")
    elif not isinstance(outcome, Retry | Fail):
        raise TypeError(f"a handler answered {type(outcome).__name__}, which is no outcome")
    return outcome
