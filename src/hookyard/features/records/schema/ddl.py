"""Declared entities as DDL of either engine. Pure; every name in it was checked when declared.

The tenant is the first column of every key and index. Text compares by its bytes on both engines,
so that an order is the same wherever it is asked for.
"""

import hashlib
import json
import re
from collections.abc import Iterator

from hookyard.adapters.database.port import Dialect
from hookyard.adapters.database.walls import policies
from hookyard.features.records.schema.model import SYSTEM, Entity, Field, FieldType, Index, Metric
from hookyard.features.records.schema.plan import Leftover, Step, StepKind, indexes_of

_SQLITE = {
    FieldType.INT: "INTEGER",
    FieldType.FLOAT: "REAL",
    FieldType.BOOL: "INTEGER",
    FieldType.VECTOR: "BLOB",
}
_POSTGRES = {
    FieldType.INT: "BIGINT",
    FieldType.FLOAT: "DOUBLE PRECISION",
    FieldType.BOOL: "BOOLEAN",
    FieldType.JSON: "JSONB",
}
OPERATORS = {
    Metric.COSINE: "vector_cosine_ops",
    Metric.L2: "vector_l2_ops",
    Metric.IP: "vector_ip_ops",
}
ENTITY_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


def statements(step: Step, dialect: Dialect, *, pgvector: bool) -> tuple[str, ...]:
    """What does a step in the database; nothing where only the declaration changes."""
    entity, subject = step.entity, step.subject
    match step.kind:
        case StepKind.CREATE_ENTITY:
            return tuple(_create(entity, dialect, pgvector=pgvector))
        case StepKind.DROP_ENTITY:
            return (f"DROP TABLE {entity.table}",)
        case StepKind.ADD_FIELD if isinstance(subject, Field):
            column = _column(subject, dialect, pgvector=pgvector)
            return (f"ALTER TABLE {entity.table} ADD COLUMN {column}{_filled(subject, dialect)}",)
        case StepKind.DROP_FIELD if isinstance(subject, Field):
            return (f"ALTER TABLE {entity.table} DROP COLUMN {quoted(subject.column)}",)
        case StepKind.ADD_INDEX if isinstance(subject, Index):
            return tuple(_index(entity, subject, dialect, pgvector=pgvector))
        case StepKind.DROP_INDEX if isinstance(subject, Index):
            if subject.metric is not None and not (dialect == "postgresql" and pgvector):
                return ()
            return (f"DROP INDEX IF EXISTS {index_name(entity, subject)}",)
        case StepKind.DROP_INDEX if isinstance(subject, Leftover):
            return (f"DROP INDEX IF EXISTS {subject.name}",)
        case StepKind.FORGET_DELETED:
            return tuple(_forget(entity, dialect))
    return ()


def aside(statement: str) -> str:
    """The statement for an index as it is sent outside of a transaction: Postgres then lets others
    write meanwhile."""
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX|DROP INDEX)", r"\1 CONCURRENTLY", statement)


def quoted(column: str) -> str:
    """A column's name as both engines take it, upper case letters kept."""
    return f'"{column}"'


def column_of(entity: Entity, name: str) -> str:
    """The column, quoted, of a field or of what every record has."""
    field = entity.field(name)
    return quoted(SYSTEM[name] if field is None else field.column)


def columns_of(entity: Entity, index: Index) -> tuple[str, ...]:
    """The columns of an index after the tenant, quoted. The id is the last of those that are not
    unique, as it is of every order: a list is then one range of the index."""
    columns = [column_of(entity, name) for name in index.fields]
    last = quoted(SYSTEM["id"])
    if not index.unique and index.metric is None and last not in columns:
        columns.append(last)
    return tuple(columns)


def index_name(entity: Entity, index: Index) -> str:
    """A name that is the same for the same columns, short enough for both engines."""
    said = ",".join(index.fields) + ("!" if index.unique else "")
    if index.metric is not None:
        said += f"~{index.metric.value}"
    elif not index.unique:
        said += "+id"
    digest = hashlib.blake2b(said.encode(), digest_size=5).hexdigest()
    return f"{'uq' if index.unique else 'ix'}_{entity.table}_{digest}"


def type_of(field: Field, dialect: Dialect, *, pgvector: bool) -> str:
    """A field's type as the engine calls it."""
    if dialect == "sqlite":
        return _SQLITE.get(field.type, "TEXT")
    if field.type is FieldType.VECTOR:
        return f"VECTOR({field.dimension})" if pgvector else "REAL[]"
    return _POSTGRES.get(field.type, 'TEXT COLLATE "C"')


def _create(entity: Entity, dialect: Dialect, *, pgvector: bool) -> Iterator[str]:
    text = "TEXT" if dialect == "sqlite" else 'TEXT COLLATE "C"'
    columns = [
        f"_tenant {text} NOT NULL",
        f"_id {text} NOT NULL",
        f"_rev {text} NOT NULL",
        f"_created {text} NOT NULL",
        f"_updated {text} NOT NULL",
        f"_deleted {text}",
        *(
            _column(field, dialect, pgvector=pgvector)
            for field in entity.fields
            if field.column != SYSTEM["id"]
        ),
        "PRIMARY KEY (_tenant, _id)",
    ]
    yield f"CREATE TABLE {entity.table} ({', '.join(columns)})"
    for index in indexes_of(entity):
        yield from _index(entity, index, dialect, pgvector=pgvector)
    if dialect == "postgresql":
        yield from policies(entity.table, "_tenant", forced=True, rights=ENTITY_RIGHTS)


def _column(field: Field, dialect: Dialect, *, pgvector: bool) -> str:
    return f"{quoted(field.column)} {type_of(field, dialect, pgvector=pgvector)}"


def _filled(field: Field, dialect: Dialect) -> str:
    """The value that records get which are there already."""
    value = field.default
    if value is None or (field.type is FieldType.TIMESTAMP and value == "now"):
        return ""
    if isinstance(value, bool):
        words = ("TRUE", "FALSE") if dialect == "postgresql" else ("1", "0")
        return f" DEFAULT {words[0] if value else words[1]}"
    if isinstance(value, int | float):
        return f" DEFAULT {json.dumps(value)}"
    return " DEFAULT '" + str(value).replace("'", "''") + "'"


def _index(entity: Entity, index: Index, dialect: Dialect, *, pgvector: bool) -> Iterator[str]:
    columns = ", ".join(columns_of(entity, index))
    if index.metric is not None:
        # why: the index knows one metric, and no tenants; a search keeps to its tenant by itself.
        if dialect == "postgresql" and pgvector:
            name, kind = index_name(entity, index), OPERATORS[index.metric]
            yield f"CREATE INDEX {name} ON {entity.table} USING hnsw ({columns} {kind})"
        return
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    # why: what was deleted must not stand in the way of a record that takes its place.
    where = " WHERE _deleted IS NULL" if index.unique else ""
    name = index_name(entity, index)
    yield f"CREATE {kind} {name} ON {entity.table} (_tenant, {columns}){where}"


def _forget(entity: Entity, dialect: Dialect) -> Iterator[str]:
    delete = f"DELETE FROM {entity.table} WHERE _deleted IS NOT NULL"  # noqa: S608
    if dialect == "sqlite":
        yield delete
        return
    # why: the owner of a table with FORCE sees none of its rows.
    yield f"ALTER TABLE {entity.table} NO FORCE ROW LEVEL SECURITY"
    yield delete
    yield f"ALTER TABLE {entity.table} FORCE ROW LEVEL SECURITY"
