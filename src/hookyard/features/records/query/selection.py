"""`select` and `include`: which names of a record, and which related records with it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hookyard.features.records.query.builder import Builder, Lookup, target_of
from hookyard.features.records.query.order import Key, order_of
from hookyard.features.records.query.where import condition, no_field
from hookyard.features.records.schema.model import Relation
from hookyard.features.records.shape import Shape, View
from hookyard.features.records.trouble import under, wrong
from hookyard.kit.json import Json

MAX_INCLUDES = 8
MAX_INCLUDE_DEPTH = 3
MAX_TAKE = 100
DEFAULT_TAKE = 20
_KNOWN = frozenset({"take", "where", "orderBy", "select", "include"})


@dataclass(frozen=True, slots=True)
class Include:
    """Related records that come along: `take` for each record at most, filtered and ordered."""

    relation: Relation
    target: Shape
    view: View
    take: int
    where: Json
    order: tuple[Key, ...]
    includes: "tuple[Include, ...]"


def selected(shape: Shape, value: Json, roles: int, pointer: str = "/select") -> View:
    """The view of the names asked for; all that is shown by itself where none are."""
    access = shape.access(roles)
    if value is None:
        return access.view
    if isinstance(value, Mapping):
        if not all(isinstance(wanted, bool) for wanted in value.values()):
            raise wrong(pointer, "wrong_type", "each name is true or false")
        names = [name for name, wanted in value.items() if wanted]
    elif isinstance(value, list) and all(isinstance(name, str) for name in value):
        names = list(value)
    else:
        raise wrong(pointer, "wrong_type", 'must be as {"title": true} or ["title"]')
    if not names:
        raise wrong(pointer, "wrong_type", "select at least one name")
    for name in names:
        if name not in access.readable:
            raise no_field(shape, name, under(pointer, name))
    wanted_names = set(names)
    return shape.view(tuple(name for name in shape.names if name in wanted_names))


def included(
    shape: Shape, value: Json, lookup: Lookup, roles: int, pointer: str = "/include", depth: int = 1
) -> tuple[Include, ...]:
    """The relations asked for; Invalid for one there is not, or when it is too much."""
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise wrong(pointer, "wrong_type", 'must be as {"messages": true}')
    if depth > MAX_INCLUDE_DEPTH:
        raise wrong(pointer, "too_deep", f"includes nest {MAX_INCLUDE_DEPTH} deep at most")
    ways = {relation.name: relation for relation in shape.entity.relations}
    found: list[Include] = []
    for name, how in value.items():
        place = under(pointer, name)
        relation = ways.get(name)
        target = None if relation is None else target_of(shape, relation, lookup, roles)
        if relation is None or target is None:
            raise no_field(shape, name, place)
        if how is False:
            continue
        found.append(_include(relation, target, how, lookup, roles, place, depth))
    if count(found) > MAX_INCLUDES:
        raise wrong(pointer, "too_many_includes", f"{MAX_INCLUDES} includes in all at most")
    return tuple(found)


def count(includes: "list[Include] | tuple[Include, ...]") -> int:
    """How many includes there are, those inside of them too."""
    return sum(1 + count(one.includes) for one in includes)


def _include(
    relation: Relation,
    target: Shape,
    how: Json,
    lookup: Lookup,
    roles: int,
    pointer: str,
    depth: int,
) -> Include:
    said: Mapping[str, Json] = {}
    if isinstance(how, Mapping):
        said = how
        for word in said:
            if word not in _KNOWN or (not relation.many and word in ("take", "where", "orderBy")):
                raise wrong(under(pointer, word), "unknown_operator", "not known in this include")
    elif how is not True:
        raise wrong(pointer, "wrong_type", "must be true, false or an object")
    take = said.get("take", DEFAULT_TAKE)
    if type(take) is not int or not 1 <= take <= MAX_TAKE:
        raise wrong(under(pointer, "take"), "out_of_range", f"take is 1 to {MAX_TAKE}")
    where = said.get("where")
    if where is not None:
        condition(builder_for(target, lookup, roles), target, "a", where, under(pointer, "where"))
    readable = target.access(roles).readable
    order = order_of(target, said.get("orderBy"), readable, "a", under(pointer, "orderBy"))
    return Include(
        relation,
        target,
        selected(target, said.get("select"), roles, under(pointer, "select")),
        take,
        where,
        order,
        included(target, said.get("include"), lookup, roles, under(pointer, "include"), depth + 1),
    )


def builder_for(shape: Shape, lookup: Lookup, roles: int) -> Builder:
    """A fresh builder for a statement about this entity."""
    return Builder(shape.dialect, lookup, roles)
