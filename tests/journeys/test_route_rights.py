"""Rights on every route there is, generated from the API's own document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx2
import pytest

from hookyard.core.identity import store
from hookyard.core.identity.authenticate import ADMIN as ADMIN_ACTOR
from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.model import Action, Actor, Decision, NewKey, Role, Scope
from hookyard.core.identity.rules import TABLE
from hookyard.core.publishing.model import CommentEffect
from hookyard.features.testruns.model import RunFacts
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text
from tests.journeys.conftest import Caller

UNSAFE = ("post", "put", "patch", "delete")
# Unsafe by their method alone: why each changes nothing that is not the caller's own.
HARMLESS: Mapping[tuple[str, str], str] = {
    ("post", "/api/admin/explain"): "a question with a body: nothing is stored",
    ("post", "/tokens/explain"): "the same",
    ("post", "/tokens/simulate"): "the same",
}
# Routes that answer everybody who may read something somewhere alike, whatever they name.
ALIKE: Mapping[tuple[str, str], str] = {
    ("get", "/api/repos/{owner}/{repo}/install"): "a link to GitHub, made of what was typed",
}
NOWHERE = "01k0000000000000000000000z"
RUN = RunFacts(
    "octo/garden", 7_345_210_987, 1, "Tests", "t.yml", "push", "success", "a" * 40, "main",
    "octo/garden", "",
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    action: str
    schema: JsonObject
    query: Mapping[str, JsonObject]


def operations(client: Caller) -> list[Operation]:
    """Every operation that asks for a right."""
    found = []
    for path, item in client.front.openapi["paths"].items():
        for method, operation in item.items():
            action = operation.get("x-hookyard-action")
            if action is None:
                continue
            body = operation.get("requestBody", {}).get("content", {})
            schema = body.get("application/json", {}).get("schema", {})
            query = {
                given["name"]: given["schema"]
                for given in operation.get("parameters", ())
                if given["in"] == "query" and given.get("required")
            }
            found.append(Operation(method, path, action, schema, query))
    return found


def fitting(document: JsonObject, schema: JsonObject, name: str = "") -> Json:
    """The least value that fits a schema, as far as our own bodies need."""
    ref = as_text(schema.get("$ref"))
    if ref:
        found: Json = document
        for part in ref.removeprefix("#/").split("/"):
            found = as_object(found)[part]
        return fitting(document, as_object(found), name)
    if name in SAMPLES:
        return SAMPLES[name]
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return fitting(document, as_object(as_list(schema[choice])[0]), name)
    if schema.get("enum"):
        return as_list(schema["enum"])[0]
    return plain(document, schema, name)


def plain(document: JsonObject, schema: JsonObject, name: str) -> Json:
    """The least value of a schema that says its type."""
    match schema.get("type"):
        case "object":
            properties = as_object(schema.get("properties"))
            required = [as_text(key) for key in as_list(schema.get("required"))]
            return {key: fitting(document, as_object(properties[key]), key) for key in required}
        case "array":
            least = schema.get("minItems", 0)
            return [fitting(document, as_object(schema["items"]), name)] * int(str(least))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return "x" * int(str(schema.get("minLength", 1)))


SAMPLES: dict[str, Json] = {
    "subject": "user:u",
    "kinds": ["agent.task"],
    "kind": "agent.task",
    "filter": {},
    "name": "A_KEY",
    "repository": "octo/garden",
    "provider": "openai",
    "value": "sk-0123456789",
    "projects": [NOWHERE],
    "amount": 1,
}


async def inhabited(client: Caller) -> dict[str, str]:
    """A yard with one of everything, of octo/garden; ids by the names of path parameters."""
    yard, now_ms = client.yard, client.yard.clock.now_ms()
    delivery = await client.deliver("octo/garden")
    wanted = {"kind": "agent.task", "repository": "octo/garden"}
    job = (await client.call("POST", "/api/jobs", wanted)).json()["job_id"]
    pause = (
        await client.call("POST", "/api/pauses", {"repository": "octo/garden", "reason": "x"})
    ).json()["id"]
    effect = await yard.database.write(
        lambda unit: yard.publisher.request(unit, CommentEffect("octo/garden", 1, "c", "b"))
    )
    scope = {"scope": "repo:octo/garden", "role": "viewer"}
    grant = (
        await client.call("POST", "/api/admin/grants", {"subject": "user:u1", **scope})
    ).json()["id"]
    new = NewKey("k", Role.VIEWER, Scope.of_repository("octo/garden"))
    key = await yard.database.write(lambda u: yard.keys.create(u, new, ADMIN_ACTOR, now_ms))
    project = (await client.call("POST", "/api/admin/projects", {"name": "Shop"})).json()["id"]
    path = f"/api/admin/projects/{project}/bindings"
    binding = (await client.call("POST", path, {"repository": "octo/garden"})).json()["id"]
    brought = {"name": "A_KEY", "provider": "openai", "value": "sk-0123456789"}
    secret = await client.call(
        "POST", "/api/admin/provider-keys", {**brought, "projects": [project]}
    )
    await yard.database.write(
        lambda unit: yard.test_runs.finish(unit, RUN, now_ms, None, news=True)
    )
    return {
        "project_id": project,
        "binding_id": binding,
        "provider_key_id": secret.json()["id"],
        "delivery_id": delivery,
        "job_id": job,
        "pause_id": pause,
        "effect_id": str(effect),
        "grant_id": grant,
        "key_id": key.key.id,
        "owner": "octo",
        "repo": "garden",
        "number": "1",
        "criterion": "T1",
        "name": "report.txt",
        "user_id": NOWHERE,
        "installation_id": "1",
        "account": "octo",
        "mint_id": NOWHERE,
        "session_id": NOWHERE,
        "notification_id": NOWHERE,
        "run_id": str(RUN.run_id),
        "case_key": "0" * 32,
    }


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A path with its parameters; KeyError names one this test has no example of."""
    parts = path.split("/")
    return "/".join(ids[p[1:-1].partition(":")[0]] if p.startswith("{") else p for p in parts)


async def sent(client: Caller, operation: Operation, ids: Mapping[str, str]) -> httpx2.Response:
    """The operation with the least body that fits it."""
    document = client.front.openapi
    body = fitting(document, operation.schema) if operation.schema else None
    query = {name: str(fitting(document, schema)) for name, schema in operation.query.items()}
    return await client.call(operation.method.upper(), filled(operation.path, ids), body, **query)


async def foreigner(client: Caller, scope: Scope, role: Role = Role.ADMIN) -> Caller:
    """A key with every right, over another scope."""
    yard = client.yard
    maker = replace(ADMIN_ACTOR, tenant=scope.tenant, grants=())
    maker = replace(maker, authorizer=Anything())
    made = await yard.database.write(
        lambda unit: yard.keys.create(unit, NewKey("f", role, scope), maker, yard.clock.now_ms())
    )
    return client.with_token(made.token)


class Anything:
    """An authorizer that lets its actor do anything."""

    async def prepare(self, actor: Actor) -> Actor:
        return actor

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        return Decision(allowed=True, reason="a test")

    def somewhere(self, actor: Actor, action: str) -> Decision:
        return Decision(allowed=True, reason="a test")

    def scopes(self, actor: Actor, action: str) -> tuple[Scope, ...]:
        return (Scope(tenant=actor.tenant),)


class Closed(Anything):
    """An authorizer that lets nobody do anything."""

    async def prepare(self, actor: Actor) -> Actor:
        return replace(actor, authorizer=self)

    def somewhere(self, actor: Actor, action: str) -> Decision:
        return Decision(allowed=False, reason="closed for today")

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        return self.somewhere(actor, action)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
async def test_who_may_only_read_can_call_no_unsafe_route(client: Caller, role: Role) -> None:
    """Attack: what a page hides, call it anyway."""
    ids = await inhabited(client)
    reader = await client.key(role.value)
    called = 0
    for operation in operations(client):
        place = (operation.method, operation.path)
        if operation.method not in UNSAFE or operation.action == Action.SELF_WRITE:
            continue
        if place in HARMLESS and operation.action in TABLE[role]:
            continue
        answer = await sent(reader, operation, ids)
        assert answer.status_code == 403, place
        called += 1
    assert called > 15
    assert {action for action in TABLE[role] if action.endswith(".write")} == {Action.SELF_WRITE}
    assert set(HARMLESS) <= {(o.method, o.path) for o in operations(client)}


async def test_without_a_credential_every_route_refuses(client: Caller) -> None:
    ids = await inhabited(client)
    # why: there are more routes than a stranger may call at once.
    client.front.limits.strangers.rate = CallRate(0.0, 1)
    for token in ("", "hky_" + "a" * 60):
        for operation in operations(client):
            answer = await sent(client.with_token(token), operation, ids)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "scope",
    [
        Scope.of_repository("octo/cellar"),
        Scope.of_org("acme"),
        Scope.of_campaign(NOWHERE),
        Scope.of_project(NOWHERE),
        Scope(tenant="other"),
        Scope.of_repository("octo/garden", "other"),
    ],
    ids=str,
)
async def test_what_is_foreign_looks_as_if_it_were_not_there(client: Caller, scope: Scope) -> None:
    """Attack: name the id of somebody else's thing, on every route that takes one."""
    ids = await inhabited(client)
    missing = {**ids, **dict.fromkeys((k for k in ids if k.endswith("_id")), NOWHERE)}
    missing["installation_id"] = "2"
    missing["run_id"] = "8"
    stranger = await foreigner(client, scope)
    before = json.dumps(await everything(client))
    called = 0
    for operation in operations(client):
        if "{" not in operation.path or operation.action in (Action.SELF_WRITE, Action.SELF_READ):
            continue
        if (operation.method, operation.path) in ALIKE:
            continue
        answer = await sent(stranger, operation, ids)
        place = (operation.method, operation.path, answer.text)
        assert answer.status_code in (403, 404), place
        if "_id}" in operation.path:
            nothing = await sent(stranger, operation, missing)
            seen = (answer.status_code, answer.json()["code"], answer.json()["detail"])
            unseen = (nothing.status_code, nothing.json()["code"], nothing.json()["detail"])
            assert seen == unseen, place
        called += 1
    assert called > 15
    assert json.dumps(await everything(client)) == before


async def everything(client: Caller) -> list[object]:
    """What there is, as the admin sees it."""
    paths = ("deliveries", "jobs", "pauses", "effects")
    admin = ("admin/grants", "admin/projects", "admin/provider-keys")
    return [await client.page(f"/api/{path}") for path in (*paths, *admin)]


async def test_every_list_shows_a_foreigner_nothing(client: Caller) -> None:
    ids = await inhabited(client)
    for scope in (Scope(tenant="other"), Scope.of_repository("octo/cellar")):
        stranger = await foreigner(client, scope)
        for operation in operations(client):
            if operation.method != "get" or "{" in operation.path:
                continue
            answer = await stranger.call("GET", operation.path)
            names = [name for name in ids if name.endswith("_id") and ids[name] != NOWHERE]
            for name in set(names) - {"installation_id"}:
                assert ids[name] not in answer.text, (operation.path, name)


async def test_every_route_asks_the_authorizer_in_use(client: Caller) -> None:
    ids = await inhabited(client)
    client.front.guard._authorizer = Closed()
    for operation in operations(client):
        answer = await sent(client, operation, ids)
        assert (answer.status_code, answer.json()["detail"]) == (403, "closed for today")


async def test_a_key_of_the_store_is_of_its_tenant(client: Caller) -> None:
    await foreigner(client, Scope(tenant="other"))
    kept = await client.yard.database.read(lambda unit: store.page(unit, "other", None, 5))
    assert [key.scope.tenant for key in kept] == ["other"]
    assert await client.page("/api/admin/keys") == []
