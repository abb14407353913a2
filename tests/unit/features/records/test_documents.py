"""The document of the data API: valid, true of each role, with examples that fit their schemas."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hookyard.core.identity.model import Role
from hookyard.features.records.documents.parts import ITEM, LINES_TYPE
from hookyard.features.records.documents.service import document
from hookyard.features.records.rules import bits
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.shape import Shape

SECRETIVE = b"""
entities:
  files:
    id: {field: fileId, make: uuid}
    fields:
      title: {type: string, required: true}
      cost: {type: float, read: [maintainer], write: [maintainer]}
      state: {type: enum, values: [new, done], default: new, write: [admin]}
      ownerId: {type: id, read: [admin]}
      place: {type: vector, dimension: 3}
    relations:
      owner: {one: users, by: ownerId}
    idempotency: required
  logs:
    id: {field: logId, make: client}
    fields: {text: text}
    roles: {read: [auditor], create: [worker]}
    idempotency: none
"""
ENTITIES = (*BUILT_IN, *read_entities(SECRETIVE))
SHAPES = {entity.name: Shape(entity, "sqlite", pgvector=False) for entity in ENTITIES}
VERBS = ("get", "post", "put", "patch", "delete")


def of(*roles: Role) -> dict[str, Any]:
    return dict(json.loads(json.dumps(document(SHAPES, bits(roles), 1))))


def operations(found: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (verb, path): item[verb]
        for path, item in found["paths"].items()
        for verb in VERBS
        if verb in item
    }


@pytest.mark.parametrize("role", Role)
def test_the_document_of_each_role_is_valid(role: Role) -> None:
    found = of(role)
    OpenAPIV31SpecValidator(found).validate()
    names = [one["operationId"] for one in operations(found).values()]
    assert len(set(names)) == len(names)


def test_there_are_only_operations_the_roles_allow() -> None:
    viewer = {pair for pair in operations(of(Role.VIEWER)) if "files" in pair[1]}
    assert viewer == {
        ("get", "/v1/files"), ("get", "/v1/files/{id}"), ("post", "/v1/files/_search"),
        ("get", "/v1/files/_export"),
    }  # fmt: skip
    worker = set(operations(of(Role.WORKER)))
    assert worker == {
        ("post", "/v1/logs"),
        ("post", "/v1/logs/_import"),
        ("post", "/v1/_transact"),
        ("get", "/v1/openapi.json"),
    }
    assert set(operations(of())) == {("get", "/v1/openapi.json")}
    admin = operations(of(Role.ADMIN))
    assert ("post", "/v1/users/{id}/_restore") in admin
    assert ("post", "/v1/messages/{id}/_restore") not in admin
    assert len(admin) > 50
    asked = admin["post", "/v1/_transact"]["requestBody"]["content"]["application/json"]["schema"]
    steps = asked["properties"]["operations"]["items"]["oneOf"]
    assert {step["properties"]["entity"]["const"] for step in steps} == set(SHAPES)


def test_there_are_only_fields_the_roles_allow() -> None:
    text = json.dumps(of(Role.OPERATOR))
    for hidden in ('"cost"', '"owner"'):
        assert hidden not in text
    low = of(Role.OPERATOR)["components"]["schemas"]
    for name in ("Files", "FilesPart", "FilesWhere"):
        assert "ownerId" not in low[name]["properties"]
    assert "ownerId" in low["FilesNew"]["properties"]
    assert "state" in low["Files"]["properties"]
    assert "state" not in low["FilesNew"]["properties"]
    assert "fileId" not in low["FilesNew"]["properties"]
    high = of(Role.ADMIN)["components"]["schemas"]
    assert {"cost", "state", "ownerId"} <= set(high["FilesNew"]["properties"])
    assert "owner" in high["FilesPart"]["properties"]
    assert set(of(Role.WORKER)["components"]["schemas"]["Logs"]["properties"]) == {
        "id", "logId", "tenantId", "revision", "createdAt", "updatedAt",
    }  # fmt: skip


def examples(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every example beside its schema."""
    if isinstance(tree, dict):
        if "example" in tree and "schema" in tree:
            yield tree["schema"], tree["example"]
        if "examples" in tree and "type" in tree:
            yield from ((tree, one) for one in tree["examples"])
        for inner in tree.values():
            yield from examples(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from examples(inner)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER, Role.WORKER])
def test_every_example_fits_its_schema(role: Role) -> None:
    found = of(role)
    seen = 0
    for schema, example in examples(found):
        seen += 1
        whole = {**schema, "components": found["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(example)
    assert seen > 10


def test_every_operation_says_what_may_come_of_it() -> None:
    found = of(Role.ADMIN)
    kept = found["components"]["responses"]
    for (verb, path), operation in operations(found).items():
        answers = {
            status: kept[said["$ref"].rpartition("/")[2]] if "$ref" in said else said
            for status, said in operation["responses"].items()
        }
        assert {"400", "401", "403", "429", "503"} <= set(answers), (verb, path)
        for status, said in answers.items():
            assert "X-Request-Id" in said["headers"]
            if int(status) >= 400:
                assert list(said["content"]) == ["application/problem+json"]
                told = said["content"]["application/problem+json"]["schema"]["properties"]
                assert told["code"]["enum"], (verb, path, status)
        if verb != "get" and "/_" not in path:
            assert {"409", "422"} <= set(answers)
    posted = operations(of(Role.ADMIN))["post", "/v1/files"]["parameters"]
    assert any(one.get("name") == "Idempotency-Key" and one["required"] for one in posted)
    logs = json.dumps(operations(of(Role.WORKER))["post", "/v1/logs"]["parameters"])
    assert "key" not in logs


def test_bulk_and_feed_are_described_as_far_as_the_roles_go() -> None:
    maintainer, viewer = operations(of(Role.MAINTAINER)), operations(of(Role.VIEWER))
    kept = {pair for pair in maintainer if "_subscriptions" in pair[1]}
    assert len(kept) == 8
    assert not {pair for pair in viewer if "_subscriptions" in pair[1]}
    assert ("post", "/v1/_consumers/{name}/_ack") in viewer
    assert not [path for _, path in operations(of(Role.WORKER)) if "_consumers" in path]
    new = maintainer["post", "/v1/_subscriptions"]["requestBody"]["content"]["application/json"]
    to_url, to_sink = new["schema"]["oneOf"]
    assert to_url["properties"]["role"]["enum"] == ["viewer", "operator", "maintainer"]
    assert "logs" not in to_sink["properties"]["entities"]["items"]["enum"]
    worker = operations(of(Role.WORKER))["post", "/v1/logs/_import"]
    mode = next(one for one in worker["parameters"] if one.get("name") == "mode")
    assert mode["schema"]["enum"] == ["create"]
    assert "Idempotency-Key" not in json.dumps(worker["parameters"])
    assert ("post", "/v1/users/_search") not in maintainer
    asked = maintainer["post", "/v1/memories/_search"]["requestBody"]["content"]
    vector = asked["application/json"]["schema"]["properties"]["vector"]
    assert (vector["minItems"], vector["maxItems"]) == (1536, 1536)
    events = maintainer["get", "/v1/_changes"]["responses"]["200"]["content"]
    assert events["text/event-stream"][ITEM] == {"$ref": "#/components/schemas/Change"}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.WORKER])
def test_every_line_of_an_example_fits_what_a_line_holds(role: Role) -> None:
    found = of(role)
    seen = 0
    for operation in operations(found).values():
        for holder in (operation.get("requestBody", {}), operation["responses"].get("200", {})):
            media = holder.get("content", {}).get(LINES_TYPE)
            if media is None:
                continue
            whole = {**media[ITEM], "components": found["components"]}
            for line in media["example"].splitlines():
                jsonschema_rs.Draft202012Validator(whole).validate(json.loads(line))
                seen += 1
    assert seen >= (1 if role is Role.WORKER else 10)


def test_entities_that_are_called_as_something_else_keep_types_of_their_own() -> None:
    declared = b"entities:\n" + b"".join(
        b"  %s:\n    id: {field: oneId, client: true}\n    fields: {text: text}\n" % name
        for name in (b"users-part", b"problem", b"change", b"lines", b"record")
    )
    entities = (*BUILT_IN, *read_entities(declared))
    shapes = {one.name: Shape(one, "sqlite", pgvector=False) for one in entities}
    found = json.loads(json.dumps(document(shapes, bits([Role.ADMIN]), 1)))
    OpenAPIV31SpecValidator(found).validate()
    schemas = found["components"]["schemas"]
    assert set(schemas["Problem"]["required"]) >= {"code", "detail"}
    assert "aggregateid" in schemas["Change"]["properties"]
    assert "displayName" in schemas["UsersPart"]["properties"]
    for name in ("UsersPartRecord", "ProblemRecord", "ChangeRecord", "LinesRecord"):
        assert "oneId" in schemas[name]["properties"]
