"""Recovery on disk: how far each hook was listed, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.ingress.recovery_model import RECOVERED, Item, ItemState, Listing, Place, Settled
from hookyard.core.ingress.recovery_rules import ATTEMPTS
from hookyard.core.ingress.store import DELIVERIES
from hookyard.kit.ids import encode as id_of

HOOKS = Table(
    "recovery_hooks",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("hook", Text, primary_key=True),
    Column("prefix", Text),
    Column("watermark_ms", BigInteger),
    Column("job_id", Text),
    Column("cursor", Text),
    Column("begun_ms", BigInteger, nullable=False),
    Column("is_listed", Integer, nullable=False),
    Column("listing", Text, nullable=False),
)
ITEMS = Table(
    "recovery_items",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("hook", Text, primary_key=True),
    Column("guid", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("action", Text),
    Column("delivered_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("job_id", Text, nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
)
_PENDING = text("state = 'pending'")
Index(
    "ix_recovery_items_pending",
    ITEMS.c.source,
    ITEMS.c.hook,
    ITEMS.c.attempts,
    ITEMS.c.delivered_at_ms,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
Index("ix_recovery_items_job_id", ITEMS.c.job_id)
Index("ix_recovery_items_noted_at_ms", ITEMS.c.noted_at_ms)

_LISTING = msgspec.json.Decoder(Listing)
_HEADERS = msgspec.json.Decoder(dict[str, str])
_PRESENT = RawSql(
    """SELECT dedupe_key, status FROM deliveries
       WHERE source = $1 AND dedupe_key IN (SELECT value FROM json_each($2))""",
    """SELECT dedupe_key, status FROM deliveries
       WHERE source = $1 AND dedupe_key = ANY($2::text[])""",
)
_INSERT = RawSql.same(
    """INSERT INTO recovery_items (source, hook, guid, number, event, action, delivered_at_ms,
         state, attempts, job_id, noted_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $9)
       ON CONFLICT (source, hook, guid) DO NOTHING"""
)
_SETTLE = RawSql.same(
    """UPDATE recovery_items SET state = $4, attempts = attempts + 1, reason = $5, job_id = $6
       WHERE source = $1 AND hook = $2 AND guid = $3"""
)


def place(unit: Unit, source: str, hook: str) -> Place:
    """Where the listing of a hook stands; the beginning when it was never listed."""
    row = unit.first(select(HOOKS).where(HOOKS.c.source == source, HOOKS.c.hook == hook))
    if row is None:
        return Place()
    return Place(
        row["watermark_ms"],
        row["prefix"],
        row["job_id"],
        row["cursor"],
        row["begun_ms"],
        bool(row["is_listed"]),
        _LISTING.decode(row["listing"]),
    )


def save_place(unit: Unit, source: str, hook: str, now: Place) -> None:
    """Remember where the listing of a hook stands."""
    values = {
        "prefix": now.prefix,
        "watermark_ms": now.watermark_ms,
        "job_id": now.job_id,
        "cursor": now.cursor,
        "begun_ms": now.begun_ms,
        "is_listed": int(now.is_listed),
        "listing": msgspec.json.encode(now.listing).decode(),
    }
    at = (HOOKS.c.source == source, HOOKS.c.hook == hook)
    if not unit.run(update(HOOKS).where(*at).values(**values)):
        unit.run(insert(HOOKS).values(source=source, hook=hook, **values))


def statuses(unit: Unit, source: str, keys: Sequence[str]) -> Mapping[str, str]:
    """The status of those deliveries that are here, by dedupe key."""
    rows = unit.fetch_raw(_PRESENT, source, list(keys)) if keys else []
    return {str(key): str(status) for key, status in rows}


def count_since(unit: Unit, source: str, since_ms: int, at_most: int) -> int:
    """How many deliveries of a source came since an instant, counted up to a number."""
    found = (
        select(DELIVERIES.c.id)
        .where(DELIVERIES.c.id >= id_of(max(0, since_ms) << 80), DELIVERIES.c.source == source)
        .limit(at_most)
        .subquery()
    )
    row = unit.first(select(func.count().label("n")).select_from(found))
    return 0 if row is None else int(row["n"])


def known(unit: Unit, source: str, hook: str, guids: Sequence[str]) -> set[str]:
    """Which of these were found missing before, whatever became of them."""
    rows = unit.fetch(
        select(ITEMS.c.guid).where(
            ITEMS.c.source == source, ITEMS.c.hook == hook, ITEMS.c.guid.in_(list(guids))
        )
    )
    return {str(row["guid"]) for row in rows}


def add(
    unit: Unit, source: str, hook: str, items: Iterable[Item], job_id: str, now_ms: int
) -> None:
    """Note what is missing; what was noted before stays as it is."""
    unit.run_raw_many(
        _INSERT,
        [
            (source, hook, i.guid, i.number, i.event, i.action, i.delivered_at_ms, job_id, now_ms)
            for i in items
        ],
    )


def ask_again(unit: Unit, source: str, hook: str, items: Sequence[Item], job_id: str) -> None:
    """Try those once more that could not be had: somebody asked for it."""
    ended = [state.value for state in ItemState if state is not ItemState.PENDING]
    for item in items:
        unit.run(
            update(ITEMS)
            .where(
                ITEMS.c.source == source,
                ITEMS.c.hook == hook,
                ITEMS.c.guid == item.guid,
                ITEMS.c.state.in_(ended),
                ITEMS.c.job_id != job_id,
            )
            .values(state="pending", attempts=0, reason=None, number=item.number, job_id=job_id)
        )


def pending(unit: Unit, source: str, hook: str, limit: int) -> list[Item]:
    """What is still to be had: the least tried first, then the oldest."""
    rows = unit.fetch(
        select(ITEMS)
        .where(ITEMS.c.source == source, ITEMS.c.hook == hook, _PENDING)
        .order_by(ITEMS.c.attempts, ITEMS.c.delivered_at_ms, ITEMS.c.number)
        .limit(limit)
    )
    return [_item(row) for row in rows]


def _item(row: RowMapping) -> Item:
    return Item(
        row["guid"], row["number"], row["event"], row["action"], row["delivered_at_ms"],
        row["attempts"],
    )  # fmt: skip


def settle(unit: Unit, source: str, hook: str, done: Iterable[Settled], job_id: str) -> None:
    """Write down what became of items; one that fails too often is given up."""
    for one in done:
        state = one.state
        if state is ItemState.PENDING and one.item.attempts + 1 >= ATTEMPTS:
            state = ItemState.FAILED
        reason = None if one.reason is None else one.reason[:500]
        unit.run_raw(_SETTLE, source, hook, one.item.guid, state.value, reason, job_id)


def counts(unit: Unit, source: str, job_id: str | None = None) -> Mapping[str, int]:
    """How many items of a source stand in each state; of one job where it is named."""
    where = [ITEMS.c.source == source]
    if job_id is not None:
        where.append(ITEMS.c.job_id == job_id)
    rows = unit.fetch(
        select(ITEMS.c.state, func.count().label("n")).where(*where).group_by(ITEMS.c.state)
    )
    return {row["state"]: int(row["n"]) for row in rows}


def count_pending(unit: Unit, source: str, hook: str) -> int:
    """How many items of a hook are still to be had."""
    row = unit.first(
        select(func.count().label("n")).where(
            ITEMS.c.source == source, ITEMS.c.hook == hook, _PENDING
        )
    )
    return 0 if row is None else int(row["n"])


def purge(unit: Unit, before_ms: int) -> int:
    """Forget items noted before an instant; how many there were."""
    return unit.run(delete(ITEMS).where(ITEMS.c.noted_at_ms < before_ms))


def watermarks(unit: Unit) -> Mapping[str, int]:
    """Up to when each source was looked through: the earliest of its hooks."""
    rows = unit.fetch(
        select(HOOKS.c.source, func.min(HOOKS.c.watermark_ms).label("at"))
        .where(HOOKS.c.watermark_ms.is_not(None))
        .group_by(HOOKS.c.source)
    )
    return {row["source"]: int(row["at"]) for row in rows}


def is_recovered(unit: Unit, delivery_id: str) -> bool:
    """Whether a delivery was fetched from its provider."""
    row = unit.first(select(DELIVERIES.c.headers).where(DELIVERIES.c.id == delivery_id))
    return row is not None and RECOVERED in _HEADERS.decode(row["headers"])
