"""Deliveries on disk: the rows, and every statement over them."""

import json
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    event,
    func,
    or_,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.core.ingress.model import (
    Accepted,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    RejectionCount,
    StoredBody,
)
from hookyard.core.jobs.port import JobsBeside
from hookyard.kit.pages import Page, decode_cursor, encode_cursor

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Text(collation="C").with_variant(Text(), "sqlite"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("provider_delivery_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("action", Text),
    Column("repository", Text),
    Column("subject", Text),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("redeliveries", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("payload_size", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("source", "dedupe_key", name="uq_deliveries_source_dedupe_key"),
)
# why: bodies come compressed; a second try costs a third of Postgres's time for nothing.
event.listen(
    DELIVERIES,
    "after_create",
    DDL("ALTER TABLE deliveries ALTER COLUMN payload SET STORAGE EXTERNAL").execute_if(  # type: ignore[no-untyped-call]
        dialect="postgresql"
    ),
)
_NAMED = DELIVERIES.c.repository.is_not(None)
Index(
    "ix_deliveries_repository",
    DELIVERIES.c.repository,
    DELIVERIES.c.id,
    sqlite_where=_NAMED,
    postgresql_where=_NAMED,
)
_DEAD = text("status = 'dead'")
Index("ix_deliveries_dead", DELIVERIES.c.id, sqlite_where=_DEAD, postgresql_where=_DEAD)

BODIES = Table(
    "delivery_bodies",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("body_sha256", LargeBinary, primary_key=True),
    Column("delivery_id", Text, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_delivery_bodies_received_at_ms", BODIES.c.received_at_ms)

REJECTIONS = Table(
    "delivery_rejections",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    Column("last_detail", Text, nullable=False),
)

_INSERT = RawSql(
    """INSERT INTO deliveries (id, source, provider, dedupe_key, provider_delivery_id, event,
         received_at_ms, status, redeliveries, content_type, headers, payload_size, payload)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'accepted', 0, $8, $9, $10, $11)
       ON CONFLICT (source, dedupe_key) DO NOTHING""",
    """INSERT INTO deliveries (id, source, provider, dedupe_key, provider_delivery_id, event,
         received_at_ms, status, redeliveries, content_type, headers, payload_size, payload)
       SELECT a, b, c, d, e, f, g, 'accepted', 0, h, i, j, k FROM unnest($1::text[], $2::text[],
         $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
         $10::int[], $11::bytea[]) AS t(a, b, c, d, e, f, g, h, i, j, k)
       ON CONFLICT (source, dedupe_key) DO NOTHING RETURNING id""",
)
_NEXT_PARAMETER = 12
_SET_STATUS = RawSql.same(
    """UPDATE deliveries SET status = $2, reason = $3, action = coalesce($4, action),
         repository = coalesce($5, repository), subject = coalesce($6, subject) WHERE id = $1"""
)
_BODY = RawSql.same(
    "SELECT delivery_id FROM delivery_bodies WHERE source = $1 AND body_sha256 = $2"
)
_CLAIM_BODY = RawSql.same(
    """INSERT INTO delivery_bodies (source, body_sha256, delivery_id, received_at_ms)
       VALUES ($1, $2, $3, $4) ON CONFLICT (source, body_sha256) DO NOTHING"""
)
_LOAD = RawSql.same(
    """SELECT source, provider, provider_delivery_id, event, action, repository, subject,
         received_at_ms, status, reason, redeliveries, content_type, payload_size, payload, headers
       FROM deliveries WHERE id = $1"""
)
_LOADED = (
    "source", "provider", "provider_delivery_id", "event", "action", "repository", "subject",
    "received_at_ms", "status", "reason", "redeliveries", "content_type", "payload_size",
)  # fmt: skip
_STILL_ACCEPTED = RawSql(
    """SELECT id FROM deliveries
       WHERE status = 'accepted' AND id IN (SELECT value FROM json_each($1))""",
    "SELECT id FROM deliveries WHERE status = 'accepted' AND id = ANY($1::text[])",
)
_WHICH = RawSql(
    "SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each($1))",
    "SELECT id FROM deliveries WHERE id = ANY($1::text[])",
)


def _row(delivery: Accepted, pack: Callable[[bytes], bytes]) -> Row:
    """The parameters of the insert, in order."""
    return (
        delivery.id,
        delivery.source,
        delivery.provider,
        delivery.dedupe_key,
        delivery.provider_delivery_id,
        delivery.event,
        delivery.received_at_ms,
        delivery.content_type,
        delivery.headers,
        delivery.payload_size,
        delivery.payload if delivery.packed else pack(delivery.payload),
    )


def insert_new(
    unit: Unit, deliveries: Sequence[Accepted], pack: Callable[[bytes], bytes]
) -> set[str] | None:
    """Insert those not seen before; None when all were new, else the ids that were.

    # why: bodies are packed here, so that a large one is packed on the writer's thread.
    """
    rows = [_row(delivery, pack) for delivery in deliveries]
    if unit.dialect == "postgresql":
        fresh = {
            str(row[0]) for row in unit.fetch_raw(_INSERT, *map(list, zip(*rows, strict=True)))
        }
        return None if len(fresh) == len(rows) else fresh
    if unit.run_raw_many(_INSERT, rows) == len(rows):
        return None
    return {str(row[0]) for row in unit.fetch_raw(_WHICH, [d.id for d in deliveries])}


def insert_beside(
    unit: Unit,
    deliveries: Sequence[Accepted],
    pack: Callable[[bytes], bytes],
    beside: Callable[[int], JobsBeside],
) -> set[str] | None:
    """`insert_new` and the jobs of what was new, in one statement; Postgres only.

    # why: it is a transaction by itself, one round trip in place of four. It may run twice: what
    # the first run stored is then found as stored before, under the same id.
    """
    jobs = beside(_NEXT_PARAMETER)
    sql = RawSql.same(
        f"WITH fresh AS ({_INSERT.postgresql}), queued AS ({jobs.sql}) SELECT id FROM fresh"
    )
    columns = map(list, zip(*(_row(delivery, pack) for delivery in deliveries), strict=True))
    fresh = {str(row[0]) for row in unit.fetch_at_once(sql, *columns, *jobs.parameters)}
    return None if len(fresh) == len(deliveries) else fresh


def find_seen(unit: Unit, source: str, dedupe_key: str) -> tuple[DeliveryId, DeliveryStatus] | None:
    """The delivery that has this key already."""
    row = unit.first(
        select(DELIVERIES.c.id, DELIVERIES.c.status).where(
            DELIVERIES.c.source == source, DELIVERIES.c.dedupe_key == dedupe_key
        )
    )
    return None if row is None else (DeliveryId(row["id"]), DeliveryStatus(row["status"]))


def count_redelivery(unit: Unit, delivery_id: str) -> None:
    """Remember that it came again."""
    unit.run(
        update(DELIVERIES)
        .where(DELIVERIES.c.id == delivery_id)
        .values(redeliveries=DELIVERIES.c.redeliveries + 1)
    )


def set_status(
    unit: Unit,
    delivery_id: str,
    status: DeliveryStatus,
    *,
    reason: str | None = None,
    action: str | None = None,
    repository: str | None = None,
    subject: str | None = None,
) -> None:
    """Record how a delivery ended; what is None is left as it was, but for the reason."""
    unit.run_raw(_SET_STATUS, delivery_id, status.value, reason, action, repository, subject)


def first_with_body(unit: Unit, source: str, body_sha256: bytes) -> str | None:
    """The first delivery of the source that carried this body, if any did."""
    rows = unit.fetch_raw(_BODY, source, body_sha256)
    return str(rows[0][0]) if rows else None


def claim_body(
    unit: Unit, source: str, body_sha256: bytes, delivery_id: str, received_at_ms: int
) -> str:
    """The first delivery of the source that carried this body; ours when it is the first."""
    if unit.run_raw(_CLAIM_BODY, source, body_sha256, delivery_id, received_at_ms):
        return delivery_id
    return first_with_body(unit, source, body_sha256) or delivery_id


def still_accepted(unit: Unit, delivery_ids: Sequence[str]) -> set[str]:
    """Which of these deliveries are on disk and nothing more."""
    return {str(row[0]) for row in unit.fetch_raw(_STILL_ACCEPTED, list(delivery_ids))}


_SUMMARY = [column for column in DELIVERIES.c if column.name not in {"payload", "headers"}]


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        id=DeliveryId(row["id"]),
        source=row["source"],
        provider=row["provider"],
        provider_delivery_id=row["provider_delivery_id"],
        event=row["event"],
        action=row["action"],
        repository=row["repository"],
        subject=row["subject"],
        received_at_ms=row["received_at_ms"],
        status=DeliveryStatus(row["status"]),
        reason=row["reason"],
        redeliveries=row["redeliveries"],
        content_type=row["content_type"],
        payload_size=row["payload_size"],
    )


def get(unit: Unit, delivery_id: str) -> Delivery | None:
    """One delivery without its payload."""
    row = unit.first(select(*_SUMMARY).where(DELIVERIES.c.id == delivery_id))
    return None if row is None else _delivery(row)


def get_content(unit: Unit, delivery_id: str) -> StoredBody | None:
    """The compressed body and its content type."""
    row = unit.first(
        select(DELIVERIES.c.payload, DELIVERIES.c.content_type).where(
            DELIVERIES.c.id == delivery_id
        )
    )
    return None if row is None else StoredBody(row["payload"], row["content_type"])


def load(unit: Unit, delivery_id: str) -> tuple[Delivery, bytes, Mapping[str, str]] | None:
    """A delivery with its compressed body and kept headers, for routing."""
    rows = unit.fetch_raw(_LOAD, delivery_id)
    if not rows:
        return None
    *facts, payload, headers = rows[0]
    named = dict(zip(_LOADED, facts, strict=True))
    status = DeliveryStatus(str(named.pop("status")))
    delivery = Delivery(id=DeliveryId(delivery_id), status=status, **named)  # type: ignore[arg-type]
    return delivery, bytes(payload), json.loads(str(headers))  # type: ignore[arg-type]


FILTERS = ("source", "provider", "event", "action", "repository", "status")


def list_page(
    unit: Unit, filters: Mapping[str, str], limit: int, cursor: str | None
) -> Page[Delivery]:
    """Newest first. `filters` are equalities over `FILTERS`."""
    where = [DELIVERIES.c[name] == value for name, value in filters.items() if name in FILTERS]
    if cursor is not None:
        where.append(DELIVERIES.c.id < decode_cursor(cursor, (str,))[0])
    rows = unit.fetch(
        select(*_SUMMARY).where(*where).order_by(DELIVERIES.c.id.desc()).limit(limit + 1)
    )
    items = tuple(_delivery(row) for row in rows[:limit])
    more = encode_cursor(items[-1].id) if len(rows) > limit else None
    return Page(items, more)


def add_rejections(unit: Unit, counts: Mapping[tuple[str, str, int], tuple[int, int, str]]) -> None:
    """Add counts by (source, code, hour): (how many, last instant, last detail)."""
    for (source, code, hour_ms), (count, last_at_ms, detail) in counts.items():
        unit.run(
            text(
                "INSERT INTO delivery_rejections (source, code, hour_ms, count, last_at_ms, "
                "last_detail) VALUES (:source, :code, :hour, :count, :at, :detail) "
                "ON CONFLICT (source, code, hour_ms) DO UPDATE SET "
                "count = delivery_rejections.count + excluded.count, "
                "last_at_ms = excluded.last_at_ms, last_detail = excluded.last_detail"
            ),
            {
                "source": source,
                "code": code,
                "hour": hour_ms,
                "count": count,
                "at": last_at_ms,
                "detail": detail,
            },
        )


def list_rejections(
    unit: Unit, limit: int, after: tuple[int, str, str] | None
) -> Sequence[RejectionCount]:
    """Rejection counts, newest hour first, behind (hour, source, code)."""
    query = select(REJECTIONS)
    hour, source, code = REJECTIONS.c.hour_ms, REJECTIONS.c.source, REJECTIONS.c.code
    if after is not None:
        at, of, what = after
        later = or_(source > of, and_(source == of, code > what))
        query = query.where(or_(hour < at, and_(hour == at, later)))
    rows = unit.fetch(query.order_by(hour.desc(), source, code).limit(limit))
    return [
        RejectionCount(
            row["source"],
            row["code"],
            row["hour_ms"],
            row["count"],
            row["last_at_ms"],
            row["last_detail"],
        )
        for row in rows
    ]


def purge(unit: Unit, before_ms: int, limit: int) -> Sequence[str]:
    """Forget up to `limit` finished deliveries received before an instant, and old counts.

    The ids of the deliveries.
    """
    old = (
        select(DELIVERIES.c.id)
        .where(DELIVERIES.c.received_at_ms < before_ms, DELIVERIES.c.status != "accepted")
        .order_by(DELIVERIES.c.id)
        .limit(limit)
    )
    gone = [str(row["id"]) for row in unit.fetch(old)]
    if gone:
        unit.run(delete(DELIVERIES).where(DELIVERIES.c.id.in_(gone)))
    unit.run(delete(BODIES).where(BODIES.c.received_at_ms < before_ms))
    unit.run(delete(REJECTIONS).where(REJECTIONS.c.hour_ms < before_ms))
    return gone


def count_by_status(unit: Unit, since_id: str) -> Mapping[str, int]:
    """How many deliveries with ids from `since_id` on stand in each status."""
    rows = unit.fetch(
        select(DELIVERIES.c.status, func.count().label("n"))
        .where(DELIVERIES.c.id >= since_id)
        .group_by(DELIVERIES.c.status)
    )
    return {row["status"]: row["n"] for row in rows}
