"""Use cases of the audit trail: record inside the transaction it is about, and list."""

from collections.abc import Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.audit import store
from hookyard.core.audit.model import DEFAULT_TENANT, AuditEntry, AuditFilter, AuditRecord
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, decode_cursor, page_of
from hookyard.kit.text import storable

MAX_TEXT = 1000


class Audit:
    """Writes and reads the trail."""

    def __init__(self, ids: IdMaker) -> None:
        self._ids = ids

    def record(self, unit: Unit, entry: AuditEntry, now_ms: int) -> str:
        """Append an entry; its id. What strangers wrote is cut and made storable.

        It is chained when the unit ends, so that units which record something wait for each
        other only while they commit.
        """
        kept = AuditEntry(
            as_kept(entry.actor), as_kept(entry.action), as_kept(entry.target), entry.outcome,
            as_kept(entry.reason), entry.detail, entry.tenant,
        )  # fmt: skip
        record = AuditRecord(self._ids.new(now_ms), now_ms, kept)
        unit.gather(append, record)
        return record.id

    def done(
        self,
        unit: Unit,
        actor: str,
        action: str,
        target: str,
        now_ms: int,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """Append that somebody did something."""
        self.record(unit, AuditEntry(actor, action, target, tenant=tenant), now_ms)

    def list_page(
        self,
        unit: Unit,
        wanted: AuditFilter,
        cursor: str | None,
        limit: int,
        tenant: str = DEFAULT_TENANT,
    ) -> Page[AuditRecord]:
        """A tenant's records, newest first; Invalid (`bad_cursor`) for a cursor not ours."""
        before = int(decode_cursor(cursor, (int,))[0]) if cursor else None
        rows = store.page(unit, tenant, wanted, before, limit + 1)
        return page_of(rows, limit, lambda row: row.seq)


def append(unit: Unit, records: Sequence[AuditRecord]) -> None:
    """Chain what a unit recorded."""
    store.append(unit, records)


def as_kept(text: str) -> str:
    """Text as the trail can keep it: cut, and storable."""
    return storable(text[:MAX_TEXT])
