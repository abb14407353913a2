"""The table of data keys. A tenant has one primary key at most."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.adapters.secrets.port import WrappedKey
from hookyard.core.sealing.model import DataKey, KeyState

DATA_KEYS = Table(
    "data_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("key_ref", Text, nullable=False),
    Column("key_version", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("demoted_at_ms", BigInteger, nullable=True),
    Index("ix_data_keys_tenant_id", "tenant", "id"),
)
Index(
    "uq_data_keys_primary",
    DATA_KEYS.c.tenant,
    unique=True,
    sqlite_where=text("state = 'primary'"),
    postgresql_where=text("state = 'primary'"),
)


def lock(unit: Unit, tenant: str) -> None:
    """Alone with a tenant's keys until the unit ends."""
    unit.lock(f"data_keys:{tenant}")


def add(unit: Unit, key: DataKey) -> None:
    """One more key."""
    unit.run(
        insert(DATA_KEYS).values(
            id=key.id,
            tenant=key.tenant,
            provider=key.provider,
            key_ref=key.key_ref,
            key_version=key.key_version,
            blob=key.blob,
            state=key.state.value,
            created_at_ms=key.created_at_ms,
            changed_at_ms=key.changed_at_ms,
            demoted_at_ms=key.demoted_at_ms,
        )
    )


def of_tenant(unit: Unit, tenant: str) -> Sequence[DataKey]:
    """A tenant's keys, the oldest first."""
    query = select(DATA_KEYS).where(DATA_KEYS.c.tenant == tenant).order_by(DATA_KEYS.c.id)
    return [_key(row) for row in unit.fetch(query)]


def tenants(unit: Unit) -> Sequence[str]:
    """Every tenant that has keys, by name."""
    query = select(DATA_KEYS.c.tenant).distinct().order_by(DATA_KEYS.c.tenant)
    return [row["tenant"] for row in unit.fetch(query)]


def after(unit: Unit, key_id: str, limit: int) -> Sequence[DataKey]:
    """Keys of every tenant in the order of their ids, from the one after `key_id`."""
    query = select(DATA_KEYS).where(DATA_KEYS.c.id > key_id).order_by(DATA_KEYS.c.id).limit(limit)
    return [_key(row) for row in unit.fetch(query)]


def set_state(
    unit: Unit, key_id: str, state: KeyState, now_ms: int, demoted_at_ms: int | None
) -> None:
    """What a key may be used for from now on."""
    unit.run(
        update(DATA_KEYS)
        .where(DATA_KEYS.c.id == key_id)
        .values(state=state.value, changed_at_ms=now_ms, demoted_at_ms=demoted_at_ms)
    )


def rewrap(unit: Unit, key: DataKey, wrapped: WrappedKey, now_ms: int) -> bool:
    """Replace the wrapping of a key that still stands as it was read; whether it did."""
    touched = unit.run(
        update(DATA_KEYS)
        .where(
            DATA_KEYS.c.id == key.id,
            DATA_KEYS.c.key_version == key.key_version,
            DATA_KEYS.c.blob == key.blob,
        )
        .values(
            provider=wrapped.provider,
            key_ref=wrapped.key_ref,
            key_version=wrapped.key_version,
            blob=wrapped.blob,
            changed_at_ms=now_ms,
        )
    )
    return touched == 1


def _key(row: RowMapping) -> DataKey:
    return DataKey(
        id=row["id"],
        tenant=row["tenant"],
        provider=row["provider"],
        key_ref=row["key_ref"],
        key_version=row["key_version"],
        blob=row["blob"],
        state=KeyState(row["state"]),
        created_at_ms=row["created_at_ms"],
        changed_at_ms=row["changed_at_ms"],
        demoted_at_ms=row["demoted_at_ms"],
    )
