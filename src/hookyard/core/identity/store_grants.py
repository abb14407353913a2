"""The table of grants and every statement on it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.identity.grants_model import GrantFilter, GrantSource, KeptGrant, Subject
from hookyard.core.identity.model import ActorKind, Role, Scope, ScopeKind

GRANTS = Table(
    "grants",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scope_kind", Text, nullable=False),
    Column("scope_name", Text, nullable=False),
    Column("scope_id", BigInteger),
    Column("source", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at_ms", BigInteger),
    Index("ix_grants_subject", "tenant", "subject_kind", "subject_id"),
    Index("ix_grants_tenant_id", "tenant", "id"),
    Index("ix_grants_scope_id", "scope_id"),
    Index("ix_grants_scope_name", "scope_name"),
)


def lock_subject(unit: Unit, subject: Subject) -> None:
    """Be alone with a subject's grants until the transaction ends."""
    unit.lock(f"grants:{subject.tenant}:{subject.label}")


def add(unit: Unit, kept: KeptGrant) -> None:
    """Store a new grant."""
    unit.run(
        insert(GRANTS).values(
            id=kept.id,
            tenant=kept.subject.tenant,
            subject_kind=kept.subject.kind.value,
            subject_id=kept.subject.id,
            role=kept.role.value,
            scope_kind=kept.scope.kind.value,
            scope_name=kept.scope.name,
            scope_id=kept.scope.id,
            source=kept.source.value,
            via=kept.via,
            created_at_ms=kept.created_at_ms,
            created_by=kept.created_by,
            expires_at_ms=kept.expires_at_ms,
        )
    )


def find(unit: Unit, tenant: str, grant_id: str) -> KeptGrant | None:
    """A grant of a tenant by id."""
    row = unit.first(select(GRANTS).where(GRANTS.c.tenant == tenant, GRANTS.c.id == grant_id))
    return None if row is None else _kept(row)


def of_subject(unit: Unit, subject: Subject, now_ms: int) -> list[KeptGrant]:
    """What a subject holds now, oldest first."""
    query = select(GRANTS).where(_is(subject), _live(now_ms)).order_by(GRANTS.c.id)
    return [_kept(row) for row in unit.fetch(query)]


def of_source(unit: Unit, subject: Subject, source: GrantSource, via: str) -> list[KeptGrant]:
    """What one source gives a subject, ended ones included."""
    table = GRANTS.c
    wanted = (_is(subject), table.source == source.value, table.via == via)
    return [_kept(row) for row in unit.fetch(select(GRANTS).where(*wanted).order_by(table.id))]


def page(
    unit: Unit, tenant: str, wanted: GrantFilter, before: str | None, limit: int
) -> Sequence[KeptGrant]:
    """Grants of a tenant, newest first, below `before`; ended ones included."""
    table = GRANTS.c
    query = select(GRANTS).where(table.tenant == tenant)
    if before is not None:
        query = query.where(table.id < before)
    if wanted.subject is not None:
        query = query.where(_is(wanted.subject))
    if wanted.role is not None:
        query = query.where(table.role == wanted.role.value)
    if wanted.scope is not None:
        named = table.scope_name == wanted.scope.name
        query = query.where(table.scope_kind == wanted.scope.kind.value, named)
    return [_kept(row) for row in unit.fetch(query.order_by(table.id.desc()).limit(limit))]


def holders(
    unit: Unit, tenant: str, roles: Iterable[Role], scopes: Iterable[Scope], now_ms: int, limit: int
) -> list[KeptGrant]:
    """Live grants of one of these roles over one of these scopes, oldest first."""
    table = GRANTS.c
    places = or_(
        *(
            and_(table.scope_kind == scope.kind.value, table.scope_name == scope.name)
            for scope in scopes
        )
    )
    named = table.role.in_([role.value for role in roles])
    query = select(GRANTS).where(table.tenant == tenant, named, places, _live(now_ms))
    return [_kept(row) for row in unit.fetch(query.order_by(table.id).limit(limit))]


def set_expiry(unit: Unit, grant_id: str, expires_at_ms: int | None) -> None:
    """Let a grant end at another instant."""
    changed = update(GRANTS).where(GRANTS.c.id == grant_id)
    unit.run(changed.values(expires_at_ms=expires_at_ms))


def remove(unit: Unit, grant_id: str) -> bool:
    """Take a grant away; False when it was gone already."""
    return bool(unit.run(delete(GRANTS).where(GRANTS.c.id == grant_id)))


def remove_ended(unit: Unit, before_ms: int) -> int:
    """Drop grants that ended before an instant; how many."""
    return unit.run(delete(GRANTS).where(GRANTS.c.expires_at_ms < before_ms))


def _is(subject: Subject) -> ColumnElement[bool]:
    table = GRANTS.c
    return and_(
        table.tenant == subject.tenant,
        table.subject_kind == subject.kind.value,
        table.subject_id == subject.id,
    )


def _live(now_ms: int) -> ColumnElement[bool]:
    return or_(GRANTS.c.expires_at_ms.is_(None), GRANTS.c.expires_at_ms > now_ms)


def _kept(row: RowMapping) -> KeptGrant:
    return KeptGrant(
        id=row["id"],
        subject=Subject(ActorKind(row["subject_kind"]), row["subject_id"], row["tenant"]),
        role=Role(row["role"]),
        scope=Scope(
            ScopeKind(row["scope_kind"]), row["scope_name"], row["tenant"], row["scope_id"]
        ),
        source=GrantSource(row["source"]),
        via=row["via"],
        created_at_ms=row["created_at_ms"],
        created_by=row["created_by"],
        expires_at_ms=row["expires_at_ms"],
    )
