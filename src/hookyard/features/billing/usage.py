"""What projects used, for people: sums by day or month, page by page, and as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import Action, Actor, Scope
from hookyard.core.identity.rules import authorize
from hookyard.features.billing import rules, store, store_usage
from hookyard.features.billing.model import Meter, Period, Sum
from hookyard.features.billing.periods import day_of, start_of
from hookyard.features.billing.service import readable
from hookyard.features.billing.store_usage import Wanted
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.pages import decode_cursor, encode_cursor

DAYS_AT_MOST = 400
MONTHS_AT_MOST = 60
COLUMNS = ("start", "period", "project", "project_id", "meter", "work", "amount")


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What is asked for. Without `first` the present month; `last` is included."""

    project_id: str | None = None
    first: date | None = None
    last: date | None = None
    period: Period = Period.DAY
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Sums in order of their start, what they come to in all by meter, and names of projects."""

    items: Sequence[Sum]
    totals: Mapping[Meter, int]
    names: Mapping[str, str]
    first: date
    last: date
    next_cursor: str | None


class Usage:
    """Reads sums."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def page(
        self, unit: Unit, actor: Actor, asked: UsageQuery, cursor: str | None, limit: int
    ) -> UsagePage:
        """A page of sums of the projects this actor may read; NotFound for a project it may not,
        Invalid for a span that is too long or ends before it begins."""
        first, last = self._span(asked)
        after = None
        if cursor is not None:
            after = [str(key) for key in decode_cursor(cursor, (str, str, str, str))]
        projects = _projects(unit, actor, asked.project_id)
        if projects is not None and not projects:
            return UsagePage((), {}, {}, first, last, None)
        wanted = Wanted(projects, asked.period, first.isoformat(), last.isoformat(), asked.meter)
        found = store_usage.page(unit, wanted, after, limit + 1)
        items = found[:limit]
        more = None
        if len(found) > limit:
            end = items[-1]
            more = encode_cursor(end.start, end.project_id, end.meter.value, end.work.value)
        named = store.of_ids(unit, sorted({one.project_id for one in items}))
        names = {project.id: project.name for project in named}
        return UsagePage(items, store_usage.totals(unit, wanted), names, first, last, more)

    def _span(self, asked: UsageQuery) -> tuple[date, date]:
        today = day_of(self._clock.now_ms())
        last = asked.last or max(today, asked.first or today)
        first = start_of(asked.period, asked.first or start_of(Period.MONTH, last))
        at_most = DAYS_AT_MOST if asked.period is Period.DAY else MONTHS_AT_MOST * 31
        if first > last:
            raise Invalid("`to` lies before `from`", code="bad_span")
        if last - first > timedelta(days=at_most):
            raise Invalid(
                f"ask for {DAYS_AT_MOST} days or {MONTHS_AT_MOST} months at most", code="bad_span"
            )
        return first, last


def _projects(unit: Unit, actor: Actor, project_id: str | None) -> list[str] | None:
    """Whose sums may be read: None for every project."""
    if project_id is None:
        return readable(actor)
    scope = Scope.of_project(project_id, actor.tenant)
    if not authorize(actor, Action.PROJECTS_READ, scope).allowed:
        raise NotFound("there is no such project")
    if store.find_project(unit, actor.tenant, project_id) is None:
        raise NotFound("there is no such project")
    return [project_id]


def csv_rows(items: Iterable[Sum], names: Mapping[str, str], *, head: bool) -> str:
    """Sums as CSV; `head` puts the names of the columns first."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    if head:
        write(COLUMNS)
    for one in items:
        write(
            (
                one.start,
                one.period.value,
                names.get(one.project_id, ""),
                one.project_id,
                one.meter.value,
                one.work.value,
                rules.outward(one.meter, one.amount),
            )
        )
    return out.getvalue()
