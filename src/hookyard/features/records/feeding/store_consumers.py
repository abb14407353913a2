"""Consumers: named places in a tenant's feed."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Row, Unit
from hookyard.adapters.database.walls import wall
from hookyard.features.records.feeding.model import Consumer

CONSUMERS = Table(
    "records_consumers",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("acked", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("acked_at_ms", BigInteger),
)
wall(CONSUMERS, "tenant", rights="SELECT, INSERT, UPDATE, DELETE")

_COLUMNS = "tenant, name, acked, created_at_ms, created_by, acked_at_ms"
_ADD = RawSql.same(
    f"INSERT INTO records_consumers ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, NULL)"
    " ON CONFLICT DO NOTHING"
)
_GET = RawSql.same(f"SELECT {_COLUMNS} FROM records_consumers WHERE tenant = $1 AND name = $2")
_LIST = RawSql.same(f"SELECT {_COLUMNS} FROM records_consumers WHERE tenant = $1 ORDER BY name")
_ACK = RawSql.same(
    "UPDATE records_consumers SET acked = $3, acked_at_ms = $4"
    " WHERE tenant = $1 AND name = $2 AND acked < $3"
)
_DROP = RawSql.same("DELETE FROM records_consumers WHERE tenant = $1 AND name = $2")
_COUNT = RawSql.same("SELECT count(*) FROM records_consumers WHERE tenant = $1")


def add(unit: Unit, consumer: Consumer) -> bool:
    """Store a new one; False when the name is taken."""
    c = consumer
    return unit.run_raw(_ADD, c.tenant, c.name, c.acked, c.created_at_ms, c.created_by) == 1


def get(unit: Unit, tenant: str, name: str) -> Consumer | None:
    """The one of this name."""
    rows = unit.fetch_raw(_GET, tenant, name)
    return _consumer(rows[0]) if rows else None


def all_of(unit: Unit, tenant: str) -> Sequence[Consumer]:
    """Every one of a tenant, by name."""
    return [_consumer(row) for row in unit.fetch_raw(_LIST, tenant)]


def acknowledge(unit: Unit, tenant: str, name: str, seq: int, now_ms: int) -> bool:
    """Move its place on; False when it is there or further already."""
    return unit.run_raw(_ACK, tenant, name, seq, now_ms) == 1


def drop(unit: Unit, tenant: str, name: str) -> bool:
    """Forget it; whether it was there."""
    return unit.run_raw(_DROP, tenant, name) == 1


def count(unit: Unit, tenant: str) -> int:
    """How many a tenant has."""
    return int(str(unit.fetch_raw(_COUNT, tenant)[0][0]))


def _consumer(row: Row) -> Consumer:
    return Consumer(*row)  # type: ignore[arg-type]
