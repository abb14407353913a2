"""The audit trail keeps what it is told, in order, and gives it back by page."""

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry, AuditFilter, AuditOutcome, AuditRecord
from hookyard.core.audit.service import Audit
from hookyard.kit.errors import Invalid
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import encode_cursor

NOW = 1_700_000_000_000


async def listed(
    database: Database,
    audit: Audit,
    wanted: AuditFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[AuditRecord], str | None]:
    page = await database.read(lambda unit: audit.list_page(unit, wanted, cursor, limit))
    return list(page.items), page.next_cursor


async def test_entries_come_back_whole_and_newest_first(database: Database, ids: IdMaker) -> None:
    audit = Audit(ids)
    done = AuditEntry("user:u1", "jobs.cancel", "job:1", detail={"why": "ü", "n": [1, None]})
    refused = AuditEntry("user:u2", "jobs.cancel", "job:2", AuditOutcome.REFUSED, "no right")
    await database.write(lambda unit: audit.record(unit, done, NOW))
    last = await database.write(lambda unit: audit.record(unit, refused, NOW + 1))
    records, cursor = await listed(database, audit, AuditFilter())
    assert [record.entry for record in records] == [refused, done]
    assert (records[0].id, records[0].at_ms, cursor) == (last, NOW + 1, None)


async def test_a_record_is_gone_when_its_transaction_fails(
    database: Database, ids: IdMaker
) -> None:
    audit = Audit(ids)

    def fails(unit: Unit) -> None:
        audit.record(unit, AuditEntry("a", "b", "c"), NOW)
        raise ValueError("nothing happened")

    with pytest.raises(ValueError, match="nothing happened"):
        await database.write(fails)
    assert await listed(database, audit, AuditFilter()) == ([], None)


async def test_filters_and_pages(database: Database, ids: IdMaker) -> None:
    audit = Audit(ids)
    for n in range(5):
        outcome = AuditOutcome.REFUSED if n % 2 else AuditOutcome.DONE
        entry = AuditEntry(f"user:{n % 2}", "act", f"t:{n}", outcome)
        await database.write(lambda unit, e=entry, at=NOW + n: audit.record(unit, e, at))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        records, cursor = await listed(database, audit, AuditFilter(), cursor, 2)
        seen += [record.entry.target for record in records]
        if cursor is None:
            break
    assert seen == ["t:4", "t:3", "t:2", "t:1", "t:0"]
    for wanted, targets in (
        (AuditFilter(actor="user:1"), ["t:3", "t:1"]),
        (AuditFilter(target="t:2"), ["t:2"]),
        (AuditFilter(action="other"), []),
        (AuditFilter(outcome=AuditOutcome.DONE, actor="user:0"), ["t:4", "t:2", "t:0"]),
    ):
        records, _ = await listed(database, audit, wanted)
        assert [record.entry.target for record in records] == targets


async def test_strangers_words_are_cut_and_storable(database: Database, ids: IdMaker) -> None:
    audit = Audit(ids)
    entry = AuditEntry("user:\x00\ud800", "act", "t" * 5000, reason="\x00")
    await database.write(lambda unit: audit.record(unit, entry, NOW))
    (record,), _ = await listed(database, audit, AuditFilter())
    assert record.entry.actor == "user:\ufffd?"
    assert len(record.entry.target) == 1000


async def test_a_cursor_that_is_not_ours_is_invalid(database: Database, ids: IdMaker) -> None:
    audit = Audit(ids)
    for cursor in ("x", "%%%", encode_cursor("a"), encode_cursor("a", "b"), encode_cursor("\x00")):
        with pytest.raises(Invalid):
            await listed(database, audit, AuditFilter(), cursor)
