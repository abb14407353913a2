"""The table of names: which row each blob belongs to."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, RowMapping, Table, Text, delete, insert, select

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.blobs.model import BlobRef, OwnerKind

BLOBS = Table(
    "blobs",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("owner_kind", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
Index("uq_blobs_owner_name", BLOBS.c.owner_kind, BLOBS.c.owner_id, BLOBS.c.name, unique=True)

_NAMED = RawSql(
    "SELECT key FROM blobs WHERE key IN (SELECT value FROM json_each($1))",
    "SELECT key FROM blobs WHERE key = ANY($1::text[])",
)
_OF = RawSql(
    """SELECT key FROM blobs
       WHERE owner_kind = $1 AND owner_id IN (SELECT value FROM json_each($2))""",
    "SELECT key FROM blobs WHERE owner_kind = $1 AND owner_id = ANY($2::text[])",
)


def _ref(row: RowMapping) -> BlobRef:
    return BlobRef(
        row["key"],
        OwnerKind(row["owner_kind"]),
        row["owner_id"],
        row["name"],
        row["size"],
        row["sha256"],
        row["content_type"],
        row["created_at_ms"],
    )


def add(unit: Unit, ref: BlobRef) -> None:
    """One more name."""
    values = {
        "key": ref.key,
        "owner_kind": ref.owner_kind.value,
        "owner_id": ref.owner_id,
        "name": ref.name,
        "size": ref.size,
        "sha256": ref.sha256,
        "content_type": ref.content_type,
        "created_at_ms": ref.created_at_ms,
    }
    unit.run(insert(BLOBS), values)


def of(unit: Unit, kind: OwnerKind, owner_id: str) -> list[BlobRef]:
    """Everything an owner has, by name."""
    rows = unit.fetch(
        select(BLOBS)
        .where(BLOBS.c.owner_kind == kind.value, BLOBS.c.owner_id == owner_id)
        .order_by(BLOBS.c.name)
    )
    return [_ref(row) for row in rows]


def one(unit: Unit, kind: OwnerKind, owner_id: str, name: str) -> BlobRef | None:
    """What an owner has under a name."""
    row = unit.first(
        select(BLOBS).where(
            BLOBS.c.owner_kind == kind.value,
            BLOBS.c.owner_id == owner_id,
            BLOBS.c.name == name,
        )
    )
    return None if row is None else _ref(row)


def keys_of(unit: Unit, kind: OwnerKind, owner_ids: Sequence[str]) -> list[str]:
    """The keys of everything these owners have."""
    return [str(row[0]) for row in unit.fetch_raw(_OF, kind.value, list(owner_ids))]


def named(unit: Unit, keys: Sequence[str]) -> set[str]:
    """Which of these keys some row names."""
    return {str(row[0]) for row in unit.fetch_raw(_NAMED, list(keys))}


def remove(unit: Unit, keys: Sequence[str]) -> None:
    """Forget these names."""
    unit.run(delete(BLOBS).where(BLOBS.c.key.in_(list(keys))))


def sizes_after(
    unit: Unit, kinds: Sequence[OwnerKind], after: str, limit: int
) -> list[tuple[str, str, int]]:
    """(key, owner, bytes) of what owners of these kinds have, by key."""
    query = (
        select(BLOBS.c.key, BLOBS.c.owner_id, BLOBS.c.size)
        .where(BLOBS.c.key > after, BLOBS.c.owner_kind.in_([kind.value for kind in kinds]))
        .order_by(BLOBS.c.key)
        .limit(limit)
    )
    return [(row["key"], row["owner_id"], row["size"]) for row in unit.fetch(query)]
