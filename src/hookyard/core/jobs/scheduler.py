"""Does what must be done by one process at a time: the calendar, sweeps, upkeep.

Any number of processes may run a scheduler. They stand for one office; whoever holds it does the
duties, each write of them under its term, and the others look once a second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs.election import Election, Fence, Poll, Term
from hookyard.kit.errors import StaleLease, Unavailable

LOOK_S = 1.0
HAND_OVER_S = 2.0

log = structlog.get_logger("hookyard.scheduler")


@dataclass(frozen=True, slots=True)
class Duty:
    """Work for whoever holds the office: done at once, then `every_s` after it was done last.

    Writes go through the fence. StaleLease ends the duty for this term; a database that cannot be
    used costs a turn; any other error ends the scheduler, and so the process.
    """

    name: str
    every_s: float
    work: Callable[[Fence], Awaitable[object]]


class Scheduler:
    """Stands for the office and does its duties. `opening` units run first in every term."""

    def __init__(
        self,
        database: Database,
        election: Election,
        duties: Sequence[Duty],
        opening: Sequence[Callable[[Unit], object]] = (),
    ) -> None:
        self._database = database
        self._election = election
        self._clock = election.clock
        self._duties = tuple(duties)
        self._opening = tuple(opening)
        self._working: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self.term: Term | None = None

    async def run(self) -> None:
        """Stand and serve until `stop`. A cancelled run leaves its term to run out."""
        self._ended.clear()
        poll: Poll | None = None
        try:
            while not self._stopping.is_set():
                poll = await self._stand(poll)
                await self._pause()
        finally:
            self._lay_down()
            self._ended.set()

    async def stop(self) -> None:
        """End the duties and hand the office over, so that another may begin at once."""
        self._stopping.set()
        await self._ended.wait()
        term, self.term = self.term, None
        if term is None:
            return
        try:
            resigned = self._database.write(lambda unit: self._election.resign(unit, term))
            await asyncio.wait_for(resigned, HAND_OVER_S)
        except (Unavailable, TimeoutError):
            log.warning("not_handed_over", reason="the database cannot be used; the term runs out")
        else:
            log.info("handed_over", office=term.name, term=term.number)

    async def _stand(self, before: Poll | None) -> Poll | None:
        try:
            poll = await self._database.write(lambda unit: self._election.stand(unit, before))
        except Unavailable as error:
            log.warning("election_unavailable", error=error.detail)
            return before
        if poll.term is None:
            if self.term is not None:
                log.warning("term_lost", office=self.term.name, term=self.term.number)
            elif before is None:
                log.info("standing_by", office=self._election.name)
            self._lay_down()
        elif poll.taken:
            self._lay_down()
            log.info("elected", office=poll.term.name, term=poll.term.number)
            fence = Fence(self._database, self._election, poll.term)
            self._working = {asyncio.create_task(self._serve(fence), name="duties")}
        self.term = poll.term
        return poll

    async def _serve(self, fence: Fence) -> None:
        for work in self._opening:
            if not await self._try(partial(fence.write, work), again=True):
                return
        try:
            async with asyncio.TaskGroup() as group:
                for duty in self._duties:
                    group.create_task(self._repeat(duty, fence), name=duty.name)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _repeat(self, duty: Duty, fence: Fence) -> None:
        while await self._try(partial(duty.work, fence)):
            await self._clock.sleep(duty.every_s)

    async def _try(self, work: Callable[[], Awaitable[object]], *, again: bool = False) -> bool:
        """Do it, `again` and again while the database cannot be used; False once replaced."""
        while True:
            try:
                await work()
            except StaleLease:
                return False
            except Unavailable as error:
                log.warning("duty_unavailable", error=error.detail)
                if again:
                    await self._clock.sleep(LOOK_S)
                    continue
            return True

    async def _pause(self) -> None:
        """Until it is time to look again, or something says so earlier."""
        pause_s = LOOK_S if self.term is None else self._election.lease_s / 3
        waits = {
            asyncio.ensure_future(self._clock.sleep(pause_s)),
            asyncio.ensure_future(self._stopping.wait()),
        }
        try:
            done, _ = await asyncio.wait(waits | self._working, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for task in done & self._working:
            self._working.discard(task)
            task.result()

    def _lay_down(self) -> None:
        for task in self._working:
            task.cancel()
        self._working = set()
