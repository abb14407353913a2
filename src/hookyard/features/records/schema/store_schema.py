"""The tables that say which entities there are, and the making of their own tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text

from hookyard.adapters.database.port import METADATA, Clash, RawSql, Row, Unit
from hookyard.adapters.database.walls import ROLE
from hookyard.features.records.schema.ddl import index_name, statements
from hookyard.features.records.schema.mend import There
from hookyard.features.records.schema.model import Entity, Index
from hookyard.features.records.schema.plan import Step, StepKind
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


_INDEXES = RawSql(
    "SELECT tbl_name, name, 1 FROM sqlite_master"
    r" WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'rec\_%' ESCAPE '\'",
    "SELECT t.relname, c.relname, (i.indisvalid AND i.indisready)::int FROM pg_index AS i"
    " JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid"
    r" WHERE t.relnamespace = current_schema()::regnamespace AND t.relname LIKE 'rec\_%'"
    " AND NOT i.indisprimary",
)
# why: under FORCE its owner cannot count a table's rows, but see that it has pages.
_FILLED = RawSql.same(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    r" AND relkind = 'r' AND relname LIKE 'rec\_%' AND pg_relation_size(oid) > 0"
)
_PROGRESS = RawSql.same(
    "SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done * 10 / blocks_total * 10"
    " WHEN tuples_total > 0 THEN tuples_done * 10 / tuples_total * 10 END, current_locker_pid"
    " FROM pg_stat_progress_create_index WHERE pid = $1"
)


class NotUnique(Exception):
    """An index cannot be unique: records that are there have the same values."""

    def __init__(self, entity: Entity, index: Index) -> None:
        super().__init__(f"{entity.name}: records have the same {', '.join(index.fields)}")
        self.entity = entity
        self.index = index


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


def take_steps(unit: Unit, steps: Iterable[Step], there: There, *, pgvector: bool) -> None:
    """Make, change and drop tables. NotUnique when records are in the way of an index.

    An index that is there already, built before by who lets others write meanwhile, is taken as it
    is; what is there of one that was never finished is built anew.
    """
    dropped: set[str] = set()
    for step in steps:
        made = statements(step, unit.dialect, pgvector=pgvector)
        if isinstance(step.subject, Index):
            name = index_name(step.entity, step.subject)
            is_valid = None if name in dropped else there.valid(step.entity.table, name)
            if step.kind is StepKind.DROP_INDEX:
                dropped.add(name)
            elif is_valid:
                continue
            elif is_valid is False:
                made = (f"DROP INDEX IF EXISTS {name}", *made)
        for statement in made:
            _take(unit, step, statement)


def _take(unit: Unit, step: Step, statement: str) -> None:
    if not isinstance(step.subject, Index):
        unit.connection.exec_driver_sql(statement)
        return
    try:
        unit.run_unique(RawSql.same(statement))
    except Clash:
        raise NotUnique(step.entity, step.subject) from None


def look(unit: Unit) -> There:
    """The indexes of entities' tables, and which tables have records; of these only Postgres knows
    without looking."""
    found: dict[str, dict[str, bool]] = {}
    for table, name, is_valid in unit.fetch_raw(_INDEXES):
        found.setdefault(str(table), {})[str(name)] = bool(is_valid)
    filled: frozenset[str] = frozenset()
    if unit.dialect == "postgresql":
        filled = frozenset(str(row[0]) for row in unit.fetch_raw(_FILLED))
    return There(found, filled)


def progress(unit: Unit, session: int) -> str:
    """How far the index is that a session builds; "" when it builds none."""
    rows = unit.fetch_raw(_PROGRESS, session)
    if not rows:
        return ""
    phase, share, locker = rows[0]
    if locker:
        return f"{phase!s}: session {locker!s} has a transaction that began before"
    return str(phase) if share is None else f"{phase!s}: {share!s} %"


def twins(unit: Unit, tenant: str, entity: Entity, columns: Iterable[str]) -> Row | None:
    """Two records of a tenant that have the same in all these columns, none of them null: their
    ids, and then what they have in common."""
    listed = tuple(columns)
    filled = " AND ".join(f"{column} IS NOT NULL" for column in listed)
    text = (
        f"SELECT min(_id), max(_id), {', '.join(listed)} FROM {entity.table} WHERE _tenant = $1"
        f" AND _deleted IS NULL AND {filled} GROUP BY {', '.join(listed)}"
        " HAVING count(*) > 1 LIMIT 1"
    )
    rows = unit.fetch_raw(RawSql.same(text), tenant)
    return rows[0] if rows else None


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
