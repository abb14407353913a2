"""Refusals in the trail: each kind of refusal of a caller once a minute."""

from starlette.requests import Request

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity.authenticate import ADMIN
from hookyard.entrypoints.http.refusals import RefusalTrail
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker


def request(path: str, action: str | None = "jobs.write") -> Request:
    made = Request(
        {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"",
         "server": ("x", 80), "scheme": "http"}
    )  # fmt: skip
    if action is not None:
        made.state.actor = ADMIN
        made.state.action = action
    return made


async def targets(database: SqliteDatabase, audit: Audit) -> list[str]:
    page = await database.read(lambda unit: audit.list_page(unit, AuditFilter(), None, 50))
    return [record.entry.target for record in page.items]


async def test_each_kind_is_told_once_a_minute(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)
    for _ in range(3):
        await trail.record(request("/a"), "no")
    await trail.record(request("/b", "jobs.cancel"), "no")
    assert await targets(sqlite_database, audit) == ["POST /b", "POST /a"]
    clock.advance(61)
    await trail.record(request("/c"), "no")
    assert (await targets(sqlite_database, audit))[0] == "POST /c"


async def test_strangers_leave_no_trace(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    audit = Audit(IdMaker())
    await RefusalTrail(sqlite_database, audit, clock).record(request("/a", None), "no")
    assert await targets(sqlite_database, audit) == []
