"""Whether a page is read best by walking along an index, from where it begins. Pure.

It is where an index has the rows in their order, behind the columns that the filter fixes, and the
filter names no other index. That holds whatever the tables hold, so no statistics are needed: a
planner without them would read all that is left, and sort it, for every page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.features.records.query.conditions import kind_of
from hookyard.features.records.query.order import Key
from hookyard.features.records.schema.ddl import columns_of, quoted
from hookyard.features.records.schema.model import SYSTEM, FieldType
from hookyard.features.records.schema.plan import indexes_of
from hookyard.features.records.shape import Shape
from hookyard.kit.json import Json

_ID = quoted(SYSTEM["id"])
_RANGES = ("lt", "lte", "gt", "gte")


@dataclass(slots=True)
class _Named:
    """Columns that a filter fixes, bounds, or asks for otherwise in a way that an index knows."""

    fixed: set[str] = field(default_factory=set)
    bounded: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    crosses: bool = False


def walks(shape: Shape, where: Json, order: Sequence[Key], alias: str) -> bool:
    """Whether there is such an index for a list with this filter, which was checked, and order."""
    named = _Named()
    if where is not None:
        _collect(shape, where, named, sure=True)
    wanted = [(_column(key, alias), key) for key in order]
    wanted = [(column, key) for column, key in wanted if column not in named.fixed]
    if named.crosses or len({key.descending for _, key in wanted}) > 1:
        return False
    # spec: PostgreSQL, Indexes and ORDER BY: nulls are last upwards and first downwards.
    if any(key.nullable and key.nulls_first != key.descending for _, key in wanted):
        return False
    columns = [column for column, _ in wanted]
    indexes = [
        [_ID],
        *(columns_of(shape.entity, i) for i in indexes_of(shape.entity) if not i.metric),
    ]
    fitting = [index for index in indexes if _has_order(index, columns, named.fixed)]
    if not fitting:
        return False
    used = {column for index in fitting for column in _leading(index, named.fixed)}
    used.update(columns[:1] if columns and columns[0] not in named.listed else ())
    heads = {index[0] for index in indexes}
    return heads & (named.fixed | named.bounded | named.listed) <= used


def _collect(shape: Shape, where: Json, named: _Named, *, sure: bool) -> None:
    """Note the columns of a filter; `sure` while every condition has to hold."""
    if not isinstance(where, Mapping):
        return
    for name, value in where.items():
        if name in ("AND", "OR", "NOT"):
            for one in value if isinstance(value, list) else [value]:
                _collect(shape, one, named, sure=sure and name == "AND")
        elif name not in shape.names and name not in SYSTEM:
            named.crosses = True
        elif kind_of(shape, name) not in (FieldType.JSON, FieldType.VECTOR):
            given = value if isinstance(value, Mapping) else {"equals": value}
            if given.get("mode") != "insensitive":
                _note(named, shape.column(name), given, sure=sure)


def _note(named: _Named, column: str, given: Mapping[str, Json], *, sure: bool) -> None:
    if given.get("equals") is not None and sure:
        named.fixed.add(column)
    elif not sure or "equals" in given or "in" in given:
        named.listed.add(column)
    elif any(word in given for word in _RANGES):
        named.bounded.add(column)


def _column(key: Key, alias: str) -> str:
    return quoted(key.column.removeprefix(f"{alias}.").strip('"'))


def _leading(index: Sequence[str], fixed: set[str]) -> list[str]:
    """The first columns of an index, as far as the filter fixes them."""
    found: list[str] = []
    for column in index:
        if column not in fixed:
            break
        found.append(column)
    return found


def _has_order(index: Sequence[str], columns: Sequence[str], fixed: set[str]) -> bool:
    """Whether an index has rows in the order of these columns, once what is fixed is left out.
    A unique index has one row for each of its values, and needs no id to tell them apart."""
    left = [column for column in index if column not in fixed]
    if _ID not in index:
        return bool(left) and [*left, _ID] == [*columns][: len(left) + 1]
    return left[: len(columns)] == list(columns)
