"""What was: every revision of a criterion's words, and every waiver. Rows are never changed but
for a waiver that is withdrawn."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    and_,
    insert,
    or_,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.checklists.model import ChangeKind, Waiver, WaiverKind, Wording

REVISIONS = Table(
    "criterion_revisions",
    METADATA,
    Column("checklist_id", Text, ForeignKey("checklists.id"), primary_key=True),
    Column("criterion_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("group_text", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("meaning", Integer, nullable=False),
    Column("change", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("issue_updated_at_ms", BigInteger, nullable=False),
)

WAIVERS = Table(
    "criterion_waivers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("checklist_id", Text, ForeignKey("checklists.id"), nullable=False),
    Column("criterion_id", Text, nullable=False),
    Column("meaning", Integer, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_reason", Text, nullable=False),
    Column("withdrawn_at_ms", BigInteger),
    Index("ix_criterion_waivers_checklist_id_criterion_id", "checklist_id", "criterion_id"),
)


def add_wordings(unit: Unit, checklist_id: str, wordings: Sequence[Wording]) -> None:
    """Keep new revisions."""
    if not wordings:
        return
    rows = [
        {
            "checklist_id": checklist_id,
            "criterion_id": wording.criterion_id,
            "revision": wording.revision,
            "text": wording.text,
            "group_text": wording.group,
            "detail": wording.detail,
            "meaning": wording.meaning,
            "change": wording.change.value,
            "reason": wording.reason,
            "seen_at_ms": wording.seen_at_ms,
            "issue_updated_at_ms": wording.issue_updated_at_ms,
        }
        for wording in wordings
    ]
    unit.run(insert(REVISIONS), rows)


def wordings_of(unit: Unit, checklist_id: str, criterion_id: str) -> tuple[Wording, ...]:
    """Every revision of one criterion, oldest first."""
    rows = unit.fetch(
        select(REVISIONS)
        .where(REVISIONS.c.checklist_id == checklist_id, REVISIONS.c.criterion_id == criterion_id)
        .order_by(REVISIONS.c.revision)
    )
    return tuple(_wording(row) for row in rows)


def revisions_of(
    unit: Unit, checklist_id: str, meanings: Sequence[tuple[str, int]]
) -> dict[str, list[int]]:
    """For each (criterion, meaning) the revisions that have it, lowest first."""
    if not meanings:
        return {}
    wanted = or_(
        *(
            and_(REVISIONS.c.criterion_id == criterion_id, REVISIONS.c.meaning == meaning)
            for criterion_id, meaning in meanings
        )
    )
    rows = unit.fetch(
        select(REVISIONS.c.criterion_id, REVISIONS.c.revision)
        .where(REVISIONS.c.checklist_id == checklist_id, wanted)
        .order_by(REVISIONS.c.revision)
    )
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["criterion_id"], []).append(row["revision"])
    return found


def add_waiver(unit: Unit, checklist_id: str, criterion_id: str, waiver: Waiver) -> None:
    """Keep a new waiver."""
    unit.run(
        insert(WAIVERS).values(
            id=waiver.id,
            checklist_id=checklist_id,
            criterion_id=criterion_id,
            meaning=waiver.meaning,
            by_actor=waiver.by,
            reason=waiver.reason,
            at_ms=waiver.at_ms,
            withdrawn_by=None,
            withdrawn_reason="",
            withdrawn_at_ms=None,
        )
    )


def withdraw(unit: Unit, waiver: Waiver) -> None:
    """End a waiver: who, why and when as it says."""
    unit.run(
        update(WAIVERS)
        .where(WAIVERS.c.id == waiver.id)
        .values(
            withdrawn_by=waiver.withdrawn_by,
            withdrawn_reason=waiver.withdrawn_reason,
            withdrawn_at_ms=waiver.withdrawn_at_ms,
        )
    )


def open_waivers(unit: Unit, checklist_id: str) -> dict[str, list[Waiver]]:
    """Waivers of an issue's criteria that nobody withdrew, newest first."""
    rows = unit.fetch(
        select(WAIVERS)
        .where(WAIVERS.c.checklist_id == checklist_id, WAIVERS.c.withdrawn_at_ms.is_(None))
        .order_by(WAIVERS.c.id.desc())
    )
    found: dict[str, list[Waiver]] = {}
    for row in rows:
        found.setdefault(row["criterion_id"], []).append(_waiver(row))
    return found


def is_waived(
    checklist_id: ColumnElement[str], criterion_id: ColumnElement[str], meaning: ColumnElement[int]
) -> ColumnElement[bool]:
    """Whether somebody's waiver holds for the criterion these columns name."""
    return (
        select(WAIVERS.c.id)
        .where(
            WAIVERS.c.checklist_id == checklist_id,
            WAIVERS.c.criterion_id == criterion_id,
            WAIVERS.c.meaning == meaning,
            WAIVERS.c.withdrawn_at_ms.is_(None),
        )
        .exists()
    )


def waivers_of(unit: Unit, checklist_id: str, criterion_id: str) -> tuple[Waiver, ...]:
    """Every waiver of one criterion, oldest first."""
    rows = unit.fetch(
        select(WAIVERS)
        .where(WAIVERS.c.checklist_id == checklist_id, WAIVERS.c.criterion_id == criterion_id)
        .order_by(WAIVERS.c.id)
    )
    return tuple(_waiver(row) for row in rows)


def _wording(row: RowMapping) -> Wording:
    return Wording(
        criterion_id=row["criterion_id"],
        revision=row["revision"],
        text=row["text"],
        group=row["group_text"],
        detail=row["detail"],
        meaning=row["meaning"],
        change=ChangeKind(row["change"]),
        reason=row["reason"],
        seen_at_ms=row["seen_at_ms"],
        issue_updated_at_ms=row["issue_updated_at_ms"],
    )


def _waiver(row: RowMapping) -> Waiver:
    return Waiver(
        kind=WaiverKind.PERSON,
        by=row["by_actor"],
        reason=row["reason"],
        at_ms=row["at_ms"],
        meaning=row["meaning"],
        id=row["id"],
        withdrawn_by=row["withdrawn_by"],
        withdrawn_reason=row["withdrawn_reason"],
        withdrawn_at_ms=row["withdrawn_at_ms"],
    )
