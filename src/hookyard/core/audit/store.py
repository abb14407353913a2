"""The tables of the audit trail: entries, the head of each chain, signed checkpoints.

Entries go in and are read; only what a signed purge covers is ever removed.
"""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Column, Index, RowMapping, Table, Text, insert, select

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.core.audit.chain import GENESIS, Checkpoint, Head, Link, hash_fields
from hookyard.core.audit.guards import guard
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
    Column("tenant", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("uq_audit_tenant_seq", "tenant", "seq", unique=True),
    Index("ix_audit_tenant_actor_seq", "tenant", "actor", "seq"),
    Index("ix_audit_tenant_action_seq", "tenant", "action", "seq"),
)

HEADS = Table(
    "audit_heads",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

CHECKPOINTS = Table(
    "audit_checkpoints",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
)

for _table in (AUDIT, HEADS, CHECKPOINTS):
    guard(_table)

_LINK = "tenant, seq, prev, id, at_ms, actor, action, target, outcome, reason, detail, hash"
_ADD = RawSql.same(
    f"INSERT INTO audit ({_LINK}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
# why: on Postgres a statement is a round trip, during which the head is locked.
_ADD_AND_MOVE = RawSql.same(
    f"WITH added AS (INSERT INTO audit ({_LINK}) SELECT * FROM unnest($1::text[], $2::int8[],"
    " $3::text[], $4::text[], $5::int8[], $6::text[], $7::text[], $8::text[], $9::text[],"
    " $10::text[], $11::text[], $12::text[]))"
    " UPDATE audit_heads SET seq = $14, hash = $15 WHERE tenant = $13"
)
_LOCK_HEAD = RawSql(
    "SELECT seq, hash FROM audit_heads WHERE tenant = $1",
    "SELECT seq, hash FROM audit_heads WHERE tenant = $1 FOR UPDATE",
)
_NEW_HEAD = RawSql.same(
    "INSERT INTO audit_heads (tenant, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (tenant) DO NOTHING"
)
_MOVE_HEAD = RawSql.same("UPDATE audit_heads SET seq = $2, hash = $3 WHERE tenant = $1")
_HEADS = RawSql.same("SELECT tenant, seq, hash FROM audit_heads ORDER BY tenant")
_LINKS = RawSql.same(
    f"SELECT {_LINK} FROM audit WHERE tenant = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4"
)
_AFTER = RawSql.same(
    "SELECT min(seq) FROM audit WHERE tenant = $1 AND seq > $2 AND seq <= $3 AND at_ms >= $4"
)
_FIRST = RawSql.same("SELECT min(seq) FROM audit WHERE tenant = $1")
_dumps = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_HASH = RawSql.same("SELECT hash FROM audit WHERE tenant = $1 AND seq = $2")
_DROP = RawSql.same("DELETE FROM audit WHERE tenant = $1 AND seq >= $2 AND seq <= $3")


def append(unit: Unit, records: Iterable[AuditRecord]) -> None:
    """Chain records to the trails of their tenants. Holds each head until the unit commits."""
    by_tenant: dict[str, list[AuditRecord]] = {}
    for record in records:
        by_tenant.setdefault(record.entry.tenant, []).append(record)
    for tenant in sorted(by_tenant):
        head = _locked_head(unit, tenant)
        rows: list[Row] = []
        for record in by_tenant[tenant]:
            row = _chained(record, head)
            head = Head(tenant, head.seq + 1, str(row[-1]))
            rows.append(row)
        if unit.dialect == "postgresql":
            columns = [list(column) for column in zip(*rows, strict=True)]
            unit.run_raw(_ADD_AND_MOVE, *columns, tenant, head.seq, head.hash)
            continue
        unit.run_raw_many(_ADD, rows)
        unit.run_raw(_MOVE_HEAD, tenant, head.seq, head.hash)


def heads(unit: Unit) -> list[Head]:
    """The head of every chain."""
    return [Head(str(t), _whole(seq), str(h)) for t, seq, h in unit.fetch_raw(_HEADS)]


def head_of(unit: Unit, tenant: str) -> Head:
    """The head of a tenant's chain."""
    return next((head for head in heads(unit) if head.tenant == tenant), Head(tenant))


def links(unit: Unit, tenant: str, after: int, up_to: int, limit: int) -> list[Link]:
    """Entries in the order of their numbers, above `after`, at most `up_to`."""
    return [_link_of(row) for row in unit.fetch_raw(_LINKS, tenant, after, up_to, limit)]


def checkpoints(unit: Unit, tenant: str) -> list[Checkpoint]:
    """Every checkpoint of a tenant, in the order of the entries."""
    query = select(CHECKPOINTS).where(CHECKPOINTS.c.tenant == tenant).order_by(CHECKPOINTS.c.seq)
    return [Checkpoint(**dict(row)) for row in unit.fetch(query)]


def add_checkpoint(unit: Unit, found: Checkpoint) -> None:
    """Store a checkpoint."""
    values = {name: getattr(found, name) for name in Checkpoint.__slots__}
    unit.run(insert(CHECKPOINTS).values(values))


def last_before(unit: Unit, head: Head, instant_ms: int) -> Head | None:
    """The newest entry that is older than the instant, with all before it, except the head."""
    first = unit.fetch_raw(_FIRST, head.tenant)[0][0]
    if first is None:
        return None
    found = unit.fetch_raw(_AFTER, head.tenant, 0, head.seq, instant_ms)[0][0]
    seq = (head.seq if found is None else _whole(found)) - 1
    if seq < _whole(first):
        return None
    rows = unit.fetch_raw(_HASH, head.tenant, seq)
    return Head(head.tenant, seq, str(rows[0][0])) if rows else None


def drop(unit: Unit, tenant: str, up_to: int, limit: int) -> int:
    """Remove the oldest entries, `limit` numbers at most; how many. A purge must cover them."""
    first = unit.fetch_raw(_FIRST, tenant)[0][0]
    if first is None or _whole(first) > up_to:
        return 0
    last = min(up_to, _whole(first) + limit - 1)
    return unit.run_raw(_DROP, tenant, _whole(first), last)


def page(
    unit: Unit, tenant: str, wanted: AuditFilter, before: int | None, limit: int
) -> Sequence[AuditRecord]:
    """Records of a tenant, newest first, below `before`."""
    query = select(AUDIT).where(AUDIT.c.tenant == tenant)
    if before is not None:
        query = query.where(AUDIT.c.seq < before)
    for column, value in (
        (AUDIT.c.actor, wanted.actor),
        (AUDIT.c.action, wanted.action),
        (AUDIT.c.target, wanted.target),
        (AUDIT.c.outcome, wanted.outcome.value if wanted.outcome else None),
    ):
        if value is not None:
            query = query.where(column == value)
    return [_record(row) for row in unit.fetch(query.order_by(AUDIT.c.seq.desc()).limit(limit))]


def _locked_head(unit: Unit, tenant: str) -> Head:
    rows = unit.fetch_raw(_LOCK_HEAD, tenant)
    if not rows:
        unit.run_raw(_NEW_HEAD, tenant, GENESIS)
        rows = unit.fetch_raw(_LOCK_HEAD, tenant)
    return Head(tenant, _whole(rows[0][0]), str(rows[0][1]))


def _chained(record: AuditRecord, head: Head) -> Row:
    """A record as the row that follows a head."""
    entry = record.entry
    detail = _dumps(entry.detail) if entry.detail else "{}"
    fields = (
        entry.tenant, head.seq + 1, head.hash, record.id, record.at_ms, entry.actor, entry.action,
        entry.target, entry.outcome.value, entry.reason, detail,
    )  # fmt: skip
    return (*fields, hash_fields(*fields))


def _link_of(row: Row) -> Link:
    return Link(*row)  # type: ignore[arg-type]


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101
    return value


def _record(row: RowMapping) -> AuditRecord:
    entry = AuditEntry(
        actor=row["actor"],
        action=row["action"],
        target=row["target"],
        outcome=AuditOutcome(row["outcome"]),
        reason=row["reason"],
        detail=json.loads(row["detail"]),
        tenant=row["tenant"],
    )
    return AuditRecord(row["id"], row["at_ms"], entry, row["seq"], row["hash"])
