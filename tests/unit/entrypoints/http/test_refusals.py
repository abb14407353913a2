"""Refusals in the trail: each kind of refusal of a caller once a minute."""

from dataclasses import replace

import pytest
from starlette.requests import Request

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.audit.model import AuditEntry, AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity.authenticate import ADMIN
from hookyard.entrypoints.http.refusals import REMEMBERED, RefusalTrail
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Unavailable
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


async def entries(database: SqliteDatabase, audit: Audit) -> list[AuditEntry]:
    page = await database.read(lambda unit: audit.list_page(unit, AuditFilter(), None, 50))
    return [record.entry for record in page.items]


async def test_more_of_the_same_is_one_entry_with_a_count(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)
    for n in range(1_000):
        await trail.record(request(f"/{n}"), "no")
    assert len(await entries(sqlite_database, audit)) == 1
    await trail.flush()
    await trail.flush()
    more, first = await entries(sqlite_database, audit)
    assert (first.target, first.detail) == ("POST /0", {})
    assert (more.actor, more.action, more.target) == ("admin_key:admin", "jobs.write", "POST /999")
    assert more.detail["count"] == 999


async def test_strangers_are_counted_by_reason_and_not_quoted(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    """Attack: fill the disk, or put words into the trail, with no credential at all."""
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)
    for n in range(5_000):
        trail.count_stranger(request(f"/planted-secret-{n}", None), "the key has expired")
        trail.count_stranger(request("/", None), "the credential is not valid")
    await trail.flush()
    found = await entries(sqlite_database, audit)
    assert {(e.actor, e.action, e.reason, e.detail["count"]) for e in found} == {
        ("stranger", "auth.refused", "the key has expired", 5_000),
        ("stranger", "auth.refused", "the credential is not valid", 5_000),
    }
    assert "planted" not in str(found)


async def test_what_many_callers_are_refused_is_bounded(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)
    for n in range(2 * REMEMBERED + 500):
        made = request("/a")
        made.state.actor = replace(ADMIN, id=f"k{n}")
        await trail.record(made, "no")
    assert (len(trail._told), len(trail._more)) == (REMEMBERED, REMEMBERED + 1)
    await trail.flush()
    last = (await entries(sqlite_database, audit))[0]
    assert (last.actor, last.detail["count"]) == ("others", 500)


async def test_secrets_in_an_address_are_not_kept(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    """Attack, or accident: a token where an id belongs."""
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)
    secret = "ghs_12345_" + "a.b-c" * 10
    await trail.record(request(f"/api/jobs/{secret}/cancel"), "no")
    assert secret not in str(await entries(sqlite_database, audit))


async def test_what_could_not_be_written_is_kept_for_later(
    sqlite_database: SqliteDatabase, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(IdMaker())
    trail = RefusalTrail(sqlite_database, audit, clock)

    async def down(work: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_database, "write", down)
        for _ in range(2):
            trail.count_stranger(request("/", None), "no")
            await trail.flush()
        await trail.record(request("/a"), "no")
    trail.count_stranger(request("/", None), "no")
    await trail.flush()
    assert [e.detail["count"] for e in await entries(sqlite_database, audit)] == [3]


async def test_nobody_we_know_is_no_caller(
    sqlite_database: SqliteDatabase, clock: ManualClock
) -> None:
    audit = Audit(IdMaker())
    await RefusalTrail(sqlite_database, audit, clock).record(request("/a", None), "no")
    assert await targets(sqlite_database, audit) == []
