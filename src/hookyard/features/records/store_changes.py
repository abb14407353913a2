"""The feed of changes: for each tenant one sequence in which no commit comes late.

Numbers are taken from the tenant's head as the last step of a writing unit, and the head's row
stays locked until that unit has committed or rolled back. So numbers become visible in their
order, without gaps, and who has read up to one has missed nothing.

# spec: Debezium, outbox event router: id, aggregatetype, aggregateid, type, payload.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.adapters.database.walls import wall

CHANGES = Table(
    "records_changes",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_records_changes_at_ms", "at_ms"),
)
HEADS = Table(
    "records_heads",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("purged", BigInteger, nullable=False),
)
wall(CHANGES, "tenant", rights="SELECT, INSERT")
wall(HEADS, "tenant", rights="SELECT, INSERT, UPDATE")

_COLUMNS = "tenant, seq, id, aggregatetype, aggregateid, type, payload, at_ms, actor"
_TAKE = RawSql.same(
    "INSERT INTO records_heads (tenant, seq, purged) VALUES ($1, $2, 0)"
    " ON CONFLICT (tenant) DO UPDATE SET seq = records_heads.seq + excluded.seq RETURNING seq"
)
_ADD = RawSql.same(
    f"INSERT INTO records_changes ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)
_TAKE_AND_ADD = RawSql.same(
    "WITH head AS (INSERT INTO records_heads AS h (tenant, seq, purged) VALUES ($1, $2::int8, 0)"
    " ON CONFLICT (tenant) DO UPDATE SET seq = h.seq + excluded.seq RETURNING h.seq),"
    f" added AS (INSERT INTO records_changes ({_COLUMNS})"
    " SELECT $1, head.seq - $2::int8 + a.n, a.id, a.kind, a.of, a.type, a.payload, a.at_ms, a.actor"
    " FROM head, unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[],"
    " $9::text[]) WITH ORDINALITY AS a (id, kind, of, type, payload, at_ms, actor, n))"
    " SELECT seq FROM head"
)
_AFTER = RawSql.same(
    f"SELECT {_COLUMNS} FROM records_changes WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
)
_HEADS = RawSql.same("SELECT tenant, seq, purged FROM records_heads ORDER BY tenant")
_FIRST_KEPT = RawSql.same(
    "SELECT seq FROM records_changes WHERE tenant = $1 AND seq > $2 AND at_ms >= $3"
    " ORDER BY seq LIMIT 1"
)
_NOTE_PURGED = RawSql.same("UPDATE records_heads SET purged = $2 WHERE tenant = $1")
_DROP = RawSql.same("DELETE FROM records_changes WHERE tenant = $1 AND seq <= $2")
_HEADS_OF = RawSql(
    "SELECT tenant, seq FROM records_heads WHERE tenant IN (SELECT value FROM json_each($1))",
    "SELECT tenant, seq FROM records_heads"
    " WHERE tenant IN (SELECT json_array_elements_text($1::text::json))",
)
_HEAD = RawSql.same("SELECT seq, purged FROM records_heads WHERE tenant = $1")


@dataclass(frozen=True, slots=True)
class Change:
    """One change before it has a number. `payload` is JSON text with `op`, `before`, `after`."""

    id: str
    aggregatetype: str
    aggregateid: str
    type: str
    payload: str
    at_ms: int
    actor: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """A change in its place in the feed of its tenant."""

    tenant: str
    seq: int
    change: Change


@dataclass(frozen=True, slots=True)
class FeedHead:
    """The last number given out, and the last one that was removed for its age; 0 for none."""

    seq: int = 0
    purged: int = 0


def append(unit: Unit, tenant: str, changes: Sequence[Change], told: Callable[[], None]) -> None:
    """Number changes and add them, and have `told` called after the commit, for those who wait.
    The last step of a unit: the head of the tenant is held until its end. Nothing for none."""
    if not changes:
        return
    _number(unit, tenant, changes)
    unit.after_commit(told)


def _number(unit: Unit, tenant: str, changes: Sequence[Change]) -> None:
    count = len(changes)
    if unit.dialect == "sqlite":
        first = _whole(unit.fetch_raw(_TAKE, tenant, count)[0][0]) - count + 1
        unit.run_raw_many(
            _ADD,
            (
                (tenant, first + n, c.id, c.aggregatetype, c.aggregateid, c.type, c.payload,
                 c.at_ms, c.actor)
                for n, c in enumerate(changes)
            ),
        )  # fmt: skip
        return
    unit.fetch_raw(
        _TAKE_AND_ADD,
        tenant,
        count,
        [change.id for change in changes],
        [change.aggregatetype for change in changes],
        [change.aggregateid for change in changes],
        [change.type for change in changes],
        [change.payload for change in changes],
        [change.at_ms for change in changes],
        [change.actor for change in changes],
    )


def after(unit: Unit, tenant: str, seq: int, limit: int) -> list[Numbered]:
    """Changes of a tenant above a number, in order."""
    return [
        Numbered(str(of), _whole(number), Change(*rest))  # type: ignore[arg-type]
        for of, number, *rest in unit.fetch_raw(_AFTER, tenant, seq, limit)
    ]


def head(unit: Unit, tenant: str) -> FeedHead:
    """Where the feed of a tenant ends and begins."""
    rows = unit.fetch_raw(_HEAD, tenant)
    return FeedHead(_whole(rows[0][0]), _whole(rows[0][1])) if rows else FeedHead()


def heads(unit: Unit, tenants: Sequence[str]) -> dict[str, int]:
    """The last number of each of these tenants that has one. Not for confined units."""
    rows = unit.fetch_raw(_HEADS_OF, json.dumps(list(tenants)))
    return {str(tenant): _whole(seq) for tenant, seq in rows}


def purge(unit: Unit, before_ms: int, limit: int) -> int:
    """Remove changes older than an instant, `limit` of each tenant at most; how many. The number
    of the last one stays known, so that a reader who missed them can be told."""
    dropped = 0
    for tenant, seq, purged in unit.fetch_raw(_HEADS):
        if _whole(seq) == _whole(purged):
            continue
        kept = unit.fetch_raw(_FIRST_KEPT, tenant, purged, before_ms)
        last = _whole(kept[0][0]) - 1 if kept else _whole(seq)
        last = min(last, _whole(purged) + limit)
        if last > _whole(purged):
            unit.run_raw(_NOTE_PURGED, tenant, last)
            dropped += unit.run_raw(_DROP, tenant, last)
    return dropped


def tenants(unit: Unit) -> list[str]:
    """Every tenant that has ever changed a record; for who is not confined."""
    return [str(row[0]) for row in unit.fetch_raw(_HEADS)]


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101
    return value
