"""The table of sign-ins under way, and every statement on it. It holds hashes only."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from hookyard.adapters.database.port import METADATA, Unit

SIGNINS = Table(
    "signins",
    METADATA,
    Column("state_sha256", Text, primary_key=True),
    Column("browser_sha256", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_signins_expires_at_ms", "expires_at_ms"),
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in somebody began: which browser, with which provider, and where they go after."""

    state_sha256: str
    browser_sha256: str
    issuer: str
    return_to: str
    expires_at_ms: int


def add(unit: Unit, pending: Pending) -> None:
    """Store a sign-in that begins."""
    unit.run(
        insert(SIGNINS).values(
            state_sha256=pending.state_sha256,
            browser_sha256=pending.browser_sha256,
            issuer=pending.issuer,
            return_to=pending.return_to,
            expires_at_ms=pending.expires_at_ms,
        )
    )


def take(unit: Unit, state_sha256: str) -> Pending | None:
    """The sign-in of a state, which is gone from now on; of two who ask, one gets it."""
    unit.lock(f"signin:{state_sha256}")
    row = unit.first(select(SIGNINS).where(SIGNINS.c.state_sha256 == state_sha256))
    if row is None:
        return None
    unit.run(delete(SIGNINS).where(SIGNINS.c.state_sha256 == state_sha256))
    return _pending(row)


def remove_expired(unit: Unit, now_ms: int) -> int:
    """Delete those that were not finished in time."""
    return unit.run(delete(SIGNINS).where(SIGNINS.c.expires_at_ms <= now_ms))


def count(unit: Unit) -> int:
    """How many are under way."""
    row = unit.first(select(func.count().label("n")).select_from(SIGNINS))
    return 0 if row is None else int(row["n"])


def remove_oldest(unit: Unit, number: int) -> None:
    """Delete those that began first."""
    oldest = select(SIGNINS.c.state_sha256).order_by(SIGNINS.c.expires_at_ms).limit(number)
    unit.run(delete(SIGNINS).where(SIGNINS.c.state_sha256.in_(oldest)))


def _pending(row: RowMapping) -> Pending:
    return Pending(
        state_sha256=row["state_sha256"],
        browser_sha256=row["browser_sha256"],
        issuer=row["issuer"],
        return_to=row["return_to"],
        expires_at_ms=row["expires_at_ms"],
    )
