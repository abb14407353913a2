"""`orderBy`, and where the next page starts. Pure.

    [{"createdAt": "desc"}, {"title": {"sort": "asc", "nulls": "first"}}]

The id is always the last column of an order, so no two records stand at the same place. Without
`nulls`, what is null comes last upwards and first downwards, as on Postgres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of what comes after a place: its rows have the first `equal` columns in common with
    the place, and the next ones beyond it, or null, or not null. `keys` is their own order."""

    equal: int
    beyond: int
    null: bool | None
    keys: tuple[Key, ...]


def stretches(keys: Sequence[Key], values: Sequence[SqlValue]) -> tuple[Stretch, ...]:
    """What comes after a place, in parts that follow each other; each is one range of an index
    over these columns, which an OR of them would not be."""
    found: list[Stretch] = []
    last = len(keys) - 1
    while last >= 0:
        first = last
        if values[last] is None:
            if keys[last].nulls_first:
                found.append(Stretch(last, 0, False, _settled(keys, last)))  # noqa: FBT003
        else:
            while first > 0 and _joins(keys, values, first):
                first -= 1
            found.append(Stretch(first, last - first + 1, None, _settled(keys, first)))
            if _has_tail(keys[first]):
                found.append(Stretch(first, 0, True, _settled(keys, first)))  # noqa: FBT003
        last = first - 1
    return tuple(found)


def within(
    builder: Builder, stretch: Stretch, keys: Sequence[Key], values: Sequence[SqlValue]
) -> str:
    """The condition for the rows of a stretch."""
    parts = [
        f"{key.column} IS NULL" if value is None else f"{key.column} = {builder.bind(value)}"
        for key, value in zip(keys[: stretch.equal], values, strict=False)
    ]
    if stretch.null is not None:
        parts.append(f"{keys[stretch.equal].column} IS {'' if stretch.null else 'NOT '}NULL")
        return " AND ".join(parts)
    to = stretch.equal + stretch.beyond
    columns = [key.column for key in keys[stretch.equal : to]]
    places = [builder.bind(value) for value in values[stretch.equal : to]]
    sign = "<" if keys[stretch.equal].descending else ">"
    if len(columns) == 1:
        parts.append(f"{columns[0]} {sign} {places[0]}")
    else:
        parts.append(f"({', '.join(columns)}) {sign} ({', '.join(places)})")
    return " AND ".join(parts)


def _joins(keys: Sequence[Key], values: Sequence[SqlValue], at: int) -> bool:
    """Whether the column before this one can be compared together with it, as a row is."""
    before = keys[at - 1]
    return (
        values[at - 1] is not None
        and before.descending == keys[at].descending
        and not _has_tail(keys[at])
    )


def _has_tail(key: Key) -> bool:
    """Whether rows without a value come after those that have one."""
    return key.nullable and not key.nulls_first


def _settled(keys: Sequence[Key], count: int) -> tuple[Key, ...]:
    """The keys, of which the columns up to `count` are either null or not, so that the order has
    no need to say where those stand."""
    done = tuple(replace(key, nullable=False) for key in keys[: count + 1])
    return (*done, *keys[count + 1 :])


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
