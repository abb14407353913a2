"""Attacks from inside a tenant: operations and fields that are another role's, values that are the
server's, ids that name another record than they seem to, filters that are no filters."""

import json
from collections.abc import Awaitable, Iterator
from urllib.parse import quote

import pytest

from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope, ScopeKind
from hookyard.features.records.ids import joined
from hookyard.features.records.schema.model import Entity, Operation
from tests.contract.records.attacks import (
    ENTITIES,
    SERVER_MADE,
    Person,
    Said,
    a_change,
    id_of,
    path_of,
    sample,
    texts_of,
    unlike,
)
from tests.contract.records.sieges import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda one: one.name)
ABOVE = {
    Role.VIEWER: {Role.VIEWER, Role.OPERATOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR},
    Role.OPERATOR: {Role.OPERATOR, Role.MAINTAINER, Role.ADMIN},
    Role.MAINTAINER: {Role.MAINTAINER, Role.ADMIN},
    Role.ADMIN: {Role.ADMIN},
}


@every_entity
async def test_each_role_does_what_it_may_and_nothing_else(siege: Siege, entity: Entity) -> None:
    admin, here, name = siege.attacker, path_of(entity, id_of(entity, 0)), entity.name
    assert (await admin.ask("POST", path_of(entity), sample(entity, "x"))).status == 201
    change = a_change(entity, "y")
    reads, creates, updates, deletes, restores = (
        {above for role in entity.roles[operation] for above in ABOVE[role]}
        for operation in (Operation.READ, Operation.CREATE, Operation.UPDATE, Operation.DELETE,
                          Operation.RESTORE)
    )  # fmt: skip

    def one(verb: str) -> dict[str, object]:
        step = {"op": verb, "entity": name, "id": id_of(entity, 0), "data": change}
        return {"operations": [step]}

    none = quote(f'{{"id":"{":".join("q" for _ in entity.id.fields)}"}}')
    calls = (
        (reads, "GET", here, None),
        (reads, "GET", path_of(entity), None),
        (reads, "POST", f"/v1/{name}/_search", {}),
        (creates, "POST", path_of(entity), sample(entity, "x", 7)),
        (updates, "PATCH", here, change),
        (updates & creates, "PUT", here, sample(entity, "z")),
        (updates & reads, "PATCH", f"{path_of(entity)}?max=1&where={none}", change),
        (deletes & reads, "DELETE", f"{path_of(entity)}?max=1&where={none}", None),
        (updates, "POST", "/v1/_transact", one("update")),
        (updates & creates, "POST", "/v1/_transact", one("upsert")),
        (deletes, "DELETE", here, None),
        (restores, "POST", f"{here}/_restore", None),
    )  # fmt: skip
    for allowed, method, path, body in calls:
        for role in Role:
            said = await siege.somebody(role).ask(method, path, body)
            if role not in allowed:
                assert (said.status, said.code) == (403, "forbidden"), (role, method, path)
            else:
                assert said.code != "forbidden", (role, method, path, said.text)
        if method == "DELETE" and path == here:
            restored = await admin.ask("POST", f"{here}/_restore")
            if restored.status != 200:
                await admin.ask("PUT", here, sample(entity, "x"))
            await admin.ask("DELETE", here)
    for role in Role:
        for allowed, query in ((creates, ""), (updates & creates, "mode=upsert")):
            said = await siege.somebody(role).load(entity, [], query)
            assert (said.code == "forbidden") == (role not in allowed), (role, query)
        assert ((await siege.somebody(role).dump(entity)).status == 403) == (role not in reads)


@every_entity
async def test_grants_that_are_not_over_the_tenant_give_nothing(
    siege: Siege, entity: Entity
) -> None:
    mine = siege.attacker.tenant
    scopes = (
        Scope(tenant=siege.victim.tenant),
        Scope(ScopeKind.ORG, "acme", mine),
        Scope.of_repository("acme/shop", mine),
        Scope.of_campaign("c", mine),
    )
    await siege.plant(entity)
    for scope in scopes:
        actor = Actor(ActorKind.SERVICE, "jwt/x", mine, (Grant(Role.ADMIN, scope),), "x")
        who = Person(siege.place, actor)
        assert (await who.ask("GET", path_of(entity))).status == 403
        assert (await who.ask("POST", path_of(entity), sample(entity, "x"))).status == 403
        assert (await who.ask("GET", "/v1/_changes")).status == 403
        assert (await who.ask("GET", "/v1/_consumers")).status == 403
        assert (await who.search(entity, {})).status == 403
        assert (await who.load(entity, [sample(entity, "x")])).status == 403
        assert (await who.dump(entity)).status == 403


@every_entity
async def test_what_the_server_makes_cannot_be_sent(siege: Siege, entity: Entity) -> None:
    admin, here = siege.attacker, path_of(entity, id_of(entity, 0))
    made = await admin.ask("POST", path_of(entity), sample(entity, "x"))
    before = (await admin.ask("GET", here)).text
    forged: list[tuple[str, object]] = [(name, "forged") for name in SERVER_MADE]
    forged += [(column, "forged") for column in ("_tenant", "_id", "_rev", "_deleted", "__proto__")]
    forged += [(relation.name, {"create": {}}) for relation in entity.relations]
    for name, value in forged:
        for method, path, body in (
            ("POST", path_of(entity), sample(entity, "x", 8)),
            ("PUT", here, sample(entity, "x")),
            ("PATCH", here, {}),
        ):
            said = await admin.ask(method, path, body | {name: value})
            assert said.status in (400, 403), (method, name, said.text)
            pointer = json.loads(said.text)["pointer"]
            assert pointer == f"/{name}"
        for op in ("create", "update", "replace", "upsert"):
            data = sample(entity, "x", 8) | {name: value}
            step = {"op": op, "entity": entity.name, "data": data}
            step |= {} if op == "create" else {"id": id_of(entity, 0)}
            said = await admin.transact(step)
            assert said.status in (400, 403), (op, name, said.text)
            assert json.loads(said.text)["pointer"].startswith("/operations/0/data/")
    for name in entity.id.fields:
        said = await admin.ask("PATCH", here, {name: "another"})
        assert (said.status, said.code) == (400, "immutable"), said.text
    assert (await admin.ask("GET", here)).text == before
    assert made.body["tenantId"] == admin.tenant
    assert (await admin.ask("GET", path_of(entity), count="true")).body["count"] == 1


def ways_to_write(
    who: Person, entity: Entity, data: dict[str, object]
) -> Iterator[Awaitable[Said]]:
    """Every way to send these values of a record that is there (or is to be, number 8)."""
    here, fresh = id_of(entity, 0), sample(entity, "mine", 8)
    fresh = {name: fresh[name] for name in fresh if name in OPEN or name in entity.id.fields}
    there = {name: f"{name}-0" for name in entity.id.fields}
    yield who.ask("POST", path_of(entity), fresh | data)
    yield who.ask("PUT", path_of(entity, here), data)
    yield who.ask("PATCH", path_of(entity, here), data)
    yield who.ask("PATCH", path_of(entity), data, where={"id": here}, max="5")
    for op in ("create", "update", "replace", "upsert"):
        step = {"op": op, "entity": entity.name, "data": (fresh if op == "create" else {}) | data}
        yield who.transact(step if op == "create" else step | {"id": here})
    yield who.load(entity, [fresh | data])
    yield who.load(entity, [there | data], "mode=upsert")
    yield who.load(entity, [there | data], "mode=upsert&dry_run=true")


OPEN = ("label", "mood")
KEPT = {"hidden": Role.MAINTAINER, "inside": Role.MAINTAINER, "weight": Role.OPERATOR}


@pytest.mark.parametrize("name", KEPT)
async def test_a_field_of_another_role_is_set_by_no_way(siege: Siege, name: str) -> None:
    odd = ENTITIES["odd-ones"]
    whole = sample(odd, "mine")
    assert (await siege.attacker.ask("POST", path_of(odd), whole)).status == 201
    before = await siege.rows_of(siege.attacker.tenant)
    for role in {Role.OPERATOR, KEPT[name]}:
        for way in ways_to_write(siege.somebody(role), odd, {name: whole[name]}):
            said = await way
            report = json.loads(said.text)
            if "problems" in report:
                assert (report["created"], report["updated"], report["failed"]) == (0, 0, 1)
                report = report["problems"][0]
            else:
                assert said.status in (400, 403), said.text
            assert report["pointer"].endswith(f"/{name}")
            unlike(said, str(whole[name]))
    assert await siege.rows_of(siege.attacker.tenant) == before


@pytest.mark.parametrize("name", KEPT)
async def test_a_field_of_another_role_is_read_by_no_way(siege: Siege, name: str) -> None:
    odd, parts = ENTITIES["odd-ones"], ENTITIES["odd-parts"]
    whole = sample(odd, "mine") | {"hidden": "hush-hush", "weight": 0.8125, "inside": [0.875] * 3}
    assert (await siege.attacker.ask("POST", path_of(odd), whole)).status == 201
    part = {"partId": "p", "oddId": id_of(odd, 0)}
    assert (await siege.attacker.ask("POST", path_of(parts), part)).status == 201
    low = siege.somebody(KEPT[name])
    marks = (f'"{name}"', {"hidden": "hush-hush", "weight": "0.8125", "inside": "0.875"}[name])
    one, through = path_of(odd, id_of(odd, 0)), path_of(parts, "p")
    for said in (
        await low.ask("GET", one),
        await low.ask("GET", path_of(odd), count="true"),
        await low.ask("GET", through, include={"odd": True}),
        await low.ask("PATCH", one, {"label": "x"}),
        await low.transact({"op": "update", "entity": odd.name, "id": id_of(odd), "data": {}}),
        await low.search(odd, {"vector": [0.25] * 4, "field": "spot"}),
        await low.dump(odd),
        await low.ask("GET", "/v1/_changes"),
        await low.ask("GET", "/v1/openapi.json"),
    ):
        assert said.status == 200, said.text
        unlike(said, *marks)
    inner: tuple[dict[str, object], ...] = (
        {"select": [name]}, {"select": {name: True}}, {"orderBy": {name: "asc"}},
        {"where": {name: {"not": None}}}, {"where": {"OR": [{}, {"NOT": {name: None}}]}},
    )  # fmt: skip
    asks: list[Awaitable[Said]] = [low.ask("GET", path_of(odd), **ask) for ask in inner[1:]]
    asks += [
        low.ask("GET", through, include={"odd": inner[0]}),
        low.ask("GET", "/v1/odd-parts", where={"odd": {"is": {name: {"not": None}}}}),
        low.ask("PATCH", path_of(odd), {"label": "x"}, where={name: {"not": None}}, max="5"),
        low.dump(odd, where={name: {"not": None}}),
        low.dump(odd, select=name),
        low.search(odd, {"vector": [0.25] * 4, "field": "spot", "where": {name: {"not": None}}}),
        low.search(odd, {"vector": [0.25] * 4, "field": "spot", "select": [name]}),
        low.search(odd, {"vector": [0.25] * 3, "field": name}),
    ]
    for ask in asks:
        said = await ask
        assert (said.status, said.code) == (400, "unknown_field"), said.text
    stolen = await low.transact(
        {"op": "update", "entity": odd.name, "id": id_of(odd), "data": {}},
        {"op": "create", "entity": "users", "data": {"displayName": {"$ref": f"0/{name}"}}},
    )
    assert (stolen.status, stolen.code) == (400, "bad_reference")


async def test_a_refusal_names_no_field_that_is_kept(siege: Siege) -> None:
    odd = ENTITIES["odd-ones"]
    assert (await siege.attacker.ask("POST", path_of(odd), sample(odd, "mine"))).status == 201
    low = siege.somebody(Role.OPERATOR)
    body = {"realm": "r", "serial": "s", "label": "l", "code": sample(odd, "mine")["code"]}
    for said in (
        await low.ask("POST", path_of(odd), body),
        await low.transact({"op": "create", "entity": odd.name, "data": body}),
        await low.ask("POST", path_of(odd), {"realm": "r", "serial": "s", "label": "l", "nope": 1}),
        await low.ask("GET", path_of(odd), where={"nope": 1}),
        await low.search(odd, {"vector": [1, 2, 3], "field": "nope"}),
        await low.search(odd, {"vector": [1, 2, 3]}),
    ):
        assert said.status in (400, 409), said.text
        unlike(said, "hidden", "inside", "weight")
    load = await low.load(odd, [body])
    assert load.body["failed"] == 1
    unlike(load, "hidden", "inside", "weight")


HOSTILE = ("%", "%25", "a%3Ab", "a:b", "a/b", "..", "a b", "é", "'; DROP TABLE rec_users; --",
           "\\", '"', "_restore", "*", "a%2Fb", "$1", "{}", "%%", "+")  # fmt: skip


@every_entity
async def test_hostile_ids_name_one_record_each(siege: Siege, entity: Entity) -> None:
    admin = siege.attacker
    ids: dict[str, str] = {}
    for hostile in HOSTILE:
        parts = tuple(hostile for _ in entity.id.fields)
        body = sample(entity, "of", len(ids)) | dict(zip(entity.id.fields, parts, strict=True))
        said = await admin.ask("POST", path_of(entity), body)
        assert said.status == 201, (hostile, said.text)
        record_id = str(said.body["id"])
        assert record_id == (hostile if len(parts) == 1 else joined(parts))
        assert record_id not in ids
        ids[record_id] = said.headers["location"]
    for record_id, location in ids.items():
        said = await admin.ask("GET", location)
        assert (said.status, said.body["id"]) == (200, record_id), location
        found = await admin.ask("GET", path_of(entity), where={"id": record_id}, count="true")
        assert found.body["count"] == 1, record_id
    first, *others = ids
    assert (await admin.ask("DELETE", ids[first])).status == 204
    for record_id in others:
        assert (await admin.ask("GET", ids[record_id])).body["id"] == record_id


INJECTED = (
    "' OR '1'='1",
    "'); DROP TABLE rec_users; --",
    "$1",
    "%",
    "_",
    "\\",
    "a\u2028b",
    "::text",
)


@every_entity
async def test_what_is_asked_for_is_bound_and_never_run(siege: Siege, entity: Entity) -> None:
    admin = siege.attacker
    assert (await admin.ask("POST", path_of(entity), sample(entity, "x"))).status == 201
    names = [field.name for field in texts_of(entity)] + ["id", *entity.id.fields]
    for name in dict.fromkeys(names):
        for text in INJECTED:
            operators = ("equals", "in", "contains", "startsWith", "lt", "notIn", "not")
            for operator in operators:
                value: object = [text] if operator in ("in", "notIn") else text
                if name == "id" and (len(entity.id.fields) > 1 or not text.isprintable()):
                    continue  # such an id there is not, which is said
                said = await admin.ask("GET", path_of(entity), where={name: {operator: value}})
                assert said.status == 200, (name, operator, text, said.text)
                expected = 1 if operator in ("not", "notIn") else 0
                if operator != "lt":
                    assert len(said.items) == expected, (name, operator, text)
    for where in (
        {"$where": "1"}, {"title; DROP": 1}, {"_tenant": "x"}, {"a._tenant": "x"},
        {"id": {"$ne": 1}}, {"id": {"raw": "1=1"}}, {"AND": {"OR": "1=1"}}, {"1=1": True},
        {'"': 1}, {"constructor": {}},
    ):  # fmt: skip
        said = await admin.ask("GET", path_of(entity), where=where)
        assert said.status == 400, where
    for order in ({"_rev": "asc"}, {"id": "asc; DROP"}, {"id": {"sort": "asc", "nulls": "x"}}):
        assert (await admin.ask("GET", path_of(entity), orderBy=order)).status == 400
    for select in ("_tenant", "*", "id,_rev", "count(*)"):
        assert (await admin.ask("GET", path_of(entity), select=select)).status == 400
    assert (await admin.ask("GET", path_of(entity), count="true")).body["count"] == 1
