"""Usage over HTTP: /api/admin/usage, as JSON or CSV."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import Cursor, Gate, IdQuery, Limit
from hookyard.core.identity.model import Action, Actor
from hookyard.features.billing import rules
from hookyard.features.billing.model import Meter, Period, Sum
from hookyard.features.billing.usage import Usage, UsagePage, UsageQuery, csv_rows
from hookyard.kit.errors import Invalid
from hookyard.kit.pages import MAX_LIMIT, clamp_limit

CSV = "text/csv"
Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$")]


@dataclass(frozen=True, slots=True)
class SumOut:
    """What one project used of a meter in the day or month that began on `start`. `work` is the
    class of its jobs: agents, analysis, effects, routing, upkeep, or empty."""

    start: str
    project_id: str
    project: str
    meter: Literal["jobs", "minutes", "api_calls", "mints", "storage"]
    work: str
    amount: int | float


@dataclass(frozen=True, slots=True)
class UsageOut:
    """Sums in order of their start; `totals` are over the whole span, not this page."""

    items: list[SumOut]
    next_cursor: str | None
    first: str
    last: str
    by: Literal["day", "month"]
    totals: dict[str, int | float]


def usage_query(
    project: IdQuery = None,
    first: Annotated[str | None, Query(alias="from", pattern=r"^\d{4}-\d{2}-\d{2}$")] = None,
    last: Annotated[str | None, Query(alias="to", pattern=r"^\d{4}-\d{2}-\d{2}$")] = None,
    by: Annotated[Period, Query()] = Period.DAY,
    meter: Annotated[Meter | None, Query()] = None,
) -> UsageQuery:
    """What is asked for; Invalid for days that are none."""
    return UsageQuery(project, _day(first, "from"), _day(last, "to"), by, meter)


def router(database: Database, usage: Usage, gate: Gate) -> APIRouter:
    """The route /api/admin/usage."""
    routes = APIRouter(prefix="/api/admin", tags=["billing"])
    reader = Depends(gate.require(Action.PROJECTS_READ))

    @routes.get("/usage")
    async def list_usage(
        actor: Annotated[Actor, reader],
        asked: Annotated[UsageQuery, Depends(usage_query)],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> UsageOut:
        """What projects used, by day or month (UTC): this month, unless `from` and `to` say
        otherwise. Only of projects you may read."""
        page = await database.read(
            lambda unit: usage.page(unit, actor, asked, cursor, clamp_limit(limit))
        )
        return usage_out(page, asked.period)

    @routes.get(
        "/usage.csv",
        response_class=StreamingResponse,
        responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    )
    async def export_usage(
        actor: Annotated[Actor, reader], asked: Annotated[UsageQuery, Depends(usage_query)]
    ) -> StreamingResponse:
        """The same as CSV, all of it."""
        first = await database.read(lambda unit: usage.page(unit, actor, asked, None, MAX_LIMIT))
        headers = {"content-disposition": 'attachment; filename="usage.csv"'}
        lines = _lines(database, usage, actor, asked, first)
        return StreamingResponse(lines, media_type=CSV, headers=headers)

    return routes


async def _lines(
    database: Database, usage: Usage, actor: Actor, asked: UsageQuery, page: UsagePage
) -> AsyncIterator[str]:
    yield csv_rows(page.items, page.names, head=True)
    while page.next_cursor is not None:
        cursor = page.next_cursor
        page = await database.read(
            lambda unit, at=cursor: usage.page(unit, actor, asked, at, MAX_LIMIT)  # type: ignore[misc]
        )
        yield csv_rows(page.items, page.names, head=False)


def usage_out(page: UsagePage, period: Period) -> UsageOut:
    """A page on the wire."""
    return UsageOut(
        items=[sum_out(one, page.names.get(one.project_id, "")) for one in page.items],
        next_cursor=page.next_cursor,
        first=page.first.isoformat(),
        last=page.last.isoformat(),
        by=period.value,
        totals={
            meter.value: rules.outward(meter, page.totals[meter])
            for meter in Meter
            if meter in page.totals
        },
    )


def sum_out(one: Sum, project: str) -> SumOut:
    """A sum on the wire."""
    amount = rules.outward(one.meter, one.amount)
    return SumOut(one.start, one.project_id, project, one.meter.value, one.work.value, amount)


def _day(text: str | None, name: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"`{name}` is no day, as 2026-01-31", code="bad_day") from None
