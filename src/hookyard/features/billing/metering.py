"""Counts what repositories use, for the project each belongs to at that time.

Jobs, minutes and mints are added in the transaction that records them. Calls to GitHub are counted
in memory and written every FLUSH_S: a process that is killed loses those of FLUSH_S at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.report import CallReport
from hookyard.core.jobs.model import Job
from hookyard.core.jobs.rules import Step
from hookyard.core.tokens.model import Mint
from hookyard.features.billing import rules, store_usage
from hookyard.features.billing.memory import Bookkeeper
from hookyard.features.billing.model import Meter, Period, Used, WorkClass
from hookyard.features.billing.periods import day_of, start_of
from hookyard.features.billing.stops import Stops
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

FLUSH_S = 5.0
REPOSITORIES = 10_000

Ended = tuple[str, WorkClass, int, int]
"""An attempt that ended: its project and class, whether its job did (1 or 0), how long it ran."""

log = structlog.get_logger("hookyard.billing")


class Metering:
    """Hears of attempts, mints and calls. `classes` says what each kind known here is."""

    def __init__(
        self, books: Bookkeeper, stops: Stops, clock: Clock, classes: Mapping[str, WorkClass]
    ) -> None:
        self._books = books
        self._stops = stops
        self._clock = clock
        self._classes = classes
        self._calls: dict[str, int] = {}

    def attempt_ended(self, unit: Unit, job: Job, step: Step) -> None:
        """An attempt ended; the unit records it."""
        if job.repository is None:
            return
        project = self._books.project_of(unit, job.repository)
        if project is None:
            return
        work = rules.class_of(job.kind, self._classes)
        ran_ms = rules.run_ms(job, step, self._clock.now_ms())
        jobs = 1 if step.ended in rules.ENDS else 0
        unit.gather(self._add_ended, (project, work, jobs, ran_ms))

    def minted(self, unit: Unit, mint: Mint) -> None:
        """A token was minted; the unit records it. It counts once for each project it is for."""
        names = rules.mint_names(mint.account, mint.scope.repositories)
        found = {self._books.project_of(unit, name) for name in names}
        for project in sorted(project for project in found if project is not None):
            unit.gather(self._add, Used(project, Meter.MINTS, WorkClass.NONE, 1))

    def called(self, report: CallReport) -> None:
        """One request to GitHub, on the event loop."""
        if not report.repository:
            return
        if report.repository in self._calls or len(self._calls) < REPOSITORIES:
            self._calls[report.repository] = self._calls.get(report.repository, 0) + 1

    def draws_on(self, unit: Unit, kind: str, repository: str | None) -> str | None:
        """Whose budget a job would use up that a used up budget holds; None for all others."""
        if repository is None or rules.class_of(kind, self._classes) not in rules.STOPPED:
            return None
        return self._books.project_of(unit, repository)

    async def flush(self, database: Database) -> None:
        """Write the calls counted so far; they are kept for the next time when that fails."""
        calls, self._calls = self._calls, {}
        if not calls:
            return
        try:
            await database.write(lambda unit: self._add_calls(unit, calls))
        except HookyardError as error:
            log.warning("calls_not_written", reason=error.detail)
            for repository, count in calls.items():
                self._calls[repository] = self._calls.get(repository, 0) + count

    async def run(self, database: Database) -> None:
        """Flush every few seconds until cancelled."""
        while True:
            await self._clock.sleep(FLUSH_S)
            await self.flush(database)

    # --- inside ---

    def _add_calls(self, unit: Unit, calls: Mapping[str, int]) -> None:
        for repository, count in calls.items():
            project = self._books.project_of(unit, repository)
            if project is not None:
                unit.gather(self._add, Used(project, Meter.API_CALLS, WorkClass.NONE, count))

    def _add_ended(self, unit: Unit, ended: Sequence[Ended]) -> None:
        """What the attempts of a unit come to.

        # why: a unit may end hundreds of them; only what they come to is worked on further.
        """
        sums: dict[tuple[str, WorkClass], list[int]] = {}
        for project, work, jobs, ran_ms in ended:
            found = sums.get((project, work))
            if found is None:
                sums[project, work] = [jobs, ran_ms]
            else:
                found[0] += jobs
                found[1] += ran_ms
        used: list[Used] = []
        for (project, work), (jobs, ran_ms) in sums.items():
            used += [Used(project, Meter.JOBS, work, jobs)] if jobs else []
            used += [Used(project, Meter.MINUTES, work, ran_ms)] if ran_ms else []
        if used:
            self._add(unit, used)

    def _add(self, unit: Unit, used: Sequence[Used]) -> None:
        """What a unit gathered, as one statement; then the budgets it may have used up."""
        store_usage.add(unit, sums_of(used, day_of(self._clock.now_ms())))
        budgeted = {one.project_id for one in used} & self._books.book(unit).budgeted
        if budgeted:
            self._stops.check(unit, budgeted)


def sums_of(used: Iterable[Used], today: date) -> dict[store_usage.Place, int]:
    """The rows that amounts are added to: the day and the month of each."""
    found: dict[store_usage.Place, int] = {}
    for one in used:
        for period in Period:
            start = start_of(period, today).isoformat()
            place = (one.project_id, period.value, start, one.meter.value, one.work.value)
            found[place] = found.get(place, 0) + one.amount
    return found
