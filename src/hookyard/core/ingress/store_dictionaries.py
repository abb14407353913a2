"""Dictionaries on disk, and the bodies they are learnt from."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, LargeBinary, Table, delete, insert, select, update

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.ingress.dictionary import SHORT_BODY
from hookyard.core.ingress.store import DELIVERIES

DICTIONARIES = Table(
    "delivery_dictionaries",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("retired_at_ms", BigInteger),
)
_PRESENT = DICTIONARIES.c.retired_at_ms.is_(None)
SHORTEST = 256


def lock(unit: Unit) -> None:
    """One change of the present dictionary at a time."""
    unit.lock("delivery-dictionaries")


def content(unit: Unit, dictionary_id: int) -> bytes | None:
    """The bytes of a dictionary that is kept."""
    row = unit.first(select(DICTIONARIES.c.content).where(DICTIONARIES.c.id == dictionary_id))
    return None if row is None else bytes(row["content"])


def present(unit: Unit) -> tuple[int, int] | None:
    """Number and age of the dictionary in use: (id, instant it was made)."""
    row = unit.first(
        select(DICTIONARIES.c.id, DICTIONARIES.c.made_at_ms)
        .where(_PRESENT)
        .order_by(DICTIONARIES.c.made_at_ms.desc())
        .limit(1)
    )
    return None if row is None else (row["id"], row["made_at_ms"])


def retire(unit: Unit, now_ms: int) -> None:
    """No dictionary is for new bodies any more."""
    unit.run(update(DICTIONARIES).where(_PRESENT).values(retired_at_ms=now_ms))


def add(unit: Unit, dictionary_id: int, content: bytes, now_ms: int) -> None:
    """Keep a dictionary as the one for new bodies."""
    retire(unit, now_ms)
    unit.run(insert(DICTIONARIES).values(id=dictionary_id, content=content, made_at_ms=now_ms))


def purge(unit: Unit, grace_ms: int) -> int:
    """Forget retired dictionaries that no kept delivery can need; how many.

    What came `grace_ms` after a dictionary was retired, or later, was packed without it.
    """
    oldest = unit.first(select(DELIVERIES.c.received_at_ms).order_by(DELIVERIES.c.id).limit(1))
    gone = delete(DICTIONARIES).where(DICTIONARIES.c.retired_at_ms.is_not(None))
    if oldest is not None:
        gone = gone.where(DICTIONARIES.c.retired_at_ms < oldest["received_at_ms"] - grace_ms)
    return unit.run(gone)


def newest_ids(unit: Unit, limit: int) -> Sequence[str]:
    """Ids of the newest deliveries whose bodies lie in their rows and are neither long nor tiny."""
    rows = unit.fetch(
        select(DELIVERIES.c.id)
        .where(DELIVERIES.c.payload_size.between(SHORTEST, SHORT_BODY))
        .order_by(DELIVERIES.c.id.desc())
        .limit(limit)
    )
    return [row["id"] for row in rows]


def payloads(unit: Unit, delivery_ids: Sequence[str]) -> Sequence[bytes]:
    """Packed bodies of deliveries."""
    rows = unit.fetch(select(DELIVERIES.c.payload).where(DELIVERIES.c.id.in_(list(delivery_ids))))
    return [bytes(row["payload"]) for row in rows]
