"""Attacks on what is kept for some roles: fields, the relations they make, operations without read,
answers kept for another role."""

from collections.abc import AsyncIterator

import pytest

from hookyard.core.identity.model import Role
from tests.contract.records.attacks import PLANTED, person
from tests.contract.records.places import Place

DECLARED = """
entities:
  people:
    id: {field: personId, make: client}
    fields:
      name: {type: string, max: 100}
    relations:
      files: {many: files, by: ownerId}
      notes: {many: notes, by: authorId}
    soft_delete: true
  files:
    id: {field: fileId, make: client}
    fields:
      title: {type: string, max: 100}
      cost: {type: float, read: [maintainer], write: [maintainer]}
      secret: {type: string, max: 100, read: [admin], write: [admin]}
      ownerId: {type: id, read: [admin]}
      state: {type: string, max: 20, write: [admin], default: new}
    relations:
      owner: {one: people, by: ownerId}
    indexes:
      - {fields: [secret], unique: true}
  notes:
    id: {field: noteId, make: client}
    fields:
      text: {type: string, max: 100}
      authorId: id
    relations:
      author: {one: people, by: authorId}
    roles: {read: [admin], create: [operator], update: [operator], delete: [operator]}
"""
FILE = {"fileId": "f", "title": "T", "cost": 1.5, "secret": PLANTED, "ownerId": "p"}


@pytest.fixture
async def place(fort: Place) -> AsyncIterator[Place]:
    await fort.apply(DECLARED)
    admin = person(fort, "acme")
    assert (await admin.ask("POST", "/v1/people", {"personId": "p", "name": "P"})).status == 201
    assert (await admin.ask("POST", "/v1/files", FILE)).status == 201
    note = {"noteId": "n", "text": PLANTED, "authorId": "p"}
    assert (await admin.ask("POST", "/v1/notes", note)).status == 201
    yield fort


async def test_a_field_kept_from_a_role_is_nowhere(place: Place) -> None:
    low = person(place, "acme", Role.OPERATOR)
    for said in (
        await low.ask("GET", "/v1/files/f"),
        await low.ask("GET", "/v1/files"),
        await low.ask("GET", "/v1/_changes"),
        await low.ask("PATCH", "/v1/files/f", {"title": "U"}),
        await low.ask("PUT", "/v1/files/f", {"title": "V"}),
        await low.transact({"op": "update", "entity": "files", "id": "f", "data": {"title": "W"}}),
    ):
        assert said.status == 200, said.text
        for name in (PLANTED, "secret", "cost", "ownerId"):
            assert name not in said.text, name
    for ask in (
        {"where": {"secret": PLANTED}},
        {"where": {"cost": {"gt": 0}}},
        {"where": {"NOT": [{"OR": [{"secret": {"startsWith": "p"}}]}]}},
        {"orderBy": {"cost": "asc"}},
        {"select": "secret"},
    ):
        said = await low.ask("GET", "/v1/files", **ask)  # type: ignore[arg-type]
        assert (said.status, said.code) == (400, "unknown_field"), ask
    admin = person(place, "acme")
    kept = (await admin.ask("GET", "/v1/files/f")).body
    assert (kept["secret"], kept["cost"]) == (PLANTED, 1.5)


async def test_a_field_kept_from_writing_is_not_written(place: Place) -> None:
    low = person(place, "acme", Role.OPERATOR)
    for method, path in (("POST", "/v1/files"), ("PUT", "/v1/files/f"), ("PATCH", "/v1/files/f")):
        base = {"fileId": "g" if method == "POST" else "f"}
        said = await low.ask(method, path, base | {"state": "done"})
        assert (said.status, said.code) == (403, "field_forbidden"), method
        said = await low.ask(method, path, base | {"secret": "x"})
        assert (said.status, said.code) == (400, "unknown_field"), method
    many = await low.ask("PATCH", "/v1/files", {"state": "x"}, where={"fileId": "f"}, max="5")
    assert many.code == "field_forbidden"
    reference = await low.transact(
        {"op": "update", "entity": "files", "id": "f", "data": {}},
        {"op": "create", "entity": "people",
         "data": {"personId": "q", "name": {"$ref": "0/secret"}}},
    )  # fmt: skip
    assert (reference.status, reference.code) == (400, "bad_reference")


async def test_a_relation_over_a_hidden_field_is_hidden_too(place: Place) -> None:
    """Else its filter tells whom the field names, and `include` shows them."""
    low = person(place, "acme", Role.OPERATOR)
    for path, ask in (
        ("/v1/files", {"where": {"owner": {"is": {"personId": "p"}}}}),
        ("/v1/files", {"where": {"owner": None}}),
        ("/v1/files", {"include": {"owner": True}}),
        ("/v1/files/f", {"include": {"owner": True}}),
        ("/v1/people", {"where": {"files": {"some": {"fileId": "f"}}}}),
        ("/v1/people", {"include": {"files": True}}),
        ("/v1/people/p", {"include": {"files": {"select": ["title"]}}}),
    ):
        said = await low.ask("GET", path, **ask)
        assert (said.status, said.code) == (400, "unknown_field"), (path, ask, said.text)
    admin = person(place, "acme")
    said = await admin.ask("GET", "/v1/people/p", include={"files": True})
    assert PLANTED in said.text


async def test_who_may_write_and_not_read_is_shown_nothing(place: Place) -> None:
    low = person(place, "acme", Role.OPERATOR)
    answers = [
        await low.ask("PATCH", "/v1/notes/n", {}),
        await low.ask("PATCH", "/v1/notes/n", {"authorId": "p"}),
        await low.transact({"op": "update", "entity": "notes", "id": "n", "data": {}}),
        await low.ask("PATCH", "/v1/notes/n", {}, dry_run="true"),
    ]
    for said in answers:
        assert said.status == 200, said.text
        assert PLANTED not in said.text
    stolen = await low.transact(
        {"op": "update", "entity": "notes", "id": "n", "data": {}},
        {"op": "create", "entity": "people",
         "data": {"personId": "q", "name": {"$ref": "0/text"}}},
    )  # fmt: skip
    assert (stolen.status, stolen.code) == (400, "bad_reference")
    for ask in ({}, {"where": {"text": PLANTED}}):
        assert (await low.ask("GET", "/v1/notes", **ask)).status == 403  # type: ignore[arg-type]
    many = await low.ask("DELETE", "/v1/notes", where={"text": PLANTED}, max="1")
    assert many.status == 403
    for ask in ({"include": {"notes": True}}, {"where": {"notes": {"some": {}}}}):
        said = await low.ask("GET", "/v1/people", **ask)  # type: ignore[arg-type]
        assert (said.status, said.code) == (400, "unknown_field")
    feed = await low.ask("GET", "/v1/_changes")
    assert "notes" not in feed.text
    made = await low.ask("POST", "/v1/notes", {"noteId": "m", "text": "mine"})
    assert (made.status, made.headers["location"]) == (201, "/v1/notes/m")


async def test_an_answer_kept_for_one_role_is_not_given_to_another(place: Place) -> None:
    """The same service may hold fewer roles in its next token."""
    body = FILE | {"fileId": "k", "secret": f"{PLANTED} 2"}
    high, low = person(place, "acme"), person(place, "acme", Role.OPERATOR)
    assert high.actor.label == low.actor.label
    first = await high.ask("POST", "/v1/files", body, key="k")
    assert first.status == 201
    again = await low.ask("POST", "/v1/files", body, key="k")
    assert again.status in (400, 403, 422), again.text
    assert PLANTED not in again.text
    change = {"title": "X"}
    assert (await high.ask("PATCH", "/v1/files/k", change, key="p")).status == 200
    again = await low.ask("PATCH", "/v1/files/k", change, key="p")
    assert (again.status, again.code) == (422, "idempotency_mismatch")
    same = await high.ask("PATCH", "/v1/files/k", change, key="p")
    assert same.headers["x-idempotent-replay"] == "true"
