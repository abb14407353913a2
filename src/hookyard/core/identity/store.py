"""The table of API keys and every statement on it."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.model import ApiKey, Role, Scope, ScopeKind

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_sha256", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scope_kind", Text, nullable=False),
    Column("scope_name", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    Column("kinds", Text),
    Column("lanes", Text),
    Column("max_leases", Integer),
    Column("scope_id", BigInteger),
    Column("calls_per_s", Float),
    Column("calls_at_once", Integer),
    Index("ix_api_keys_tenant_id", "tenant", "id"),
    Index("ix_api_keys_scope_id", "scope_id"),
    Index("ix_api_keys_scope_name", "scope_name"),
)

_TOUCH = RawSql.same(
    "UPDATE api_keys SET last_used_at_ms = $1"
    " WHERE id = $2 AND (last_used_at_ms IS NULL OR last_used_at_ms < $3)"
)


def add(unit: Unit, key: ApiKey) -> None:
    """Store a new key."""
    unit.run(
        insert(API_KEYS).values(
            id=key.id,
            tenant=key.tenant,
            name=key.name,
            token_sha256=key.token_sha256,
            role=key.role.value,
            scope_kind=key.scope.kind.value,
            scope_name=key.scope.name,
            created_at_ms=key.created_at_ms,
            created_by=key.created_by,
            expires_at_ms=key.expires_at_ms,
            last_used_at_ms=key.last_used_at_ms,
            revoked_at_ms=key.revoked_at_ms,
            kinds=" ".join(key.kinds) or None,
            lanes=" ".join(key.lanes) or None,
            max_leases=key.max_leases,
            scope_id=key.scope.id,
            calls_per_s=None if key.calls is None else key.calls.per_s,
            calls_at_once=None if key.calls is None else key.calls.at_once,
        )
    )


def sweep_made_by(unit: Unit, prefix: str, before_ms: int, limit: int) -> None:
    """Remove keys whose maker's label starts with `prefix` and that ended before an instant."""
    over = (
        select(API_KEYS.c.id)
        .where(API_KEYS.c.created_by.startswith(prefix, autoescape=True))
        .where(API_KEYS.c.expires_at_ms < before_ms)
        .limit(limit)
    )
    unit.run(delete(API_KEYS).where(API_KEYS.c.id.in_(over)))


def find(unit: Unit, key_id: str) -> ApiKey | None:
    """A key by id, whatever its state."""
    row = unit.first(select(API_KEYS).where(API_KEYS.c.id == key_id))
    return None if row is None else _key(row)


def page(unit: Unit, tenant: str, before: str | None, limit: int) -> Sequence[ApiKey]:
    """Keys of a tenant, newest first, below `before`."""
    query = select(API_KEYS).where(API_KEYS.c.tenant == tenant)
    if before is not None:
        query = query.where(API_KEYS.c.id < before)
    return [_key(row) for row in unit.fetch(query.order_by(API_KEYS.c.id.desc()).limit(limit))]


def revoke(unit: Unit, key_id: str, now_ms: int) -> bool:
    """Mark a key revoked; False when it was already."""
    unrevoked = API_KEYS.c.revoked_at_ms.is_(None)
    changed = update(API_KEYS).where(API_KEYS.c.id == key_id, unrevoked)
    return bool(unit.run(changed.values(revoked_at_ms=now_ms)))


def touch(unit: Unit, key_id: str, now_ms: int, older_than_ms: int) -> bool:
    """Note that a key was used, unless that was noted since `older_than_ms`."""
    return bool(unit.run_raw(_TOUCH, now_ms, key_id, older_than_ms))


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        token_sha256=row["token_sha256"],
        role=Role(row["role"]),
        scope=Scope(
            ScopeKind(row["scope_kind"]), row["scope_name"], row["tenant"], row["scope_id"]
        ),
        created_at_ms=row["created_at_ms"],
        created_by=row["created_by"],
        expires_at_ms=row["expires_at_ms"],
        last_used_at_ms=row["last_used_at_ms"],
        revoked_at_ms=row["revoked_at_ms"],
        kinds=tuple((row["kinds"] or "").split()),
        lanes=tuple((row["lanes"] or "").split()),
        max_leases=row["max_leases"],
        calls=None
        if row["calls_per_s"] is None
        else CallRate(row["calls_per_s"], row["calls_at_once"]),
    )
