"""Sums of what projects used, by day and by month, and the marks of budgets that ran low.

A sum is one row: whoever uses something adds to it in the transaction that records the use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
)

from hookyard.adapters.database.port import METADATA, RawSql, SqlValue, Unit
from hookyard.features.billing.model import Mark, Marked, Meter, Period, Sum, WorkClass
from hookyard.features.billing.rules import DRAWS

USAGE = Table(
    "billing_usage",
    METADATA,
    Column("project_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("start", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("work", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
MARKS = Table(
    "billing_marks",
    METADATA,
    Column("project_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("start", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("pause_id", Text),
    sqlite_with_rowid=False,
)

Place: TypeAlias = tuple[str, str, str, str, str]
"""(project, period, start, meter, work): the key of a sum."""

_ROW = "INSERT INTO billing_usage (project_id, period, start, meter, work, amount)"
_VALUES = " VALUES ($1, $2, $3, $4, $5, $6)"
_MANY = (
    " SELECT p, d, s, m, w, a FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
    " $5::text[], $6::bigint[]) AS n(p, d, s, m, w, a) ORDER BY p, d, s, m, w"
)
_PLACE = " ON CONFLICT (project_id, period, start, meter, work) DO UPDATE SET amount = "
_GROW = "billing_usage.amount + excluded.amount"
_ADD = RawSql(_ROW + _VALUES + _PLACE + _GROW, _ROW + _MANY + _PLACE + _GROW)
_SET = RawSql(
    _ROW + _VALUES + _PLACE + "excluded.amount", _ROW + _MANY + _PLACE + "excluded.amount"
)
_PEAK = RawSql(
    _ROW + _VALUES + _PLACE + "max(billing_usage.amount, excluded.amount)",
    _ROW + _MANY + _PLACE + "greatest(billing_usage.amount, excluded.amount)",
)


_DRAWS = ", ".join(f"'{work.value}'" for work in sorted({WorkClass.NONE, *DRAWS}))
# why: asked for at the end of each unit in which work of a project with budgets ended.
_LOOK = RawSql.same(
    "SELECT b.period, b.meter, b.amount, b.hard, p.warn_percent, (SELECT CAST("
    "coalesce(sum(u.amount), 0) AS BIGINT)"
    " FROM billing_usage AS u WHERE u.project_id = b.project_id AND u.period = b.period"
    " AND u.start = CASE b.period WHEN 'day' THEN $2 ELSE $3 END AND u.meter = b.meter"
    f" AND u.work IN ({_DRAWS}))"
    " FROM billing_budgets AS b JOIN billing_projects AS p ON p.id = b.project_id"
    " WHERE b.project_id = $1 AND p.archived_at_ms IS NULL"
)
_MARKED = RawSql.same(
    "SELECT period, meter, mark FROM billing_marks WHERE project_id = $1"
    " AND start = CASE period WHEN 'day' THEN $2 ELSE $3 END"
)


@dataclass(frozen=True, slots=True)
class Look:
    """A budget of a project, and what of it is used now."""

    period: str
    meter: str
    amount: int
    hard: bool
    warn_percent: int
    used: int


def look(
    unit: Unit, project_id: str, day: str, month: str
) -> tuple[list[Look], set[tuple[str, str, str]]]:
    """A project's budgets as they are used now, and its (period, meter, mark) of now."""
    rows = unit.fetch_raw(_LOOK, project_id, day, month)
    looks = [
        Look(str(period), str(meter), _whole(amount), bool(hard), _whole(warn), _whole(used))
        for period, meter, amount, hard, warn, used in rows
    ]
    marked = unit.fetch_raw(_MARKED, project_id, day, month)
    return looks, {(str(period), str(meter), str(mark)) for period, meter, mark in marked}


def _whole(value: SqlValue) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an integer column, got {type(value).__name__}")
    return value


def add(unit: Unit, amounts: Mapping[Place, int]) -> None:
    """Add to sums. Rows are touched in one order everywhere."""
    _put(unit, _ADD, amounts)


def set_amounts(unit: Unit, amounts: Mapping[Place, int]) -> None:
    """Replace sums: for what is measured rather than counted."""
    _put(unit, _SET, amounts)


def raise_to(unit: Unit, amounts: Mapping[Place, int]) -> None:
    """Raise sums to these amounts; those that are higher stay."""
    _put(unit, _PEAK, amounts)


def _put(unit: Unit, statement: RawSql, amounts: Mapping[Place, int]) -> None:
    rows = [(*place, amount) for place, amount in sorted(amounts.items())]
    if not rows:
        return
    if unit.dialect == "sqlite":
        unit.run_raw_many(statement, rows)
        return
    unit.run_raw(statement, *(list(column) for column in zip(*rows, strict=True)))


def current(unit: Unit, project_id: str, day: str, month: str) -> list[Sum]:
    """A project's sums of one day and one month, by their first days."""
    table = USAGE.c
    now = or_(
        and_(table.period == Period.DAY.value, table.start == day),
        and_(table.period == Period.MONTH.value, table.start == month),
    )
    rows = unit.fetch(select(USAGE).where(table.project_id == project_id, now))
    return [_sum(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sums are asked for: of these projects (None: all), of periods that began from `first`
    to `last`."""

    projects: Sequence[str] | None
    period: Period
    first: str
    last: str
    meter: Meter | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """The same as conditions."""
        table = USAGE.c
        found = [
            table.period == self.period.value,
            table.start >= self.first,
            table.start <= self.last,
            table.project_id.in_(self.projects) if self.projects else table.project_id != "",
        ]
        if self.meter is not None:
            found.append(table.meter == self.meter.value)
        return found


def page(unit: Unit, wanted: Wanted, after: Sequence[str] | None, limit: int) -> list[Sum]:
    """Sums by start, project, meter and class of work, from the one after `after`."""
    table = USAGE.c
    order = (table.start, table.project_id, table.meter, table.work)
    query = select(USAGE).where(*wanted.where())
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [_sum(row) for row in unit.fetch(query.order_by(*order).limit(limit))]


def totals(unit: Unit, wanted: Wanted) -> dict[Meter, int]:
    """What was used in all, by meter; of storage the highest of a period."""
    table = USAGE.c
    by_period = (
        select(table.meter, func.sum(table.amount).label("amount"))
        .where(*wanted.where())
        .group_by(table.meter, table.start)
        .subquery()
    )
    columns = by_period.c
    query = select(
        columns.meter, func.sum(columns.amount).label("sum"), func.max(columns.amount).label("peak")
    ).group_by(columns.meter)
    return {
        meter: int(row["peak" if meter is Meter.STORAGE else "sum"])
        for row in unit.fetch(query)
        for meter in (Meter(row["meter"]),)
    }


def _sum(row: RowMapping) -> Sum:
    return Sum(
        row["project_id"], Period(row["period"]), row["start"], Meter(row["meter"]),
        WorkClass(row["work"]), row["amount"],
    )  # fmt: skip


def measured(unit: Unit, day: str) -> bool:
    """Whether storage was measured on this day."""
    table = USAGE.c
    query = select(table.start).where(
        table.project_id == "",
        table.period == Period.DAY.value,
        table.start == day,
        table.meter == Meter.STORAGE.value,
    )
    return unit.first(query) is not None


# --- marks ---


def marks_of(unit: Unit, project_id: str) -> list[Marked]:
    """Every mark of a project, past periods included."""
    rows = unit.fetch(select(MARKS).where(MARKS.c.project_id == project_id))
    return [
        Marked(
            project_id=row["project_id"],
            period=Period(row["period"]),
            start=row["start"],
            meter=Meter(row["meter"]),
            mark=Mark(row["mark"]),
            amount=row["amount"],
            at_ms=row["at_ms"],
            pause_id=row["pause_id"],
        )
        for row in rows
    ]


def add_mark(unit: Unit, found: Marked) -> None:
    """A new mark; there is none in its place."""
    unit.run(
        insert(MARKS).values(
            project_id=found.project_id,
            period=found.period.value,
            start=found.start,
            meter=found.meter.value,
            mark=found.mark.value,
            amount=found.amount,
            at_ms=found.at_ms,
            pause_id=found.pause_id,
        )
    )


def remove_mark(unit: Unit, found: Marked) -> None:
    """Take a mark away."""
    table = MARKS.c
    unit.run(
        delete(MARKS).where(
            table.project_id == found.project_id,
            table.period == found.period.value,
            table.start == found.start,
            table.meter == found.meter.value,
            table.mark == found.mark.value,
        )
    )


def marks_now(unit: Unit, day: str, month: str) -> dict[Mark, int]:
    """How many budgets are marked in the present day and month, by mark."""
    table = MARKS.c
    now = or_(
        and_(table.period == Period.DAY.value, table.start == day),
        and_(table.period == Period.MONTH.value, table.start == month),
    )
    counts = dict.fromkeys(Mark, 0)
    for row in unit.fetch(select(table.mark).where(now)):
        counts[Mark(row["mark"])] += 1
    return counts


def stopped(unit: Unit) -> list[str]:
    """Every project whose work some budget holds, or held until its period ended."""
    query = select(MARKS.c.project_id).where(MARKS.c.mark == Mark.STOPPED.value).distinct()
    return [str(row["project_id"]) for row in unit.fetch(query)]


def forget_marks(unit: Unit, before: str) -> int:
    """Drop marks of periods that began before a day; how many."""
    return unit.run(delete(MARKS).where(MARKS.c.start < before))
