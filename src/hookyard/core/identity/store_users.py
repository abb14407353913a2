"""The tables of users and their identities, and every statement on them."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    RowMapping,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.core.identity.users import Identity, Profile, User

USERS = Table(
    "users",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("avatar_url", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("signed_in_at_ms", BigInteger, nullable=False),
    Index("ix_users_tenant_id", "tenant", "id"),
)

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("ix_identities_user_id", "user_id"),
)


def lock_identity(unit: Unit, issuer: str, subject: str) -> None:
    """Be alone with this person's rows: two first sign-ins make one user."""
    unit.lock(f"identity:{issuer}:{subject}")


def find_identity(unit: Unit, issuer: str, subject: str) -> Identity | None:
    """An identity by who it is."""
    table = IDENTITIES.c
    row = unit.first(select(IDENTITIES).where(table.issuer == issuer, table.subject == subject))
    return None if row is None else identity_of(row)


def add(unit: Unit, user: User, profile: Profile) -> None:
    """Store a new user with their first identity."""
    unit.run(
        insert(USERS).values(
            id=user.id,
            tenant=user.tenant,
            login=user.login,
            name=user.name,
            email=user.email,
            avatar_url=user.avatar_url,
            created_at_ms=user.created_at_ms,
            signed_in_at_ms=user.signed_in_at_ms,
        )
    )
    unit.run(
        insert(IDENTITIES).values(
            issuer=profile.issuer,
            subject=profile.subject,
            user_id=user.id,
            login=profile.login,
            created_at_ms=user.created_at_ms,
        )
    )


def refresh(unit: Unit, user_id: str, profile: Profile, now_ms: int) -> None:
    """Bring a user's texts up to date at a sign-in."""
    unit.run(
        update(USERS)
        .where(USERS.c.id == user_id)
        .values(
            login=profile.login,
            name=profile.name,
            email=profile.email,
            avatar_url=profile.avatar_url,
            signed_in_at_ms=now_ms,
        )
    )
    table = IDENTITIES.c
    unit.run(
        update(IDENTITIES)
        .where(table.issuer == profile.issuer, table.subject == profile.subject)
        .values(login=profile.login)
    )


def find(unit: Unit, user_id: str) -> User | None:
    """A user by id."""
    row = unit.first(select(USERS).where(USERS.c.id == user_id))
    return None if row is None else user_of(row)


def identities_of(unit: Unit, user_id: str) -> Sequence[Identity]:
    """How a user signs in, in a fixed order."""
    table = IDENTITIES.c
    query = select(IDENTITIES).where(table.user_id == user_id)
    return [identity_of(row) for row in unit.fetch(query.order_by(table.issuer, table.subject))]


def by_logins(unit: Unit, issuer: str, logins: Sequence[str]) -> Sequence[User]:
    """Users by the logins an issuer gave them, whatever their case, by id."""
    if not logins:
        return ()
    wanted = sorted({login.lower() for login in logins})
    table = IDENTITIES.c
    query = (
        select(USERS)
        .where(
            USERS.c.id.in_(
                select(table.user_id).where(
                    table.issuer == issuer, func.lower(table.login).in_(wanted)
                )
            )
        )
        .order_by(USERS.c.id)
    )
    return [user_of(row) for row in unit.fetch(query)]


def page(
    unit: Unit, tenant: str, login: str | None, before: str | None, limit: int
) -> Sequence[User]:
    """Users of a tenant, newest first, below `before`; those of one login where it is given."""
    query = select(USERS).where(USERS.c.tenant == tenant)
    if login is not None:
        query = query.where(USERS.c.login == login)
    if before is not None:
        query = query.where(USERS.c.id < before)
    return [user_of(row) for row in unit.fetch(query.order_by(USERS.c.id.desc()).limit(limit))]


def user_of(row: RowMapping) -> User:
    """A user from their row."""
    return User(
        id=row["id"],
        tenant=row["tenant"],
        login=row["login"],
        name=row["name"],
        email=row["email"],
        avatar_url=row["avatar_url"],
        created_at_ms=row["created_at_ms"],
        signed_in_at_ms=row["signed_in_at_ms"],
    )


def identity_of(row: RowMapping) -> Identity:
    """An identity from its row."""
    return Identity(row["issuer"], row["subject"], row["user_id"], row["login"])
