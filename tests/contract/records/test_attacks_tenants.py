"""Attacks of one tenant on another, for each built-in entity out of its declaration: nothing of the
victim is read, counted, told apart from what is not there, or changed."""

import pytest

from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.model import Entity
from tests.contract.records.attacks import (
    ATTACKER,
    PLANTED,
    VICTIM,
    Said,
    a_change,
    id_of,
    kept,
    path_of,
    person,
    plant,
    sample,
    texts_of,
)
from tests.contract.records.conftest import Place

ENTITIES = {entity.name: entity for entity in BUILT_IN}
every_entity = pytest.mark.parametrize("entity", BUILT_IN, ids=lambda one: one.name)


def unlike(said: Said, marks: tuple[str, ...] = (PLANTED,)) -> None:
    """Nothing of the victim is in an answer."""
    told = said.text + repr(said.headers)
    assert not any(mark in told for mark in marks), told


@every_entity
async def test_a_foreign_record_is_as_one_that_is_not_there(fort: Place, entity: Entity) -> None:
    await plant(fort, entity)
    attacker = person(fort, ATTACKER)
    change = a_change(entity, "mine")
    for method, tail, body, more in (
        ("GET", "", None, {}),
        ("HEAD", "", None, {}),
        ("GET", "", None, {"if_none_match": "*"}),
        ("GET", "", None, {"select": "id"}),
        ("GET", "", None, {"include": {one.name: True for one in entity.relations[:2]}}),
        ("PATCH", "", change, {}),
        ("PATCH", "", change, {"dry_run": "true"}),
        ("PATCH", "", change, {"if_match": "*"}),
        ("PUT", "", sample(entity, "mine"), {"if_match": "*"}),
        ("DELETE", "", None, {}),
        ("DELETE", "", None, {"if_match": '"x"'}),
        ("POST", "/_restore", None, {}),
    ):
        answers = []
        for number in (0, 99):
            path = path_of(entity, id_of(entity, number)) + tail
            sent = body if method != "PUT" else sample(entity, "mine", number)
            said = await attacker.ask(method, path, sent, **more)  # type: ignore[arg-type]
            unlike(said)
            answers.append((said.status, said.code, said.text))
        assert answers[0] == answers[1], (method, more)
        assert answers[0][0] in (404, 409, 412), (method, more, answers[0])


@every_entity
async def test_no_list_filter_count_or_cursor_shows_foreign_records(
    fort: Place, entity: Entity
) -> None:
    await plant(fort, entity, 3)
    attacker, victim = person(fort, ATTACKER), person(fort, VICTIM)
    for where in probes(entity):
        said = await attacker.ask("GET", path_of(entity), where=where, count="true")
        assert (said.status, said.body) == (200, {"items": [], "next_cursor": None, "count": 0})
        seen = await victim.ask("GET", path_of(entity), where=where, count="true")
        assert seen.body["count"] == (1 if where == {"id": id_of(entity, 0)} else 3), where
    deleted = {"withDeleted": "true"} if entity.soft_delete else {}
    assert (await attacker.ask("GET", path_of(entity), **deleted)).items == []  # type: ignore[arg-type]
    page = await victim.ask("GET", path_of(entity), limit="1")
    stolen = await attacker.ask("GET", path_of(entity), limit="1", cursor=page.body["next_cursor"])
    assert (stolen.status, stolen.code) == (400, "bad_cursor")
    unlike(stolen)


def probes(entity: Entity) -> list[dict[str, object]]:
    """Filters that every record of the victim fits, but for the first."""
    found: list[dict[str, object]] = [
        {"id": id_of(entity, 0)},
        {},
        {"tenantId": VICTIM},
        {"tenantId": {"startsWith": "v"}},
        {"OR": [{"tenantId": VICTIM}, {"tenantId": ATTACKER}]},
        {"NOT": {"tenantId": ATTACKER}},
        {"id": {"in": [id_of(entity, n) for n in range(3)]}},
        {"OR": [{}, {"id": "x:y:z" if len(entity.id.fields) == 3 else "x"}]},
        {"revision": {"gt": ""}},
        {"createdAt": {"lte": "2100-01-01T00:00:00Z"}},
    ]
    found += [{field.name: {"contains": PLANTED}} for field in texts_of(entity)]
    found += [{one.name: {"none": {"id": {"not": None}}}} for one in entity.relations if one.many]
    return found


@every_entity
async def test_no_relation_leads_to_another_tenant(fort: Place, entity: Entity) -> None:
    """The attacker's own record names the victim's; filters and includes find nobody there."""
    attacker = person(fort, ATTACKER)
    for relation in entity.relations:
        target = ENTITIES[relation.entity]
        await plant(fort, target)
        mine = sample(entity, "mine", 0)
        if relation.many:
            # The victim's record names what has the same id as the attacker's.
            theirs = sample(target, PLANTED, 5) | {relation.by: id_of(entity, 0)}
            made = await person(fort, VICTIM).ask("POST", path_of(target), theirs)
            assert made.status == 201, made.text
        else:
            mine[relation.by] = id_of(target, 0)
        put = await attacker.ask("PUT", path_of(entity, _id(entity, mine)), mine)
        assert put.status in (200, 201), put.text
        at = path_of(entity, _id(entity, mine))
        said = await attacker.ask("GET", at, include={relation.name: True})
        unlike(said)
        assert said.body[relation.name] == ([] if relation.many else None)
        words = ("some",) if relation.many else ("is",)
        for word in words:
            found = await attacker.ask(
                "GET", path_of(entity), where={relation.name: {word: {}}}, count="true"
            )
            assert found.body["count"] == 0, (relation.name, found.text)
        word, inner = ("none", {}) if relation.many else ("is", None)
        found = await attacker.ask(
            "GET", path_of(entity), where={relation.name: {word: inner}}, count="true"
        )
        assert found.body["count"] >= 1  # type: ignore[operator]
        listed = await attacker.ask("GET", path_of(entity), include={relation.name: True})
        unlike(listed)


def _id(entity: Entity, body: dict[str, object]) -> str:
    return ":".join(str(body[name]) for name in entity.id.fields)


@every_entity
async def test_nothing_an_attacker_writes_reaches_the_victim(fort: Place, entity: Entity) -> None:
    before = await plant(fort, entity)
    attacker = person(fort, ATTACKER)
    change, there = a_change(entity, "mine"), id_of(entity, 0)
    revision = str(before[0].body["revision"])
    path = path_of(entity, there)
    for method in ("PATCH", "DELETE"):
        for given in (None, f'"{revision}"', "*"):
            said = await attacker.ask(
                method, path, change if method == "PATCH" else None, if_match=given
            )
            assert said.status in (404, 412)
    many = await attacker.ask(
        "PATCH", path_of(entity), change, where={"id": {"not": "x"}} if len(entity.id.fields) == 1
        else {"tenantId": VICTIM}, max="1000",
    )  # fmt: skip
    assert many.body == {"count": 0, "ids": []}
    many = await attacker.ask("DELETE", path_of(entity), where={"tenantId": VICTIM}, max="1000")
    assert many.body == {"count": 0, "ids": []}
    for verb, status in (("update", 404), ("delete", 404), ("restore", None)):
        data = {"data": change} if verb == "update" else {}
        said = await attacker.transact({"op": verb, "entity": entity.name, "id": there, **data})
        assert said.status == (status or (404 if entity.soft_delete else 409)), said.text
        unlike(said)
    assert [one.text for one in await kept(fort, entity)] == [one.text for one in before]
    # An id that is taken elsewhere is free here: made, and without a trace of the other.
    for verb in ("upsert", "replace", "create"):
        data = {"op": verb, "entity": entity.name, "data": sample(entity, "mine")}
        if verb != "create":
            data["id"] = there
        said = await attacker.transact(data)
        assert said.status == 200, said.text
        unlike(said)
        gone = await attacker.ask("DELETE", path)
        assert gone.status == 204
        if entity.soft_delete:
            break
    assert [one.text for one in await kept(fort, entity)] == [one.text for one in before]


@every_entity
async def test_references_in_a_transaction_stay_inside(fort: Place, entity: Entity) -> None:
    before = await plant(fort, entity)
    attacker = person(fort, ATTACKER)
    said = await attacker.transact(
        {"op": "create", "entity": entity.name, "data": sample(entity, "mine", 50)},
        {"op": "update", "entity": entity.name, "id": id_of(entity, 0),
         "data": {"id": {"$ref": "0/id"}}},
    )  # fmt: skip
    assert said.status == 404, said.text
    assert (await attacker.ask("GET", path_of(entity, id_of(entity, 50)))).status == 404
    for reference in ("1/id", "99/id", "0/tenantId/x", "-1/id", "0/_tenant", "0/__class__"):
        said = await attacker.transact(
            {"op": "create", "entity": entity.name, "data": sample(entity, "mine", 50)},
            {"op": "delete", "entity": entity.name, "id": {"$ref": reference}},
        )
        assert (said.status, said.code) == (400, "bad_reference"), reference
    assert [one.text for one in await kept(fort, entity)] == [one.text for one in before]


@every_entity
async def test_ids_keys_and_places_in_the_feed_tell_nothing(fort: Place, entity: Entity) -> None:
    victim, attacker = person(fort, VICTIM), person(fort, ATTACKER)
    body = sample(entity, PLANTED)
    first = await victim.ask("POST", path_of(entity), body, key="the-key")
    assert first.status == 201
    for n in range(3):
        assert (await victim.ask("PATCH", path_of(entity, id_of(entity, 0)),
                                 a_change(entity, f"{PLANTED} {n}"))).status == 200  # fmt: skip
    mine = sample(entity, "mine")
    made = await attacker.ask("POST", path_of(entity), mine, key="the-key")
    assert (made.status, made.headers.get("x-idempotent-replay")) == (201, None)
    unlike(made)
    feed = await attacker.ask("GET", "/v1/_changes")
    unlike(feed)
    assert [(one["seq"], one["aggregateid"]) for one in feed.items] == [(1, id_of(entity, 0))]
    assert feed.body["head"] == 1
    for after in ("0", "1", "4", "999"):
        unlike(await attacker.ask("GET", "/v1/_changes", after=after))


UNIQUE = """
entities:
  slugs:
    id: {field: slugId, make: client}
    fields:
      slug: {type: string, unique: true}
      n: int
    indexes:
      - {fields: [n], unique: true}
    soft_delete: true
"""


async def test_a_unique_value_of_another_tenant_is_free(fort: Place) -> None:
    await fort.apply(UNIQUE)
    victim, attacker = person(fort, VICTIM), person(fort, ATTACKER)
    body = {"slugId": "a", "slug": PLANTED, "n": 1}
    assert (await victim.ask("POST", "/v1/slugs", body)).status == 201
    assert (await attacker.ask("POST", "/v1/slugs", body)).status == 201
    twice = await attacker.ask("POST", "/v1/slugs", body | {"slugId": "b"})
    assert (twice.status, twice.code) == (409, "not_unique")
    other = {"slugId": "c", "slug": "x", "n": 2}
    assert (await attacker.ask("POST", "/v1/slugs", other)).status == 201
    moved = await attacker.ask("PATCH", "/v1/slugs/c", {"slug": PLANTED})
    assert moved.status == 409
    assert (await victim.ask("PATCH", "/v1/slugs/a", {"slug": "x", "n": 2})).status == 200


async def test_the_name_of_a_tenant_cannot_break_out(fort: Place) -> None:
    """Names of tenants come from tokens; one that is none reaches no statement."""
    await plant(fort, ENTITIES["users"])
    for name in ("x'; SET LOCAL ROLE NONE; --", "victim' OR '1'='1", "%", "Victim", "", "_ictim"):
        try:
            said = await person(fort, name).ask("GET", "/v1/users", count="true")
        except ValueError:
            continue
        assert said.body["count"] == 0, name
