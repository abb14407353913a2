"""The document of records held to the server: every route is in it, and nothing one may not do."""

import re
from typing import Any

import pytest

from hookyard.features.records.documents.parts import LINES_TYPE
from hookyard.features.records.shape import Shape
from tests.journeys.conftest import Caller

VERBS = ("get", "post", "put", "patch", "delete")
Operations = dict[tuple[str, str], dict[str, Any]]


async def described(client: Caller) -> tuple[Operations, dict[str, Any]]:
    """The operations of a caller's document, by method and path, and the document."""
    answer = await client.get("/v1/openapi.json")
    assert answer.status_code == 200
    found = answer.json()
    return {
        (verb.upper(), path): {**item[verb], "shared": item["parameters"]}
        for path, item in found["paths"].items()
        for verb in VERBS
        if verb in item
    }, found


def applies(path: str, shape: Shape) -> bool:
    """Whether a route is of use for an entity; it answers with a refusal where it is not."""
    if path.endswith("/_search"):
        return bool(shape.vectors)
    return shape.entity.soft_delete or not path.endswith("/_restore")


async def test_every_route_of_the_server_is_described_and_no_other(client: Caller) -> None:
    await client.call("POST", "/v1/users", {"userId": "u"})
    gateway = client.yard.records.gateway
    assert {"_consumers", "_subscriptions"} == set(gateway.desks)
    wanted = set()
    for method, path in gateway.routes():
        if "{entity}" not in path:
            wanted.add((method, path))
            continue
        wanted |= {
            (method, path.replace("{entity}", name))
            for name, shape in gateway.catalog.shapes.items()
            if applies(path, shape)
        }
    operations, _ = await described(client)
    assert len(wanted) > 80

    def plain(path: str) -> str:
        return path if "{id}" in path and "/_" not in path else re.sub(r"\{\w+\}", "*", path)

    found = {(method, plain(path)) for method, path in operations}
    assert found == {(method, plain(path)) for method, path in wanted}


def reference(document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """What a parameter refers to, or itself."""
    if "$ref" not in one:
        return one
    return dict(document["components"]["parameters"][one["$ref"].rpartition("/")[2]])


async def by_example(
    client: Caller, method: str, path: str, operation: dict[str, Any], document: dict[str, Any]
) -> tuple[int, str]:
    """The status and code of a request as the document shows one."""
    headers, params = {"authorization": f"Bearer {client.token}"}, {}
    for one in [*operation["shared"], *operation["parameters"]]:
        given = reference(document, one)
        if given["in"] == "path":
            path = path.replace("{" + given["name"] + "}", given["example"])
        elif given.get("required") and given["in"] == "query":
            params[given["name"]] = '{"id":"none"}' if given["name"] == "where" else "1"
        elif given.get("required"):
            headers[given["name"]] = f"{client.token[:8]} {method} {path}".replace(" ", "-")
    body, content = None, None
    media = operation.get("requestBody", {}).get("content", {})
    if LINES_TYPE in media:
        content = media[LINES_TYPE]["example"].encode()
        headers["content-type"] = LINES_TYPE
    elif media:
        body = media["application/json"]["example"]
        if "url" in body:
            body = {**body, "url": "https://127.0.0.1/in"}
    answer = await client.http.request(
        method, path, params=params, headers=headers, json=body, content=content
    )
    assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
    problem = answer.status_code >= 400 and answer.content
    return answer.status_code, str(answer.json()["code"]) if problem else ""


@pytest.mark.parametrize("role", ["viewer", "operator", "maintainer", "worker", "auditor"])
async def test_what_is_described_is_what_may_be_done(client: Caller, role: str) -> None:
    everything, whole = await described(client)
    caller = await client.key(role)
    own, document = await described(caller)
    assert set(own) <= set(everything)
    for (method, path), operation in everything.items():
        place = (method, path)
        mine, of = (own[place], document) if place in own else (operation, whole)
        status, code = await by_example(caller, method, path, mine, of)
        if place in own:
            assert status != 403, (place, code)
        else:
            assert (status, code) == (403, "forbidden"), place


async def test_nothing_that_is_described_is_done_without_a_credential(client: Caller) -> None:
    everything, document = await described(client)
    stranger = client.with_token("not-a-token")
    seen = [
        await by_example(stranger, method, path, operation, document)
        for (method, path), operation in everything.items()
    ]
    assert seen[0] == (401, "unauthenticated")
    assert set(seen) <= {(401, "unauthenticated"), (429, "rate_limited")}
