"""Use cases of the audit trail: record inside the transaction it is about, and list."""

from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.audit import store
from hookyard.core.audit.model import AuditEntry, AuditFilter, AuditRecord
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

MAX_TEXT = 1000


class Audit:
    """Writes and reads the trail."""

    def __init__(self, ids: IdMaker) -> None:
        self._ids = ids

    def record(self, unit: Unit, entry: AuditEntry, now_ms: int) -> str:
        """Append an entry; its id. What strangers wrote is cut and made storable."""
        kept = replace(
            entry,
            actor=storable(entry.actor),
            target=storable(entry.target),
            reason=storable(entry.reason),
        )
        record = AuditRecord(self._ids.new(now_ms), now_ms, kept)
        store.add(unit, record)
        return record.id

    def done(self, unit: Unit, actor: str, action: str, target: str, now_ms: int) -> None:
        """Append that somebody did something."""
        self.record(unit, AuditEntry(actor, action, target), now_ms)

    def list_page(
        self, unit: Unit, wanted: AuditFilter, cursor: str | None, limit: int
    ) -> Page[AuditRecord]:
        """Records newest first; Invalid (`bad_cursor`) for a cursor that is not ours."""
        before = str(decode_cursor(cursor, (str,))[0]) if cursor else None
        rows = store.page(unit, wanted, storable(before) if before else None, limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(tuple(rows[:limit]), more)


def storable(text: str) -> str:
    """Text as the trail can keep it: cut, without NUL or lone surrogates."""
    # why: Postgres text holds neither NUL nor lone surrogates.
    return text[:MAX_TEXT].encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
