"""`where` in Prisma's grammar → a condition in SQL. Pure; values are bound, never written.

{"status": "open", "title": {"contains": "bug", "mode": "insensitive"},
 "OR": [{"userId": {"in": ["a", "b"]}}, {"messages": {"some": {"role": "tool"}}}]}
"""

from collections.abc import Mapping

from hookyard.features.records.query.builder import MAX_RELATIONS, TENANT, Builder
from hookyard.features.records.query.conditions import column_condition
from hookyard.features.records.schema.ddl import quoted
from hookyard.features.records.schema.model import Relation
from hookyard.features.records.shape import Shape
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json

TRUE, FALSE = "1 = 1", "1 = 0"
_ONE = ("is", "isNot")
_MANY = ("some", "every", "none")


def condition(
    builder: Builder, shape: Shape, alias: str, where: Json, pointer: str, depth: int = 0
) -> str:
    """The condition for rows of `alias`; Invalid names the place of what cannot be asked."""
    if not isinstance(where, Mapping):
        raise wrong(pointer, "wrong_type", "must be an object of conditions")
    return _all(builder, shape, alias, where, pointer, depth, relations=0)


def _all(
    builder: Builder,
    shape: Shape,
    alias: str,
    where: Mapping[str, Json],
    pointer: str,
    depth: int,
    relations: int,
) -> str:
    parts: list[str] = []
    readable = shape.access(builder.roles).readable
    ways = {relation.name: relation for relation in shape.entity.relations}
    for name, value in where.items():
        place = under(pointer, name)
        builder.spend(place, depth)
        if name in ("AND", "OR", "NOT"):
            parts.append(_logic(builder, shape, alias, name, value, place, depth, relations))
        elif name in readable:
            parts.append(column_condition(builder, shape, alias, name, value, place, depth))
        elif name in ways:
            parts.append(
                _relation(builder, shape, alias, ways[name], value, place, depth, relations)
            )
        else:
            raise no_field(shape, name, place)
    return " AND ".join(f"({part})" for part in parts) or TRUE


def no_field(shape: Shape, name: str, pointer: str) -> Invalid:
    """The refusal of a name that is none, or none for this caller."""
    return wrong(pointer, "unknown_field", f"{shape.entity.name} has no field {shown(name)}")


def _logic(
    builder: Builder,
    shape: Shape,
    alias: str,
    word: str,
    value: Json,
    pointer: str,
    depth: int,
    relations: int,
) -> str:
    listed = [value] if isinstance(value, Mapping) and word != "OR" else value
    if not isinstance(listed, list):
        raise wrong(pointer, "wrong_type", f"{word} takes a list of conditions")
    parts = []
    for number, one in enumerate(listed):
        place = under(pointer, number) if listed is value else pointer
        if not isinstance(one, Mapping):
            raise wrong(place, "wrong_type", "must be an object of conditions")
        builder.spend(place, depth + 1)
        parts.append("(" + _all(builder, shape, alias, one, place, depth + 1, relations) + ")")
    if word == "OR":
        return " OR ".join(parts) or FALSE
    joined = " AND ".join(parts)
    if word == "NOT":
        return " AND ".join(f"NOT {part}" for part in parts) or TRUE
    return joined or TRUE


def _relation(
    builder: Builder,
    shape: Shape,
    alias: str,
    relation: Relation,
    value: Json,
    pointer: str,
    depth: int,
    relations: int,
) -> str:
    target = builder.target(shape, relation)
    if target is None:
        raise no_field(shape, relation.name, pointer)
    if relations >= MAX_RELATIONS:
        raise wrong(pointer, "too_deep", f"conditions cross {MAX_RELATIONS} relations at most")
    parts: list[str] = []
    for word, inner in _quantified(relation, value, pointer).items():
        place = under(pointer, word)
        other = builder.alias()
        link = _link(shape, alias, relation, target, other)
        if inner is None:
            parts.append(_exists(target, other, link, TRUE, there=word == "isNot"))
            continue
        if not isinstance(inner, Mapping):
            raise wrong(place, "wrong_type", "must be an object of conditions")
        builder.spend(place, depth + 1)
        cond = _all(builder, target, other, inner, place, depth + 1, relations + 1)
        if word == "every":
            cond = f"({cond}) IS NOT TRUE"
        parts.append(_exists(target, other, link, cond, there=word in ("is", "some")))
    return " AND ".join(parts) or TRUE


def _quantified(relation: Relation, value: Json, pointer: str) -> Mapping[str, Json]:
    """A relation's condition with its words spelled out; `null` is for one record only."""
    words = _MANY if relation.many else _ONE
    if value is None and not relation.many:
        return {"is": None}
    if not isinstance(value, Mapping):
        raise wrong(pointer, "wrong_type", f"must be an object with {', '.join(words)}")
    if not relation.many and not set(value) & set(_ONE):
        return {"is": value}
    for word, inner in value.items():
        place = under(pointer, word)
        if word not in words:
            raise wrong(place, "unknown_operator", f"there is {', '.join(words)} here")
        if inner is None and relation.many:
            raise wrong(place, "wrong_type", "must be an object of conditions")
    return value


def _link(shape: Shape, alias: str, relation: Relation, target: Shape, other: str) -> str:
    if relation.many:
        return f"{other}.{target.column(relation.by)} = {alias}._id"
    return f"{other}._id = {alias}.{quoted(shape.fields[relation.by].column)}"


def _exists(target: Shape, other: str, link: str, cond: str, *, there: bool) -> str:
    alive = f" AND {other}._deleted IS NULL" if target.entity.soft_delete else ""
    word = "EXISTS" if there else "NOT EXISTS"
    return (
        f"{word} (SELECT 1 FROM {target.entity.table} AS {other}"  # noqa: S608
        f" WHERE {other}._tenant = {TENANT} AND {link}{alive} AND ({cond}))"
    )
