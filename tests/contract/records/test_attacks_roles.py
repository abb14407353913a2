"""Attacks from inside a tenant: operations and fields that are another role's, values that are the
server's, ids that name another record than they seem to, filters that are no filters."""

import json
from urllib.parse import quote

import pytest

from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope, ScopeKind
from hookyard.features.records.ids import joined
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.model import Entity
from tests.contract.records.attacks import (
    SERVER_MADE,
    Person,
    a_change,
    id_of,
    path_of,
    person,
    sample,
    texts_of,
)
from tests.contract.records.conftest import Place

every_entity = pytest.mark.parametrize("entity", BUILT_IN, ids=lambda one: one.name)
READERS = {Role.VIEWER, Role.OPERATOR, Role.MAINTAINER, Role.ADMIN, Role.AUDITOR}
WRITERS = {Role.OPERATOR, Role.MAINTAINER, Role.ADMIN}
RESTORERS = {Role.MAINTAINER, Role.ADMIN}


@every_entity
async def test_each_role_does_what_it_may_and_nothing_else(fort: Place, entity: Entity) -> None:
    admin, here = person(fort, "acme"), path_of(entity, id_of(entity, 0))
    assert (await admin.ask("POST", path_of(entity), sample(entity, "x"))).status == 201
    change, name = a_change(entity, "y"), entity.name

    def one(verb: str) -> dict[str, object]:
        step = {"op": verb, "entity": name, "id": id_of(entity, 0), "data": change}
        return {"operations": [step]}

    calls = (
        (READERS, "GET", here, None),
        (READERS, "GET", path_of(entity), None),
        (WRITERS, "POST", path_of(entity), sample(entity, "x", 7)),
        (WRITERS, "PATCH", here, change),
        (WRITERS, "PUT", here, sample(entity, "z")),
        (WRITERS, "PATCH", f"{path_of(entity)}?max=1&where=" + quote('{"id":"q:q:q"}'), change),
        (WRITERS, "POST", "/v1/_transact", one("update")),
        (WRITERS, "POST", "/v1/_transact", one("upsert")),
        (WRITERS, "DELETE", here, None),
        (RESTORERS, "POST", f"{here}/_restore", None),
    )  # fmt: skip
    for allowed, method, path, body in calls:
        for role in Role:
            said = await person(fort, "acme", role).ask(method, f"{path}", body)
            if role not in allowed:
                assert (said.status, said.code) == (403, "forbidden"), (role, method, path)
            else:
                assert said.status != 403, (role, method, path, said.text)
        if method == "DELETE":
            restored = await admin.ask("POST", f"{here}/_restore")
            if restored.status != 200:
                await admin.ask("PUT", here, sample(entity, "x"))
            await admin.ask("DELETE", here)


@every_entity
async def test_grants_that_are_not_over_the_tenant_give_nothing(
    fort: Place, entity: Entity
) -> None:
    scopes = (
        Scope(tenant="other"),
        Scope(ScopeKind.ORG, "acme", "acme"),
        Scope.of_repository("acme/shop", "acme"),
        Scope.of_campaign("c", "acme"),
    )
    for scope in scopes:
        actor = Actor(ActorKind.SERVICE, "jwt/x", "acme", (Grant(Role.ADMIN, scope),), "x")
        who = Person(fort, actor)
        assert (await who.ask("GET", path_of(entity))).status == 403
        assert (await who.ask("POST", path_of(entity), sample(entity, "x"))).status == 403
        assert (await who.ask("GET", "/v1/_changes")).status == 403


@every_entity
async def test_what_the_server_makes_cannot_be_sent(fort: Place, entity: Entity) -> None:
    admin, here = person(fort, "acme"), path_of(entity, id_of(entity, 0))
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
    assert made.body["tenantId"] == "acme"
    assert (await admin.ask("GET", path_of(entity), count="true")).body["count"] == 1


HOSTILE = ("%", "%25", "a%3Ab", "a:b", "a/b", "..", "a b", "é", "'; DROP TABLE rec_users; --",
           "\\", '"', "_restore", "*", "a%2Fb", "$1", "{}", "%%", "+")  # fmt: skip


@every_entity
async def test_hostile_ids_name_one_record_each(fort: Place, entity: Entity) -> None:
    admin = person(fort, "acme")
    ids: dict[str, str] = {}
    for hostile in HOSTILE:
        parts = tuple(hostile for _ in entity.id.fields)
        body = sample(entity, f"of {len(ids)}") | dict(zip(entity.id.fields, parts, strict=True))
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
async def test_what_is_asked_for_is_bound_and_never_run(fort: Place, entity: Entity) -> None:
    admin = person(fort, "acme")
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
