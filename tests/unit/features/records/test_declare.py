"""Declarations: what they mean, and that each mistake is told with its line and place."""

import json

import pytest

from hookyard.core.identity.model import Role
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.ddl import statements
from hookyard.features.records.schema.declare import (
    BadDeclaration,
    check_relations,
    read_entities,
)
from hookyard.features.records.schema.model import Entity, Field, FieldType, Make, Operation, Policy
from hookyard.features.records.schema.plan import plan
from hookyard.features.records.schema.wire import from_json, to_json

WHOLE = b"""
entities:
  big-things:
    description: Things
    id: {field: thingId, make: uuid, client: true}
    fields:
      title: {type: string, max: 20, required: true, unique: true, description: A name}
      state: {type: enum, values: [a, b], default: a, read: [admin], write: [admin, mint]}
      at: {type: timestamp, default: now}
      note: text
      place: {type: vector, dimension: 3}
    relations:
      owner: {one: users, by: note}
    indexes:
      - [state, createdAt]
      - {fields: [title, at], unique: true}
    roles: {read: [], delete: [admin]}
    idempotency: required
    soft_delete: true
"""


def test_a_declaration_means_what_it_says() -> None:
    (entity,) = read_entities(WHOLE)
    assert (entity.name, entity.table) == ("big-things", "rec_big_things")
    assert (entity.id.make, entity.id.fields, entity.id.client) == (Make.UUID, ("thingId",), True)
    assert [field.name for field in entity.fields] == [
        "thingId", "title", "state", "at", "note", "place",
    ]  # fmt: skip
    assert entity.field("title") == Field(
        "title", FieldType.STRING, "title", required=True, maximum=20, unique=True,
        description="A name",
    )  # fmt: skip
    state = entity.field("state")
    assert state is not None
    assert (state.default, state.read, state.write) == ("a", (Role.ADMIN,), (Role.ADMIN, Role.MINT))
    assert entity.roles[Operation.READ] == ()
    assert entity.roles[Operation.DELETE] == (Role.ADMIN,)
    assert entity.roles[Operation.UPDATE] == (Role.OPERATOR,)
    assert (entity.idempotency, entity.soft_delete) == (Policy.REQUIRED, True)


def test_an_entity_is_the_same_after_it_was_kept() -> None:
    for entity in (*read_entities(WHOLE), *BUILT_IN):
        assert from_json(to_json(entity)) == entity


def test_built_in_entities_fit_together() -> None:
    assert check_relations({entity.name: entity for entity in BUILT_IN}) == []


FIELD = "entities:\n  x:\n    id: {{field: a}}\n    fields:\n      b: {}\n"
MISTAKES: list[tuple[str, int, str, str]] = [
    ("", 1, "", "expected keys"),
    ("entities: [1]", 1, "entities", "expected names"),
    ("entities: {}", 1, "", "1 to 200"),
    ("other: 1", 1, "", "no key 'other'"),
    ("entities: {a: &x 1, b: *x}", 1, "", "aliases"),
    ("entities:\n  Big: {}", 2, "entities.Big", "named by words"),
    ("entities:\n  rec'x: {}", 2, "entities.rec'x", "named by words"),
    ("entities:\n  x: {}", 2, "entities.x", "how records are named"),
    ("entities:\n  x:\n    id: {field: a}\n    nope: 1", 4, "entities.x", "no key 'nope'"),
    (
        "entities:\n  x:\n    id: {make: guess}",
        3,
        "entities.x.id.make",
        "one of ulid, uuid",
    ),
    ("entities:\n  x:\n    id: {fields: [a, b]}", 2, "entities.x", "'a'"),
    (FIELD.format("strin"), 5, "entities.x.fields.b", "must be one of string"),
    (FIELD.format("enum"), 5, "entities.x.fields.b", "values: [a, b]"),
    (FIELD.format("{max: 3}"), 5, "entities.x.fields.b", "say the field's type"),
    (FIELD.format("{type: int, max: 3}"), 5, "entities.x.fields.b", "no key 'max'"),
    (FIELD.format("{type: string, max: 0}"), 5, "entities.x.fields.b.max", "1 to 10000"),
    (FIELD.format("{type: int, default: x}"), 5, "entities.x.fields.b", "type int"),
    (FIELD.format("{type: enum, values: [a, a]}"), 5, "entities.x.fields.b", "different"),
    (FIELD.format("{type: enum, values: [a], default: b}"), 5, "entities.x.fields.b", "type enum"),
    (FIELD.format("{type: vector}"), 5, "entities.x.fields.b", "dimension: 1536"),
    (FIELD.format("{type: int, read: [boss]}"), 5, "entities.x.fields.b.read", "no role 'boss'"),
    (FIELD.format("{type: int, required: 1}"), 5, "entities.x.fields.b.required", "true or false"),
    (FIELD.format("int").replace("b:", "createdAt:"), 5, "entities.x.fields.createdAt", "taken"),
    (FIELD.format("int").replace("b:", "_x:"), 5, "entities.x.fields._x", "small letter first"),
    (FIELD.format("int").replace("b:", "'b\"':"), 5, 'entities.x.fields.b"', "letters, digits"),
    (FIELD.format("int").replace("b:", "a:"), 2, "entities.x", "take it out of fields"),
    (FIELD.format("int\n      bB: int\n      bb: int"), 2, "entities.x", "upper and lower case"),
    (FIELD.format("int\n    indexes: [[nope]]"), 6, "entities.x.indexes[0]", "no field 'nope'"),
    (FIELD.format("json\n    indexes: [[b]]"), 6, "entities.x.indexes[0]", "has no index"),
    (FIELD.format("id\n    relations: {c: {by: b}}"), 6, "entities.x.relations.c", "one: ENTITY"),
    (FIELD.format("id\n    relations: {b: {one: x, by: b}}"), 6, "entities.x.relations.b", "as no"),
    (FIELD.format("id\n    roles: {fly: []}"), 6, "entities.x.roles", "no key 'fly'"),
    (FIELD.format("id\n    idempotency: maybe"), 6, "entities.x.idempotency", "one of required"),
]


@pytest.mark.parametrize(("text", "line", "path", "reason"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, line: int, path: str, reason: str) -> None:
    with pytest.raises(BadDeclaration) as refused:
        read_entities(text.encode())
    (mistake,) = refused.value.mistakes
    assert (mistake.line, mistake.path) == (line, path)
    assert reason in mistake.reason


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(BadDeclaration) as refused:
        read_entities(b"entities:\n  A: {}\n  b: {}\n")
    assert len(refused.value.mistakes) == 2


def test_relations_must_lead_somewhere() -> None:
    found = read_entities(
        b"entities:\n  x:\n    id: {field: a}\n    fields: {n: int}\n    relations:\n"
        b"      y: {one: nowhere, by: n}\n      z: {one: x, by: n}\n      w: {many: x, by: q}\n"
    )
    wrong = check_relations({entity.name: entity for entity in found})
    assert len(wrong) == 3
    assert "no entity 'nowhere'" in wrong[0]
    assert "type id" in wrong[1]


def test_a_metric_is_an_index_that_can_be_exchanged() -> None:
    def notes(how: str) -> Entity:
        text = f"{{type: vector, dimension: 3{how}}}"
        (found,) = read_entities(
            f"entities:\n  notes:\n    id: {{field: n}}\n    fields: {{v: {text}}}".encode()
        )
        return found

    def steps(before: Entity, after: Entity) -> list[str]:
        return [str(step) for step in plan({"notes": before}, {"notes": after})]

    assert notes("") == notes(", metric: cosine")
    assert steps(notes(""), notes(", metric: l2")) == [
        "drop index notes on v (cosine)",
        "change notes.v: metric",
        "add index notes on v (l2)",
    ]
    kept = json.loads(to_json(notes("")))
    for field in kept["fields"]:
        del field["metric"]
    assert steps(from_json(json.dumps(kept)), notes("")) == [
        "change notes.v: metric",
        "add index notes on v (cosine)",
    ]
    added = plan({"notes": notes("")}, {"notes": notes(", metric: l2")})
    ddl = [
        [line for step in added for line in statements(step, dialect, pgvector=pgvector)]
        for dialect, pgvector in (("postgresql", True), ("postgresql", False), ("sqlite", False))
    ]
    assert [len(lines) for lines in ddl] == [2, 0, 0]
    assert ddl[0][1].endswith('ON rec_notes USING hnsw ("v" vector_l2_ops)')
    with pytest.raises(BadDeclaration):
        notes(", metric: near")


def test_all_that_is_wrong_with_an_entity_is_told_at_once_in_the_order_of_lines() -> None:
    text = (
        "entities:\n  x:\n    roles: {fly: []}\n    id: {field: a, client: 1}\n    fields:\n"
        "      b: strin\n      c: {type: int, max: 3}\n      d: int\n    nope: 1\n  Big: {}\n"
    )
    with pytest.raises(BadDeclaration) as refused:
        read_entities(text.encode())
    assert [(one.line, one.path) for one in refused.value.mistakes] == [
        (3, "entities.x.roles"), (4, "entities.x.id.client"), (6, "entities.x.fields.b"),
        (7, "entities.x.fields.c"), (9, "entities.x"), (10, "entities.Big"),
    ]  # fmt: skip
