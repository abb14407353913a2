"""One of many: processes stand for an office, one at a time holds it, and only it acts.

An office is a row with a holder, a term and an end. Every take-over raises the term, and whatever
is done for the office is written under its term, in a transaction that locks the row: a holder
that stood still and was replaced finds another term there and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs import store_election as store
from hookyard.core.jobs.store_election import Seat
from hookyard.kit.clock import Clock
from hookyard.kit.errors import StaleLease

T = TypeVar("T")
LEASE_S = 15.0


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of holding an office. Numbers only rise; `until_ms` is when it runs out."""

    name: str
    number: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Poll:
    """What a candidate saw: the term it holds now, or since when the office stood as it does.

    `taken` says that the term began with this look.
    """

    term: Term | None
    seat: Seat | None
    since: float
    taken: bool = False


def may_take(seat: Seat | None, now_ms: int, unchanged_s: float, lease_s: float) -> bool:
    """Whether an office is free: never held, given back, run out, or silent for a whole lease.

    # why: the last is for a holder that died with a clock ahead of ours, whose term would run on
    # for as long as the clocks differ.
    """
    return seat is None or not seat.holder or seat.until_ms <= now_ms or unchanged_s >= lease_s


class Election:
    """The office `name` as one process sees it; `holder` is that process, a fresh name each.

    `alone` says that no other process can be alive, so that whatever term stands there is over.
    """

    def __init__(
        self,
        name: str,
        holder: str,
        clock: Clock,
        lease_s: float = LEASE_S,
        *,
        alone: bool = False,
    ) -> None:
        self.name = name
        self.holder = holder
        self.clock = clock
        self.lease_s = lease_s
        self._alone = alone

    @property
    def _lease_ms(self) -> int:
        return round(self.lease_s * 1000)

    def stand(self, unit: Unit, before: Poll | None = None) -> Poll:
        """Renew the term we hold, take the office when it is free, or see who has it.

        `before` is what the last call saw.
        """
        now_ms, now = self.clock.now_ms(), self.clock.monotonic()
        until_ms = now_ms + self._lease_ms
        held = None if before is None else before.term
        if held is not None and store.renew(unit, self.name, held.number, until_ms):
            term = Term(self.name, held.number, until_ms)
            return Poll(term, Seat(self.holder, term.number, until_ms), now)
        seat = store.seat(unit, self.name)
        since = before.since if before is not None and before.seat == seat else now
        free = self._alone or may_take(seat, now_ms, now - since, self.lease_s)
        if not free or not store.take(unit, self.name, seat, self.holder, until_ms):
            return Poll(None, seat, since)
        number = 1 if seat is None else seat.term + 1
        taken = Seat(self.holder, number, until_ms)
        return Poll(Term(self.name, number, until_ms), taken, now, taken=True)

    def require(self, unit: Unit, term: Term) -> None:
        """StaleLease unless this term still runs; nobody can take over before the commit."""
        if not store.holds(unit, self.name, term.number, self.holder, self._lease_ms):
            raise StaleLease("another process was elected")

    def resign(self, unit: Unit, term: Term) -> None:
        """Give the office back at once; nothing when it was taken over already."""
        store.resign(unit, self.name, term.number)


class Fence:
    """The database as whoever holds a term may write it."""

    def __init__(self, database: Database, election: Election, term: Term) -> None:
        self.term = term
        self._database = database
        self._election = election

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit under the term; StaleLease when it is over, and then nothing is changed."""

        def guarded(unit: Unit) -> T:
            self._election.require(unit, self.term)
            return work(unit)

        return await self._database.write(guarded)

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Run a unit that only reads; not fenced."""
        return await self._database.read(work)
