"""Attacks of one tenant on another, for each entity out of its declaration: nothing of the victim
is read, counted, told apart from what is not there, or changed."""

import json
from collections.abc import Iterator

import pytest

from hookyard.features.records.ids import joined
from hookyard.features.records.schema.model import Entity, FieldType
from tests.contract.records.attacks import (
    ENTITIES,
    PLANTED,
    Person,
    Said,
    a_change,
    id_of,
    path_of,
    person,
    sample,
    texts_of,
    unlike,
)
from tests.contract.records.sieges import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda one: one.name)


@every_entity
async def test_a_foreign_record_is_as_one_that_is_not_there(siege: Siege, entity: Entity) -> None:
    planted = await siege.plant(entity)
    change, revision = a_change(entity, "mine"), f'"{planted[0].body["revision"]}"'
    for method, tail, body, more in (
        ("GET", "", None, {}),
        ("HEAD", "", None, {}),
        ("GET", "", None, {"if_none_match": "*"}),
        ("GET", "", None, {"if_none_match": revision}),
        ("GET", "", None, {"select": "id"}),
        ("GET", "", None, {"include": {one.name: True for one in entity.relations[:2]}}),
        ("PATCH", "", change, {}),
        ("PATCH", "", change, {"dry_run": "true"}),
        ("PATCH", "", change, {"if_match": "*"}),
        ("PATCH", "", change, {"if_match": revision}),
        ("PATCH", "", change, {"key": "a-key"}),
        ("PUT", "", sample(entity, "mine"), {"if_match": "*"}),
        ("PUT", "", sample(entity, "mine"), {"if_match": revision}),
        ("DELETE", "", None, {}),
        ("DELETE", "", None, {"if_match": '"x"'}),
        ("DELETE", "", None, {"if_match": revision}),
        ("POST", "/_restore", None, {}),
        ("POST", "/_restore", None, {"if_match": revision}),
    ):
        answers = []
        for number in (0, 99):
            path = path_of(entity, id_of(entity, number)) + tail
            sent = body if method != "PUT" else sample(entity, "mine", number)
            said = await siege.attacker.ask(method, path, sent, **more)  # type: ignore[arg-type]
            unlike(said)
            answers.append((said.status, said.code, said.text))
        assert answers[0] == answers[1], (method, more)
        assert answers[0][0] in (404, 409, 412), (method, more, answers[0])


def reads_of(entity: Entity, victim: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every way to ask for records: filters, orders, counts, names."""
    here = path_of(entity)
    yield here, {"count": "true"}
    yield here, {"limit": "1", "count": "true"}
    for where in probes(entity, victim):
        yield here, {"where": where, "count": "true"}
    for name in (*(f.name for f in entity.fields), "createdAt", "updatedAt", "revision", "id"):
        for way in ("asc", "desc"):
            yield here, {"orderBy": {name: way}, "limit": "1"}
    for relation in entity.relations:
        yield here, {"include": {relation.name: True}}
        for word in ("some", "every", "none") if relation.many else ("is", "isNot"):
            yield here, {"where": {relation.name: {word: {}}}, "count": "true"}
    if entity.soft_delete:
        yield here, {"withDeleted": "true", "count": "true"}
    for number in (0, 1, 50):
        yield path_of(entity, id_of(entity, number)), {}
    yield "/v1/_changes", {}
    yield "/v1/_changes", {"after": "1", "entities": entity.name}
    yield "/v1/_consumers", {}
    yield "/v1/openapi.json", {}


def probes(entity: Entity, victim: str) -> list[dict[str, object]]:
    """Filters that every record of the victim fits, but for the first."""
    found: list[dict[str, object]] = [
        {"id": id_of(entity, 0)},
        {},
        {"tenantId": victim},
        {"tenantId": {"startsWith": "v"}},
        {"tenantId": {"contains": "-"}},
        {"OR": [{"tenantId": victim}, {"tenantId": "nobody"}]},
        {"NOT": {"tenantId": "nobody"}},
        {"id": {"in": [id_of(entity, n) for n in range(3)]}},
        {"OR": [{}, {"id": joined(tuple("x" for _ in entity.id.fields))}]},
        {"revision": {"gt": ""}},
        {"createdAt": {"lte": "2100-01-01T00:00:00Z"}},
    ]
    found += [{field.name: {"contains": PLANTED}} for field in texts_of(entity)]
    found += [{one.name: {"none": {"id": {"not": None}}}} for one in entity.relations if one.many]
    found += [
        {field.name: {"path": ["note"], "equals": PLANTED}}
        for field in entity.fields
        if field.type is FieldType.JSON
    ]
    return found


@every_entity
async def test_whatever_is_asked_the_answer_is_the_same_without_the_victim(
    siege: Siege, entity: Entity
) -> None:
    """One record of the attacker's own; then the victim comes, with the same ids and values."""
    attacker, asked = siege.attacker, list(reads_of(entity, siege.victim.tenant))
    made = await attacker.ask("POST", path_of(entity), sample(entity, "mine", 50))
    assert made.status == 201, made.text

    async def answers() -> list[tuple[object, int, str]]:
        found = [(ask, await attacker.ask("GET", ask[0], **ask[1])) for ask in asked]  # type: ignore[arg-type]
        found.append(("export", await attacker.dump(entity)))
        return [(ask, said.status, said.text) for ask, said in found]

    before = await answers()
    assert sum(status == 200 for _, status, _ in before) > len(before) / 2
    await siege.plant(entity, 3)
    for was, now in zip(before, await answers(), strict=True):
        assert was == now


@every_entity
async def test_whatever_is_written_the_answer_is_the_same_without_the_victim(
    siege: Siege, entity: Entity
) -> None:
    """A tenant that was there before the victim, and the attacker after it, do the same."""
    first = person(siege.place, siege.attacker.tenant + "-0")
    before = await writes(first, entity)
    await siege.plant(entity, 3)
    assert await writes(siege.attacker, entity) == before
    siege.others = await siege.strangers()


async def writes(who: Person, entity: Entity) -> list[tuple[int, str, str]]:
    """What becomes of writes with the ids and values of the victim's records; the marks that
    differ by chance taken out."""
    name, here, there = entity.name, path_of(entity), path_of(entity, id_of(entity, 0))
    body, found = sample(entity, "mine"), []

    def also(said: Said) -> None:
        if said.status == 200 and "id" in said.body:
            plain = {**said.body, "revision": "", "tenantId": ""}
            found.append((said.status, said.code, json.dumps(plain)))
        else:
            plain_text = "" if said.status in (200, 201) else said.text
            found.append((said.status, said.code, plain_text))

    for verb in ("update", "delete", "restore"):
        more = {"data": a_change(entity, "mine")} if verb == "update" else {}
        also(await who.transact({"op": verb, "entity": name, "id": id_of(entity, 0), **more}))
    also(await who.ask("POST", here, body, dry_run="true"))
    also(await who.ask("PUT", there, body, if_none_match="*"))
    also(await who.ask("PUT", there, body, if_none_match="*"))
    also(await who.ask("POST", here, body))
    also(await who.ask("POST", here, sample(entity, "mine", 1), key="the-key"))
    also(await who.ask("PATCH", there, a_change(entity, "other")))
    twin = sample(entity, "mine", 1) | {n: f"{n}-new" for n in entity.id.fields}
    also(await who.ask("POST", here, twin))
    also(await who.transact({"op": "upsert", "entity": name, "id": id_of(entity, 2),
                             "data": sample(entity, "mine", 2)}))  # fmt: skip
    also(await who.load(entity, [sample(entity, "mine", n) for n in range(4)]))
    also(await who.ask("DELETE", here, where={"revision": {"gt": ""}}, max="2"))
    also(await who.ask("DELETE", there))
    also(await who.ask("GET", there))
    also(await who.ask("POST", here, body))
    also(await who.ask("POST", f"{there}/_restore"))
    return found


@every_entity
async def test_a_cursor_of_another_tenant_leads_nowhere(siege: Siege, entity: Entity) -> None:
    await siege.plant(entity, 3)
    for more in ({}, {"orderBy": {"createdAt": "desc"}}, {"where": {"revision": {"gt": ""}}}):
        page = await siege.victim.ask("GET", path_of(entity), limit="1", **more)  # type: ignore[arg-type]
        cursor = page.body["next_cursor"]
        stolen = await siege.attacker.ask("GET", path_of(entity), limit="1", cursor=cursor, **more)
        assert (stolen.status, stolen.code, stolen.pointer) == (400, "bad_cursor", "/cursor")
        unlike(stolen)


@every_entity
async def test_no_relation_leads_to_another_tenant(siege: Siege, entity: Entity) -> None:
    """The attacker's own record names the victim's; filters and includes find nobody there."""
    attacker = siege.attacker
    for relation in entity.relations:
        target = ENTITIES[relation.entity]
        mine = sample(entity, "mine", 0)
        if relation.many:
            # The victim's record names what has the same id as the attacker's.
            theirs = sample(target, PLANTED, 5) | {relation.by: id_of(entity, 0)}
            made = await siege.victim.ask("POST", path_of(target), theirs)
            assert made.status in (201, 409), made.text
        else:
            mine[relation.by] = id_of(target, 0)
        await siege.plant(target)
        at = path_of(entity, ":".join(str(mine[name]) for name in entity.id.fields))
        put = await attacker.ask("PUT", at, mine)
        assert put.status in (200, 201), put.text
        said = await attacker.ask("GET", at, include={relation.name: True})
        unlike(said)
        assert said.body[relation.name] == ([] if relation.many else None)
        for word, inner, found in (
            ("some", {}, 0), ("none", {}, 1), ("is", {}, 0), ("is", None, 1), ("isNot", None, 0),
        ):  # fmt: skip
            if relation.many == (word in ("some", "none")):
                where = {relation.name: {word: inner}}
                there = await attacker.ask("GET", path_of(entity), where=where, count="true")
                assert bool(there.body["count"]) is bool(found), (relation.name, word, there.text)
        unlike(await attacker.ask("GET", path_of(entity), include={relation.name: True}))


@every_entity
async def test_nothing_an_attacker_writes_reaches_the_victim(siege: Siege, entity: Entity) -> None:
    before = await siege.plant(entity)
    attacker, there = siege.attacker, id_of(entity, 0)
    change, path = a_change(entity, "mine"), path_of(entity, there)
    revision = str(before[0].body["revision"])
    for method in ("PATCH", "DELETE"):
        for given in (None, f'"{revision}"', "*"):
            body = change if method == "PATCH" else None
            said = await attacker.ask(method, path, body, if_match=given)
            assert said.status in (404, 412)
    for where in ({"tenantId": siege.victim.tenant}, {"revision": revision}, {"NOT": {"id": None}}):
        for method in ("PATCH", "DELETE"):
            body = change if method == "PATCH" else None
            many = await attacker.ask(method, path_of(entity), body, where=where, max="1000")
            assert many.body == {"count": 0, "ids": []}
    for given in (None, revision, "*"):
        for verb, status in (("update", 404), ("delete", 404), ("restore", None)):
            step = {"op": verb, "entity": entity.name, "id": there}
            step |= {"data": change} if verb == "update" else {}
            step |= {} if given is None else {"ifMatch": given}
            said = await attacker.transact(step)
            wanted = status or (404 if entity.soft_delete else 409)
            wanted = 412 if given and wanted == 404 and verb != "restore" else wanted
            assert said.status == wanted, (step, said.text)
            unlike(said)
    # An id that is taken elsewhere is free here: made, and without a trace of the other.
    for verb in ("upsert", "replace", "create"):
        step = {"op": verb, "entity": entity.name, "data": sample(entity, "mine")}
        said = await attacker.transact(step | ({} if verb == "create" else {"id": there}))
        assert said.status == 200, said.text
        unlike(said)
        assert (await attacker.ask("DELETE", path)).status == 204
        if entity.soft_delete:
            break


@every_entity
async def test_what_the_victim_deleted_stays_deleted_and_its_id_is_free(
    siege: Siege, entity: Entity
) -> None:
    await siege.plant(entity)
    path = path_of(entity, id_of(entity, 0))
    assert (await siege.victim.ask("DELETE", path)).status == 204
    await siege.guard()
    for more in ({}, {"if_match": "*"}):
        said = await siege.attacker.ask("POST", f"{path}/_restore", **more)  # type: ignore[arg-type]
        assert said.status == (404 if entity.soft_delete else 409)
    if entity.soft_delete:
        shown = await siege.attacker.ask("GET", path_of(entity), withDeleted="true", count="true")
        assert (shown.items, shown.body["count"]) == ([], 0)
    made = await siege.attacker.ask("POST", path_of(entity), sample(entity, "mine"))
    assert made.status == 201, made.text
    unlike(made)


@every_entity
async def test_references_in_a_transaction_stay_inside(siege: Siege, entity: Entity) -> None:
    await siege.plant(entity)
    attacker = siege.attacker
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
    for name in (siege.victim.tenant, {"$ref": "0/tenantId"}):
        said = await attacker.transact(
            {"op": "create", "entity": entity.name, "data": sample(entity, "mine", 50)},
            {"op": "create", "entity": entity.name,
             "data": sample(entity, "mine", 51) | {"tenantId": name}},
        )  # fmt: skip
        wanted = (403, "tenant_mismatch") if isinstance(name, str) else (200, "")
        assert (said.status, said.code) == wanted, said.text
    shown = await attacker.ask("GET", path_of(entity, id_of(entity, 51)))
    assert shown.body["tenantId"] == attacker.tenant


@every_entity
async def test_ids_keys_and_places_in_the_feed_tell_nothing(siege: Siege, entity: Entity) -> None:
    victim, attacker = siege.victim, siege.attacker
    first = await victim.ask("POST", path_of(entity), sample(entity, PLANTED), key="the-key")
    assert first.status == 201
    for n in range(3):
        change = a_change(entity, f"{PLANTED} {n}")
        assert (await victim.ask("PATCH", path_of(entity, id_of(entity, 0)), change)).status == 200
    await siege.guard()
    made = await attacker.ask("POST", path_of(entity), sample(entity, PLANTED[::-1]), key="the-key")
    assert (made.status, made.headers.get("x-idempotent-replay")) == (201, None)
    unlike(made)
    feed = await attacker.ask("GET", "/v1/_changes")
    unlike(feed)
    assert [(one["seq"], one["aggregateid"]) for one in feed.items] == [(1, id_of(entity, 0))]
    assert feed.body["head"] == 1


async def test_a_unique_value_of_another_tenant_is_free(siege: Siege) -> None:
    odd, parts = ENTITIES["odd-ones"], ENTITIES["odd-parts"]
    for entity, change, code in ((odd, {"code": "taken"}, "taken"), (parts, {"size": 90}, 90)):
        field = next(iter(change))
        theirs = sample(entity, PLANTED) | change
        assert (await siege.victim.ask("POST", path_of(entity), theirs)).status == 201
        await siege.guard()
        mine = sample(entity, "mine") | {field: code}
        assert (await siege.attacker.ask("POST", path_of(entity), mine)).status == 201
        twice = sample(entity, "mine", 1) | {field: code}
        refused = await siege.attacker.ask("POST", path_of(entity), twice)
        assert (refused.status, refused.code) == (409, "not_unique")
        assert (await siege.attacker.ask("DELETE", path_of(entity, id_of(entity)))).status == 204
        assert (await siege.attacker.ask("POST", path_of(entity), twice)).status == 201


async def test_the_name_of_a_tenant_cannot_break_out(siege: Siege) -> None:
    """Names of tenants come from tokens; one that is none reaches no statement."""
    users, victim = ENTITIES["users"], siege.victim.tenant
    await siege.plant(users)
    for name in (
        "x'; SET LOCAL ROLE NONE; --", f"{victim}' OR '1'='1", "%", victim.upper(), "",
        "_" + victim[1:], f"{victim} ", f"{victim}\x00",
    ):  # fmt: skip
        try:
            said = await person(siege.place, name).ask("GET", "/v1/users", count="true")
        except ValueError:
            continue
        assert said.body["count"] == 0, name
