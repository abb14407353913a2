"""Reads declarations of entities out of YAML: each error says where it is and how to mend it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from hookyard.core.identity.model import Role
from hookyard.core.repositories.yamltree import Unreadable, read_yaml
from hookyard.features.records.schema.cursor import Cursor, Wrong
from hookyard.features.records.schema.fields import read_field
from hookyard.features.records.schema.model import (
    DEFAULT_ROLES,
    SYSTEM,
    TABLE_PREFIX,
    Entity,
    Field,
    FieldType,
    IdRule,
    Index,
    Make,
    Operation,
    Policy,
    Relation,
)

MAX_ENTITIES = 200
MAX_FIELDS = 120
MAX_INDEXES = 20
MAX_ID_FIELDS = 6
ENTITY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
MAX_ENTITY = 40
_KEYS = frozenset(
    {"description", "id", "fields", "relations", "indexes", "roles", "idempotency", "soft_delete"}
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file: its line, the path of keys to it, and how to mend it."""

    line: int
    path: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path or 'file'}: {self.reason}"


class BadDeclaration(Exception):
    """The file declares nothing that can be used; `mistakes` is what is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(map(str, mistakes)))


def read_entities(raw: bytes) -> tuple[Entity, ...]:
    """The entities of a file, in its order; BadDeclaration with every mistake in it."""
    try:
        tree = read_yaml(raw)
    except Unreadable as error:
        raise BadDeclaration([Mistake(error.line, "", error.reason)]) from None
    mistakes: list[Mistake] = []
    found: list[Entity] = []
    try:
        root = Cursor("", tree)
        root.only(frozenset({"entities"}))
        listed = root.items("entities")
        if not 0 < len(listed) <= MAX_ENTITIES:
            raise root.wrong(f"name 1 to {MAX_ENTITIES} entities under `entities`")
    except Wrong as error:
        raise BadDeclaration([Mistake(error.line, error.path, error.reason)]) from None
    for name, at in listed:
        made = _entity(name, at, mistakes)
        if made is not None:
            found.append(made)
    if mistakes:
        raise BadDeclaration(sorted(mistakes, key=lambda mistake: mistake.line))
    return tuple(found)


def check_relations(entities: Mapping[str, Entity]) -> list[str]:
    """What is wrong with relations between entities, once all of them are known."""
    found: list[str] = []
    for entity in entities.values():
        for relation in entity.relations:
            where = f"entities.{entity.name}.relations.{relation.name}"
            target = entities.get(relation.entity)
            if target is None:
                found.append(f"{where}: there is no entity {relation.entity!r}")
                continue
            holder = target if relation.many else entity
            field = holder.field(relation.by)
            if field is None or field.type not in (FieldType.ID, FieldType.STRING):
                found.append(
                    f"{where}: `by` must name a field of type id of {holder.name}, "
                    f"and {relation.by!r} is none"
                )
    return found


def _entity(name: str, at: Cursor, mistakes: list[Mistake]) -> Entity | None:
    """An entity, or None and what is wrong with it; parts that do not need each other are read
    all of them, so that as much as possible is told at once."""

    def read(part: Callable[[], T]) -> T | None:
        try:
            return part()
        except Wrong as error:
            mistakes.append(Mistake(error.line, error.path, error.reason))
            return None

    before = len(mistakes)
    read(lambda: _named(name, at))
    if len(mistakes) > before:
        return None
    read(lambda: at.only(_KEYS))
    rule = read(lambda: _id_rule(at))
    listed = read(lambda: at.items("fields")) or []
    plain = [read(partial(read_field, name, child)) for name, child in listed]
    roles = read(lambda: _roles(at))
    policy = read(lambda: at.one_of("idempotency", [p.value for p in Policy], "optional"))
    soft_delete = read(lambda: at.flag("soft_delete"))
    description = read(lambda: at.text("description"))
    if rule is None or roles is None or policy is None or len(mistakes) > before:
        return None
    fields = read(lambda: _fields(at, rule, [field for field in plain if field is not None]))
    if fields is None:
        return None
    relations = read(lambda: _relations(at, fields))
    indexes = read(lambda: _indexes(at, fields))
    if relations is None or indexes is None:
        return None
    return Entity(
        name=name,
        table=TABLE_PREFIX + name.replace("-", "_"),
        id=rule,
        fields=fields,
        relations=relations,
        indexes=indexes,
        roles=roles,
        idempotency=Policy(policy),
        soft_delete=bool(soft_delete),
        description=description or "",
    )


def _named(name: str, at: Cursor) -> None:
    if ENTITY.fullmatch(name) is None or len(name) > MAX_ENTITY:
        raise at.wrong(f"an entity is named by words of a-z and 0-9 with dashes, {MAX_ENTITY} long")
    if not isinstance(at.node.value, dict):
        at.only(_KEYS)


def _id_rule(at: Cursor) -> IdRule:
    given = at.child("id")
    if given is None:
        raise at.wrong("say how records are named: `id: {field: itemId, make: ulid}`")
    given.only(frozenset({"field", "fields", "make", "client"}))
    names = given.texts("fields")
    if names:
        if given.has("field") or given.has("make") or given.has("client"):
            raise given.wrong("`fields` alone makes a composite id; leave out field, make, client")
        if not 1 < len(names) <= MAX_ID_FIELDS or len(set(names)) != len(names):
            raise given.wrong(f"a composite id has 2 to {MAX_ID_FIELDS} different fields")
        return IdRule(Make.COMPOSITE, names)
    makes = [m.value for m in Make if m is not Make.COMPOSITE]
    make = Make(given.one_of("make", makes, "ulid"))
    client = make is Make.CLIENT or given.flag("client")
    return IdRule(make, (given.text("field", "id"),), client)


def _fields(at: Cursor, rule: IdRule, found: Sequence[Field]) -> tuple[Field, ...]:
    by_name = {field.name: field for field in found}
    if len({name.lower() for name in by_name}) != len(found):
        raise at.wrong("two fields differ by upper and lower case only; columns cannot")
    if len(found) > MAX_FIELDS:
        raise at.wrong(f"more than {MAX_FIELDS} fields")
    if rule.make is Make.COMPOSITE:
        for name in rule.fields:
            field = by_name.get(name)
            if field is None or field.type not in (FieldType.ID, FieldType.STRING):
                raise at.wrong(f"the id is made of {name!r}: declare it as a field of type id")
            if not field.required:
                raise at.wrong(f"{name!r} is a part of the id: make it `required: true`")
        return tuple(found)
    name = rule.fields[0]
    if name in by_name:
        raise at.wrong(f"{name!r} is the id, and declared by `id` already: take it out of fields")
    if name in SYSTEM and name != "id":
        raise at.wrong(f"{name!r} is a field every record has; name the id otherwise")
    return (Field(name, FieldType.ID, SYSTEM["id"], maximum=200), *found)


def _relations(at: Cursor, fields: tuple[Field, ...]) -> tuple[Relation, ...]:
    found: list[Relation] = []
    taken = {field.name for field in fields} | set(SYSTEM)
    for name, child in at.items("relations"):
        child.only(frozenset({"one", "many", "by"}))
        if name in taken or re.fullmatch(r"[a-z][A-Za-z0-9_]{0,47}", name) is None:
            raise child.wrong("a relation is named like a field, and as no field is")
        one, many = child.text("one"), child.text("many")
        if bool(one) == bool(many):
            raise child.wrong("say `one: ENTITY` or `many: ENTITY`, not both")
        by = child.text("by")
        if not by:
            raise child.wrong("say `by: FIELD`: here for one, in the other entity for many")
        found.append(Relation(name, one or many, by, bool(many)))
    return tuple(found)


def _indexes(at: Cursor, fields: tuple[Field, ...]) -> tuple[Index, ...]:
    known = {f.name: f for f in fields}
    found: list[Index] = []
    for child in at.elements("indexes"):
        if isinstance(child.node.value, list):
            names, unique = child.listed(), False
        else:
            child.only(frozenset({"fields", "unique"}))
            names, unique = child.texts("fields"), child.flag("unique")
        if not 0 < len(names) <= MAX_ID_FIELDS:
            raise child.wrong(f"an index has 1 to {MAX_ID_FIELDS} fields")
        for name in names:
            field = known.get(name)
            if name not in SYSTEM and field is None:
                raise child.wrong(f"there is no field {name!r} to index")
            if field is not None and field.type in (FieldType.JSON, FieldType.VECTOR):
                raise child.wrong(f"{name!r} is of type {field.type.value}, which has no index")
        found.append(Index(tuple(names), unique))
    if len(found) > MAX_INDEXES:
        raise at.wrong(f"more than {MAX_INDEXES} indexes")
    return tuple(dict.fromkeys(found))


def _roles(at: Cursor) -> Mapping[Operation, tuple[Role, ...]]:
    given = at.child("roles")
    if given is None:
        return DEFAULT_ROLES
    given.only(frozenset(operation.value for operation in Operation))
    found = dict(DEFAULT_ROLES)
    for operation in Operation:
        if given.has(operation.value):
            found[operation] = given.roles(operation.value)
    return MappingProxyType(found)
