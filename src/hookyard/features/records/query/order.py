"""`orderBy`, and where the next page starts. Pure.

    [{"createdAt": "desc"}, {"title": {"sort": "asc", "nulls": "first"}}]

The id is always the last column of an order, so no two records stand at the same place. Without
`nulls`, what is null comes last upwards and first downwards, as on Postgres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import SqlValue
from hookyard.features.records.query.builder import Builder
from hookyard.features.records.query.conditions import kind_of
from hookyard.features.records.query.where import no_field
from hookyard.features.records.schema.ddl import quoted
from hookyard.features.records.schema.model import SYSTEM, FieldType
from hookyard.features.records.shape import Shape
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.kit.json import Json

MAX_KEYS = 6
_ID = quoted(SYSTEM["id"])


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order. `nullable` says whether it may hold null."""

    name: str
    column: str
    descending: bool
    nulls_first: bool
    nullable: bool

    @property
    def sql(self) -> str:
        """As it stands in ORDER BY."""
        text = f"{self.column} {'DESC' if self.descending else 'ASC'}"
        if self.nullable:
            text += f" NULLS {'FIRST' if self.nulls_first else 'LAST'}"
        return text


def order_of(
    shape: Shape, value: Json, readable: frozenset[str], alias: str, pointer: str = "/orderBy"
) -> tuple[Key, ...]:
    """The columns of an order, the id last."""
    keys: list[Key] = []
    listed = [value] if isinstance(value, Mapping) else value
    if value is None:
        listed = []
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise wrong(pointer, "wrong_type", f"must be a list of {MAX_KEYS} keys at most")
    for number, one in enumerate(listed):
        place = under(pointer, number) if listed is value else pointer
        if not isinstance(one, Mapping) or len(one) == 0:
            raise wrong(place, "wrong_type", 'must be as {"createdAt": "desc"}')
        for name, how in one.items():
            keys.append(_key(shape, name, how, readable, alias, under(place, name)))
    names = [key.name for key in keys]
    if len(set(names)) != len(names) or len(keys) > MAX_KEYS:
        raise wrong(pointer, "wrong_type", "a name stands in an order once")
    if any(key.column == f"{alias}._id" for key in keys):
        return tuple(keys)
    last = keys[-1].descending if keys else False
    return (*keys, Key("id", f"{alias}._id", last, False, False))  # noqa: FBT003


def after(builder: Builder, keys: Sequence[Key], values: Sequence[SqlValue]) -> str:
    """The condition for what comes after a place in the order."""
    ways = {key.descending for key in keys}
    if len(ways) == 1 and not any(key.nullable for key in keys):
        sign = "<" if keys[0].descending else ">"
        columns = ", ".join(key.column for key in keys)
        places = ", ".join(builder.bind(value) for value in values)
        if len(keys) == 1:
            return f"{columns} {sign} {places}"
        return f"({columns}) {sign} ({places})"
    parts: list[str] = []
    equal: list[str] = []
    for key, value in zip(keys, values, strict=True):
        beyond = _beyond(builder, key, value)
        if beyond is not None:
            parts.append(" AND ".join([*equal, beyond]))
        if key is keys[-1]:
            break
        equal.append(
            f"{key.column} IS NULL" if value is None else f"{key.column} = {builder.bind(value)}"
        )
    return " OR ".join(f"({part})" for part in parts) or "1 = 0"


def _beyond(builder: Builder, key: Key, value: SqlValue) -> str | None:
    """What comes after a value in one column; None when nothing does."""
    if value is None:
        return f"{key.column} IS NOT NULL" if key.nulls_first else None
    text = f"{key.column} {'<' if key.descending else '>'} {builder.bind(value)}"
    if key.nullable and not key.nulls_first:
        return f"({text} OR {key.column} IS NULL)"
    return text


def _key(
    shape: Shape, name: str, how: Json, readable: frozenset[str], alias: str, pointer: str
) -> Key:
    if name not in readable:
        raise no_field(shape, name, pointer)
    if kind_of(shape, name) in (FieldType.JSON, FieldType.VECTOR):
        raise wrong(pointer, "not_sortable", f"{shown(name)} has no order")
    sort, nulls = how, None
    if isinstance(how, Mapping):
        if not set(how) <= {"sort", "nulls"}:
            raise wrong(pointer, "unknown_operator", "there is sort and nulls here")
        sort, nulls = how.get("sort", "asc"), how.get("nulls")
    if sort not in ("asc", "desc"):
        raise wrong(pointer, "wrong_type", "must be asc or desc")
    if nulls not in (None, "first", "last"):
        raise wrong(under(pointer, "nulls"), "wrong_type", "must be first or last")
    column, is_descending = shape.column(name), sort == "desc"
    is_id = column == _ID
    return Key(
        name,
        f"{alias}._id" if is_id else f"{alias}.{column}",
        is_descending,
        is_descending if nulls is None else nulls == "first",
        nullable=not is_id and (name not in SYSTEM or name == "deletedAt"),
    )
