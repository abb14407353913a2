"""Budgets that run low: marks what is nearly or wholly used, holds work, lets it go again."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Protocol

import structlog

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.jobs.pauses_model import NewPause, Pause, PauseOf
from hookyard.features.billing import rules, store, store_usage
from hookyard.features.billing.model import (
    BudgetNotice,
    Mark,
    Marked,
    Meter,
    Period,
    Project,
    Standing,
)
from hookyard.features.billing.periods import day_of, start_of, starts
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound

SYSTEM = "system:billing"
Notify = Callable[[Unit, BudgetNotice], None]
Key = tuple[Period, Meter, Mark]

log = structlog.get_logger("hookyard.billing")


class Holds(Protocol):
    """What holds work: the pauses of the ledger."""

    def start(self, unit: Unit, wanted: NewPause, by: str) -> Pause:
        """Hold from the commit on."""
        ...

    def end(self, unit: Unit, pause_id: str) -> Pause:
        """Hold nothing more; NotFound when it has ended."""
        ...

    def let_go(self, unit: Unit, pause: Pause) -> tuple[int, bool]:
        """Free a chunk of what an ended one held."""
        ...


class Stops:
    """Compares what was used with what may be. `notify` tells people, inside the unit."""

    def __init__(
        self, holds: Holds, audit: Audit, clock: Clock, notify: Notify | None = None
    ) -> None:
        self._holds = holds
        self._audit = audit
        self._clock = clock
        self._notify = notify

    def standings(self, unit: Unit, project: Project) -> list[Standing]:
        """How each budget of a project stands now."""
        today = day_of(self._clock.now_ms())
        return _standings(unit, project, today)

    def check(self, unit: Unit, project_ids: Iterable[str]) -> None:
        """Mark what ran low in these projects, and hold or let go their work."""
        today = day_of(self._clock.now_ms())
        due = [found for found in sorted(project_ids) if _is_due(unit, found, today)]
        for project in store.of_ids(unit, due):
            self.settle(unit, project)

    def settle(self, unit: Unit, project: Project, *, afresh: bool = False) -> None:
        """Bring marks and holds in step with the budgets.

        `afresh` holds anew what is held, so that jobs which no longer belong to the project go.
        """
        store.lock_project(unit, project.id)
        now_ms = self._clock.now_ms()
        today = day_of(now_ms)
        there = _current(store_usage.marks_of(unit, project.id), today)
        wanted = _wanted(_standings(unit, project, today))
        for key, found in there.items():
            if key not in wanted or (afresh and key[2] is Mark.STOPPED):
                self._end(unit, project, found, is_over=key not in wanted)
        for key, standing in wanted.items():
            if key not in there or (afresh and key[2] is Mark.STOPPED):
                is_told = key[2] is Mark.WARNED and Mark.STOPPED in standing.marks
                is_news = key not in there and not is_told
                self._begin(unit, project, key[2], standing, is_news=is_news)

    # --- inside ---

    def _begin(
        self, unit: Unit, project: Project, mark: Mark, found: Standing, *, is_news: bool
    ) -> None:
        now_ms = self._clock.now_ms()
        pause_id = None
        if mark is Mark.STOPPED:
            wanted = NewPause(PauseOf.BUDGET, project.id, rules.stop_words(found), found.until_ms)
            pause_id = self._holds.start(unit, wanted, SYSTEM).id
        budget = found.budget
        store_usage.add_mark(
            unit,
            Marked(
                project.id, budget.period, found.start, budget.meter, mark, found.used, now_ms,
                pause_id,
            ),
        )  # fmt: skip
        if not is_news:
            return
        if mark is Mark.STOPPED:
            self._record(unit, project, "budgets.stop", found.words)
        unit.after_commit(partial(_say, mark, project, found))
        if self._notify is not None:
            title = f"Project {project.name}: a budget is {_STATE[mark]}"
            self._notify(
                unit,
                BudgetNotice(project.id, project.name, mark, title, found.words, project.tenant),
            )

    def _end(self, unit: Unit, project: Project, found: Marked, *, is_over: bool) -> None:
        store_usage.remove_mark(unit, found)
        if found.pause_id is None:
            return
        with suppress(NotFound):
            self._holds.let_go(unit, self._holds.end(unit, found.pause_id))
        if is_over:
            words = f"{rules.WORDS[found.meter]} of the {found.period.value} may be used again"
            self._record(unit, project, "budgets.continue", words)

    def _record(self, unit: Unit, project: Project, action: str, reason: str) -> None:
        entry = AuditEntry(
            SYSTEM, action, f"project:{project.id}", reason=reason, tenant=project.tenant
        )
        self._audit.record(unit, entry, self._clock.now_ms())


_STATE = {Mark.WARNED: "nearly used up", Mark.STOPPED: "used up"}


def _standings(unit: Unit, project: Project, today: date) -> list[Standing]:
    if project.archived_at_ms is not None or not project.budgets:
        return []
    day, month = starts(today)
    sums = store_usage.current(unit, project.id, day, month)
    return [rules.standing(project, budget, sums, today) for budget in project.budgets]


def _is_due(unit: Unit, project_id: str, today: date) -> bool:
    """Whether marks and budgets differ; looks without a lock."""
    day, month = starts(today)
    looks, there = store_usage.look(unit, project_id, day, month)
    wanted = {
        (found.period, found.meter, mark.value)
        for found in looks
        for mark in rules.marks_of(found.used, found.amount, found.warn_percent, hard=found.hard)
    }
    return wanted != there


def _current(marks: Sequence[Marked], today: date) -> dict[Key, Marked]:
    """The marks of the present day and month."""
    return {
        (found.period, found.meter, found.mark): found
        for found in marks
        if found.start == start_of(found.period, today).isoformat()
    }


def _wanted(standings: Sequence[Standing]) -> dict[Key, Standing]:
    return {
        (found.budget.period, found.budget.meter, mark): found
        for found in standings
        for mark in sorted(found.marks)
    }


def _say(mark: Mark, project: Project, found: Standing) -> None:
    event = "budget_used_up" if mark is Mark.STOPPED else "budget_nearly_used"
    log.warning(event, project=project.id, reason=found.words)
