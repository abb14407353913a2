"""An entity made ready for one engine: its statements, and rows to records and back.

Made once for each version of the schema, so that a request only looks things up: the column list,
the statements, who may do what by the roles held.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from hookyard.adapters.database.port import Dialect, RawSql, Row, SqlValue
from hookyard.features.records.rules import lets_in
from hookyard.features.records.schema.ddl import quoted
from hookyard.features.records.schema.model import (
    SYSTEM,
    Entity,
    Field,
    FieldType,
    Make,
    Operation,
)
from hookyard.features.records.schema.plan import indexes_of
from hookyard.features.records.values import Checker, checker_of, packed, unpacked
from hookyard.kit.json import Json

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Record: TypeAlias = dict[str, object]
Convert: TypeAlias = Callable[[SqlValue], object]

# why: Postgres keeps 2,704 bytes in an entry of an index, the tenant's name and lengths among them.
MAX_INDEXED = 2_400
ASKED_ID = "asked.id"
_TEXTUAL = (FieldType.STRING, FieldType.TEXT, FieldType.ID)
_ARRAYS = {FieldType.INT: "int8", FieldType.FLOAT: "float8", FieldType.BOOL: "bool"}
_BEFORE = ("id",)
_AFTER = ("tenantId", "revision", "createdAt", "updatedAt")


class View:
    """Some names of an entity: the columns to select for them, and rows made into records."""

    __slots__ = ("_fixes", "columns", "each", "names")

    def __init__(
        self, names: tuple[str, ...], each: Sequence[str], fixes: Mapping[str, Convert]
    ) -> None:
        self.names = names
        self.each = tuple(each)
        self.columns = ", ".join(each)
        self._fixes = tuple((name, fixes[name]) for name in names if name in fixes)

    def record(self, row: Sequence[SqlValue]) -> Record:
        """A selected row as it is answered; JSON stays the text it is."""
        found: Record = dict(zip(self.names, row))  # noqa: B905
        for name, fix in self._fixes:
            value = found[name]
            if value is not None:
                found[name] = fix(value)  # type: ignore[arg-type]
        return found


def each_by_id(ids: str, one: str) -> str:
    """What `one` selects of the record `ASKED_ID` names, for each of a list of ids, in their order;
    on Postgres. `ids` is the list's parameter.

    # why: of a list the planner may think more than of one id, and take another index, or all of a
    # tenant it knows nothing of; one by one they are found by the key.
    """
    listed = f"unnest({ids}::text[]) AS listed (id)"
    asked = f'(SELECT DISTINCT id COLLATE "C" AS id FROM {listed} ORDER BY 1) AS asked'  # noqa: S608
    return f"SELECT found.* FROM {asked} CROSS JOIN LATERAL ({one} LIMIT 1) AS found"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Access:
    """What holders of some roles may do with an entity. `checks` has the fields they may write,
    `view` what they are shown, `readable` every name they may name in a query."""

    operations: frozenset[Operation]
    readable: frozenset[str]
    checks: Mapping[str, Checker]
    view: View


class Shape:
    """One entity on one engine. `shown` is every name but vectors, `whole` every name."""

    def __init__(self, entity: Entity, dialect: Dialect, *, pgvector: bool) -> None:
        self.entity = entity
        self.dialect = dialect
        self.pgvector = pgvector
        self.fields: Mapping[str, Field] = {field.name: field for field in entity.fields}
        self.own = tuple(f for f in entity.fields if f.column != SYSTEM["id"])
        last = (*_AFTER, "deletedAt") if entity.soft_delete else _AFTER
        self.names = tuple(dict.fromkeys((*_BEFORE, *self.fields, *last)))
        self.checks: Mapping[str, Checker] = {f.name: checker_of(f) for f in entity.fields}
        self.required = tuple(f.name for f in self.own if f.required)
        self.defaults: Mapping[str, Json] = {f.name: f.default for f in self.own}
        self.is_composite = entity.id.make is Make.COMPOSITE
        self._fixes = self._converters()
        self._views: dict[tuple[str, ...], View] = {}
        self._named: dict[tuple[str, ...], View] = {}
        self._access: dict[int, Access] = {}
        self.whole = self.view(self.names)
        self.vectors = tuple(f.name for f in self.own if f.type is FieldType.VECTOR)
        self.told = tuple(name for name in self.names if name not in self.vectors)
        # why: a unique index is over what is not deleted, and Postgres uses it only for a statement
        # that asks for no more.
        is_partial = entity.soft_delete or any(i.unique for i in indexes_of(entity))
        self.alive = " AND _deleted IS NULL" if is_partial else ""
        self.wide = self._wide()
        self._write_statements()

    def view(self, names: tuple[str, ...]) -> View:
        """The view of these names, which must be the entity's."""
        found = self._views.get(names)
        if found is None:
            found = View(names, [self._selected(name) for name in names], self._fixes)
            if len(self._views) < 256:
                self._views[names] = found
        return found

    def named(self, view: View) -> View:
        """The view with the id after it, to tell its rows apart."""
        found = self._named.get(view.names)
        if found is None:
            found = self._named[view.names] = View(view.names, (*view.each, "_id"), {})
        return found

    def access(self, roles: int) -> Access:
        """What the roles allow, as bits of `rules.roles_of`."""
        found = self._access.get(roles)
        if found is None:
            found = self._access[roles] = self._allowed(roles)
        return found

    def column(self, name: str) -> str:
        """The quoted column of a name."""
        field = self.fields.get(name)
        return quoted(SYSTEM[name] if field is None else field.column)

    def get(self, view: View, *, deleted: bool = False) -> RawSql:
        """One record of a tenant: $1 the tenant, $2 the id."""
        alive = "" if deleted else self.alive
        return RawSql.same(
            f"SELECT {view.columns} FROM {self.entity.table}"  # noqa: S608
            f" WHERE _tenant = $1 AND _id = $2{alive}"
        )

    def get_many(self, view: View, place: int = 2) -> RawSql:
        """Records of a tenant: $1 the tenant, $2 a list of ids."""
        head = f"SELECT {view.columns} FROM {self.entity.table} WHERE _tenant = $1 AND _id"  # noqa: S608
        listed = f"SELECT value FROM json_each(${place})"  # noqa: S608
        return RawSql(
            f"{head} IN ({listed}){self.alive}",
            each_by_id(f"${place}", f"{head} = {ASKED_ID}{self.alive}"),
        )

    def plain(self, record: Mapping[str, object]) -> dict[str, Json]:
        """A record with its JSON decoded, and its vectors in 32 bits as when they were checked."""
        found: dict[str, Json] = {
            name: _decode(bytes(value)) if isinstance(value, msgspec.Raw) else value  # type: ignore[misc]
            for name, value in record.items()
        }
        for name in self.vectors:
            if found.get(name) is not None:
                found[name] = unpacked(packed(found[name]))
        return found

    def row(self, record: Mapping[str, object]) -> Row:
        """A whole record as the parameters of `insert` and `update`, in their order."""
        head = (
            record["tenantId"], record["id"], record["revision"], record["createdAt"],
            record["updatedAt"], record.get("deletedAt"),
        )  # fmt: skip
        own = tuple(self._bound(field, record.get(field.name)) for field in self.own)
        return head + own  # type: ignore[return-value]

    def _bound(self, field: Field, value: object) -> SqlValue:
        if value is None:
            return None
        match field.type:
            case FieldType.JSON:
                return encode(value).decode()
            case FieldType.BOOL if self.dialect == "sqlite":
                return int(bool(value))
            case FieldType.VECTOR if self.dialect == "sqlite":
                return packed(value)  # type: ignore[arg-type]
            case FieldType.VECTOR:
                listed = encode(value).decode()
                return listed if self.pgvector else "{" + listed[1:-1] + "}"
        return value  # type: ignore[return-value]

    def _wide(self) -> tuple[tuple[str, ...], ...]:
        """The texts of each index that could be more than one holds."""
        found: list[tuple[str, ...]] = []
        for index in indexes_of(self.entity):
            texts = [f for n in index.fields if (f := self.fields.get(n)) and f.type in _TEXTUAL]
            if sum(4 * (field.maximum or 0) for field in texts) > MAX_INDEXED:
                found.append(tuple(field.name for field in texts))
        return tuple(found)

    def _write_statements(self) -> None:
        table = self.entity.table
        columns = ["_tenant", "_id", "_rev", "_created", "_updated", "_deleted"]
        columns += [quoted(field.column) for field in self.own]
        casts = [""] * 6 + [self._cast(field) for field in self.own]
        places = [f"${n}{cast}" for n, cast in enumerate(casts, 1)]
        listed = ", ".join(columns)
        arrays = ["text"] * 6 + [_ARRAYS.get(field.type, "text") for field in self.own]
        unnested = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(arrays, 1))
        picked = ", ".join(
            f"c{n}{cast[len('::text') :] if cast else ''}" for n, cast in enumerate(casts, 1)
        )
        names = ", ".join(f"c{n}" for n in range(1, len(columns) + 1))
        head = f"INSERT INTO {table} ({listed})"
        self.insert = RawSql.same(f"{head} VALUES ({', '.join(places)}) ON CONFLICT DO NOTHING")
        self.insert_many = RawSql.same(
            f"{head} SELECT {picked} FROM unnest({unnested}) AS a ({names})"  # noqa: S608
            " ON CONFLICT DO NOTHING RETURNING _id"
        )
        pairs = ", ".join(f"{c} = {p}" for c, p in zip(columns[2:], places[2:], strict=True))
        self.update = RawSql.same(f"UPDATE {table} SET {pairs} WHERE _tenant = $1 AND _id = $2")  # noqa: S608
        self.delete = RawSql.same(f"DELETE FROM {table} WHERE _tenant = $1 AND _id = $2")  # noqa: S608
        find = f"SELECT {self.whole.columns} FROM {table} WHERE _tenant = $1 AND _id = $2"  # noqa: S608
        self.lock = RawSql(find, f"{find} FOR UPDATE")
        several = f"SELECT {self.whole.columns} FROM {table} WHERE _tenant = $1 AND _id"  # noqa: S608
        self.lock_many = RawSql(
            f"{several} IN (SELECT value FROM json_each($2))",  # noqa: S608
            each_by_id("$2", f"{several} = {ASKED_ID} FOR UPDATE"),
        )

    def _cast(self, field: Field) -> str:
        if self.dialect == "sqlite":
            return ""
        if field.type is FieldType.JSON:
            return "::text::jsonb"
        if field.type is FieldType.VECTOR:
            return "::text::vector" if self.pgvector else "::text::real[]"
        return ""

    def _selected(self, name: str) -> str:
        field = self.fields.get(name)
        column = self.column(name)
        if field is None or self.dialect == "sqlite":
            return column
        if field.type is FieldType.VECTOR:
            return f"{column}::text" if self.pgvector else f"to_json({column})::text"
        if field.type is FieldType.JSON:
            # why: SQLAlchemy teaches a session to decode jsonb once it has used it; text is text.
            return f"{column}::text"
        return column

    def _converters(self) -> Mapping[str, Convert]:
        found: dict[str, Convert] = {}
        for field in self.own:
            if field.type is FieldType.JSON:
                found[field.name] = msgspec.Raw  # type: ignore[assignment]
            elif field.type is FieldType.BOOL and self.dialect == "sqlite":
                found[field.name] = bool
            elif field.type is FieldType.VECTOR:
                found[field.name] = unpacked if self.dialect == "sqlite" else msgspec.Raw  # type: ignore[assignment]
        return found

    def _allowed(self, roles: int) -> Access:
        entity = self.entity
        operations = frozenset(
            operation for operation in Operation if lets_in(entity.roles[operation], roles)
        )
        hidden = {f.name for f in entity.fields if f.read and not lets_in(f.read, roles)}
        sealed = {f.name for f in entity.fields if f.write and not lets_in(f.write, roles)}
        readable = tuple(name for name in self.names if name not in hidden)
        if Operation.READ not in operations:
            # why: a write answers with its record, and an empty change would be a way to read it.
            named = (*_BEFORE, *entity.id.fields, *_AFTER)
            readable = tuple(name for name in readable if name in named)
        vectors = {f.name for f in entity.fields if f.type is FieldType.VECTOR}
        return Access(
            operations,
            frozenset(readable),
            {name: check for name, check in self.checks.items() if name not in sealed},
            self.view(tuple(name for name in readable if name not in vectors)),
        )
