"""The tables that say which entities there are, and the making of their own tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.adapters.database.walls import ROLE
from hookyard.features.records.schema.ddl import statements
from hookyard.features.records.schema.model import Entity
from hookyard.features.records.schema.plan import Step
from hookyard.features.records.schema.wire import from_json, to_json

ENTITIES = Table(
    "records_entities",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("applied_at_ms", BigInteger, nullable=False),
    Column("applied_by", Text, nullable=False),
)

SCHEMA = Table(
    "records_schema",
    METADATA,
    Column("only", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("pgvector", BigInteger, nullable=False),
    Column("cursor_key", Text, nullable=False),
)

BUILT_IN, FILE = "builtin", "file"
_VERSION = RawSql.same("SELECT version FROM records_schema")
_STATE = RawSql.same("SELECT version, pgvector, cursor_key FROM records_schema")
_ENTITIES = RawSql.same("SELECT definition, origin FROM records_entities ORDER BY name")
_BEGIN = RawSql.same("INSERT INTO records_schema VALUES (1, 0, $1, $2)")
_RAISE = RawSql.same("UPDATE records_schema SET version = $1")
_KEEP = RawSql.same(
    "INSERT INTO records_entities VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE"
    " SET definition = excluded.definition, origin = excluded.origin, version = excluded.version,"
    " applied_at_ms = excluded.applied_at_ms, applied_by = excluded.applied_by"
)
_FORGET = RawSql.same("DELETE FROM records_entities WHERE name = $1")
_HAS_ROLE = RawSql.same(
    f"SELECT count(*) FROM pg_roles WHERE rolname = '{ROLE}'"
    " AND pg_has_role(current_user, oid, 'MEMBER')"
)
# why: before 0.8 a search through an index that filters as well finds too little.
_HAS_VECTOR = RawSql.same(
    "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
    " AND string_to_array(extversion, '.')::int[] >= ARRAY[0, 8]"
)
# why: where the extension is not at hand, or may not be made, vectors are kept as plain arrays.
_MAKE_VECTOR = (
    "DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')"
    " THEN CREATE EXTENSION IF NOT EXISTS vector; END IF;"
    " EXCEPTION WHEN insufficient_privilege OR unique_violation THEN NULL; END $$"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """An applied entity, and whether it is built in or came from a file."""

    entity: Entity
    origin: str


@dataclass(frozen=True, slots=True)
class State:
    """What is applied: the number of the schema, its entities by name, how vectors are kept, and
    the key that cursors are signed with (hexadecimal)."""

    version: int
    kept: Mapping[str, Kept]
    pgvector: bool
    cursor_key: str

    def __repr__(self) -> str:
        return f"State(version={self.version}, entities={sorted(self.kept)})"


def version(unit: Unit) -> int:
    """The number of the schema that is applied; 0 before the first."""
    rows = unit.fetch_raw(_VERSION)
    return _whole(rows[0][0]) if rows else 0


def load(unit: Unit) -> State | None:
    """What is applied; None before the first time."""
    rows = unit.fetch_raw(_STATE)
    if not rows:
        return None
    kept = {}
    for definition, origin in unit.fetch_raw(_ENTITIES):
        entity = from_json(str(definition))
        kept[entity.name] = Kept(entity, str(origin))
    number, pgvector, key = rows[0]
    return State(_whole(number), kept, bool(pgvector), str(key))


def start(unit: Unit, cursor_key: str) -> State:
    """Note that nothing is applied yet, and what the engine can do."""
    pgvector = False
    if unit.dialect == "postgresql":
        unit.connection.exec_driver_sql(_MAKE_VECTOR)
        pgvector = bool(unit.fetch_raw(_HAS_VECTOR)[0][0])
    unit.run_raw(_BEGIN, int(pgvector), cursor_key)
    return State(0, {}, pgvector, cursor_key)


def may_confine(unit: Unit) -> bool:
    """Whether units can be confined to a tenant by the engine itself, where it knows how."""
    return unit.dialect == "sqlite" or bool(unit.fetch_raw(_HAS_ROLE)[0][0])


def take_steps(unit: Unit, steps: Iterable[Step], state: State) -> None:
    """Make, change and drop tables."""
    for step in steps:
        for statement in statements(step, unit.dialect, pgvector=state.pgvector):
            unit.connection.exec_driver_sql(statement)


def keep(unit: Unit, before: State, wanted: Mapping[str, Kept], by: str, now_ms: int) -> None:
    """Note what is applied now, under the next number."""
    number = before.version + 1
    for name in before.kept:
        if name not in wanted:
            unit.run_raw(_FORGET, name)
    for name, kept in wanted.items():
        if before.kept.get(name) != kept:
            unit.run_raw(_KEEP, name, to_json(kept.entity), kept.origin, number, now_ms, by)
    unit.run_raw(_RAISE, number)


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101
    return value
