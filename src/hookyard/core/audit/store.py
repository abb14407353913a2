"""The audit table: rows go in and are read; no statement here changes or removes one."""

import json
from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, RowMapping, Table, Text, insert, select

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.audit.model import AuditEntry, AuditFilter, AuditOutcome, AuditRecord

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_actor_id", "actor", "id"),
    Index("ix_audit_action_id", "action", "id"),
)


def add(unit: Unit, record: AuditRecord) -> None:
    """Append one record."""
    entry = record.entry
    unit.run(
        insert(AUDIT).values(
            id=record.id,
            at_ms=record.at_ms,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome.value,
            reason=entry.reason,
            detail=json.dumps(entry.detail, separators=(",", ":"), sort_keys=True),
        )
    )


def page(unit: Unit, wanted: AuditFilter, before: str | None, limit: int) -> Sequence[AuditRecord]:
    """Records newest first, below `before`."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    for column, value in (
        (AUDIT.c.actor, wanted.actor),
        (AUDIT.c.action, wanted.action),
        (AUDIT.c.target, wanted.target),
        (AUDIT.c.outcome, wanted.outcome.value if wanted.outcome else None),
    ):
        if value is not None:
            query = query.where(column == value)
    return [_record(row) for row in unit.fetch(query)]


def _record(row: RowMapping) -> AuditRecord:
    entry = AuditEntry(
        actor=row["actor"],
        action=row["action"],
        target=row["target"],
        outcome=AuditOutcome(row["outcome"]),
        reason=row["reason"],
        detail=json.loads(row["detail"]),
    )
    return AuditRecord(row["id"], row["at_ms"], entry)
