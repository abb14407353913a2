"""The table of elections: one row for each office, who holds it and for which term."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.core.jobs.store import whole

ELECTIONS = Table(
    "elections",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Seat:
    """A row: who holds the office, for which term, and until when. No holder is ""."""

    holder: str
    term: int
    until_ms: int


_SEAT = RawSql.same("SELECT holder, term, until_ms FROM elections WHERE name = $1")
_FIRST = RawSql.same(
    "INSERT INTO elections (name, holder, term, until_ms) VALUES ($1, $2, 1, $3)"
    " ON CONFLICT (name) DO NOTHING"
)
_TAKE = RawSql.same(
    "UPDATE elections SET holder = $2, term = term + 1, until_ms = $3"
    " WHERE name = $1 AND term = $4 AND until_ms = $5"
)
_RENEW = RawSql.same("UPDATE elections SET until_ms = $3 WHERE name = $1 AND term = $2")
_RESIGN = RawSql.same(
    "UPDATE elections SET holder = '', until_ms = 0 WHERE name = $1 AND term = $2"
)
_HELD = RawSql.same("SELECT term FROM elections WHERE name = $1 AND term = $2 AND holder = $3")
# why: a holder that stands still inside its transaction would keep the row, and so the office,
# for good; the server ends a transaction that says nothing for as long as a lease.
HELD_ON_POSTGRES = RawSql.same(
    "SELECT term, set_config('idle_in_transaction_session_timeout', $4, true) FROM elections"
    " WHERE name = $1 AND term = $2 AND holder = $3 FOR UPDATE"
)


def seat(unit: Unit, name: str) -> Seat | None:
    """The office as it stands; None when nobody ever held it."""
    rows = unit.fetch_raw(_SEAT, name)
    if not rows:
        return None
    holder, term, until_ms = rows[0]
    return Seat(str(holder), whole(term), whole(until_ms))


def take(unit: Unit, name: str, before: Seat | None, holder: str, until_ms: int) -> bool:
    """Begin the next term, unless the office changed since `before` was read."""
    if before is None:
        return unit.run_raw(_FIRST, name, holder, until_ms) == 1
    return unit.run_raw(_TAKE, name, holder, until_ms, before.term, before.until_ms) == 1


def renew(unit: Unit, name: str, term: int, until_ms: int) -> bool:
    """Push a term's end forward; False when another term has begun."""
    return unit.run_raw(_RENEW, name, term, until_ms) == 1


def resign(unit: Unit, name: str, term: int) -> None:
    """End a term now; nothing when another has begun."""
    unit.run_raw(_RESIGN, name, term)


def holds(unit: Unit, name: str, term: int, holder: str, lease_ms: int) -> bool:
    """Whether this term is the one that runs; the row stays locked until the transaction ends."""
    if unit.dialect == "sqlite":
        return bool(unit.fetch_raw(_HELD, name, term, holder))
    return bool(unit.fetch_raw(HELD_ON_POSTGRES, name, term, holder, str(lease_ms)))
