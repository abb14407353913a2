"""The duty of billing: budgets looked at again each minute, storage measured once a day.

# why: two processes that add to sums of one budget at the same moment may each see too little to
# hold anything; a minute later the whole is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from hookyard.adapters.database.port import Unit
from hookyard.core.blobs.model import Weighed
from hookyard.features.billing import store, store_keys, store_usage
from hookyard.features.billing.memory import Bookkeeper
from hookyard.features.billing.model import Meter, Period, WorkClass
from hookyard.features.billing.periods import day_of, start_of
from hookyard.features.billing.stops import Stops
from hookyard.kit.clock import Clock

EVERY_S = 60.0
PORTION = 100
KEEP_MARKS = timedelta(days=400)
KEEP_HANDOVERS_MS = 90 * 86_400_000

T = TypeVar("T")
Weigh = Callable[[Unit, str], Weighed]
"""A portion of what some room keeps, from after a place; "" is the beginning."""


class Writes(Protocol):
    """The database as whoever does a duty may use it."""

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit."""
        ...

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Run a unit that only reads."""
        ...


class Upkeep:
    """Looks at budgets and measures storage. `rooms` say what each of them keeps."""

    def __init__(
        self, books: Bookkeeper, stops: Stops, clock: Clock, rooms: Sequence[Weigh]
    ) -> None:
        self._books = books
        self._stops = stops
        self._clock = clock
        self._rooms = tuple(rooms)

    async def turn(self, database: Writes) -> None:
        """One round."""
        today = day_of(self._clock.now_ms()).isoformat()
        if not await database.read(lambda unit: store_usage.measured(unit, today)):
            sizes = await self._measure(database)
            await database.write(lambda unit: self._keep(unit, sizes))
        budgeted = await database.read(store.with_budgets)
        for start in range(0, len(budgeted), PORTION):
            await database.write(
                partial(self._stops.check, project_ids=budgeted[start : start + PORTION])
            )

    async def _measure(self, database: Writes) -> dict[str, int]:
        """Bytes by repository."""
        sizes: dict[str, int] = {}
        for weigh in self._rooms:
            after: str | None = ""
            while after is not None:
                found = await database.read(partial(_portion, weigh=weigh, after=after))
                for repository, size in found.sizes.items():
                    sizes[repository] = sizes.get(repository, 0) + size
                after = found.after
        return sizes

    def _keep(self, unit: Unit, sizes: Mapping[str, int]) -> None:
        """The sums of today, and of the month its highest day; "" is what belongs to no project."""
        today = day_of(self._clock.now_ms())
        by_project: dict[str, int] = {"": 0}
        for repository, size in sizes.items():
            project = self._books.project_of(unit, repository) if repository else None
            by_project[project or ""] = by_project.get(project or "", 0) + size
        store_usage.set_amounts(unit, _places(by_project.items(), Period.DAY, today.isoformat()))
        month = start_of(Period.MONTH, today).isoformat()
        store_usage.raise_to(unit, _places(by_project.items(), Period.MONTH, month))
        store_usage.forget_marks(unit, (today - KEEP_MARKS).isoformat())
        store_keys.forget_handovers(unit, self._clock.now_ms() - KEEP_HANDOVERS_MS)


def _places(
    amounts: Iterable[tuple[str, int]], period: Period, start: str
) -> dict[store_usage.Place, int]:
    return {
        (project, period.value, start, Meter.STORAGE.value, WorkClass.NONE.value): amount
        for project, amount in amounts
    }


def _portion(unit: Unit, weigh: Weigh, after: str) -> Weighed:
    return weigh(unit, after)
