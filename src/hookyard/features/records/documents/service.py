"""The OpenAPI document of the data API for a caller's roles: `GET /v1/openapi.json`.

Only operations and fields that the caller has are in it. It is made once for each version of the
schema and each set of roles.

# spec: OpenAPI 3.1.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hookyard.features.records.catalog import Catalog
from hookyard.features.records.documents.bulk import bulk_paths, bulk_schemas
from hookyard.features.records.documents.codes import PLAIN, TRANSACT
from hookyard.features.records.documents.examples import Tree, example_id
from hookyard.features.records.documents.feeding import feed_paths, feed_schemas
from hookyard.features.records.documents.parts import (
    HEADERS,
    PARAMETERS,
    PROBLEM,
    answer,
    body,
    problems,
    responses,
    use,
)
from hookyard.features.records.documents.paths import Describer
from hookyard.features.records.documents.subscribing import (
    may_subscribe,
    subscription_paths,
    subscription_schemas,
)
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import Shape, encode
from hookyard.features.records.writing.model import NEEDS, Verb
from hookyard.kit.json import Json

_ABOUT = (
    "Records of declared entities. Errors are application/problem+json with a stable `code`; lists "
    "are paged by `cursor`; instants are RFC 3339 in UTC. What is here is what the caller's roles "
    "allow."
)
_SECURITY: Tree = {
    "bearer": {"type": "http", "scheme": "bearer",
               "description": "An API key, or the token of a service"},
    "session": {"type": "apiKey", "in": "cookie", "name": "hookyard_session",
                "description": "Set by sign-in; unsafe requests also send X-Hookyard-Csrf"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is sent, and the entity tag of its content."""

    body: bytes
    etag: str


class Documents:
    """Makes documents, and keeps those of the schema's present version."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._version = -1
        self._made: dict[int, Document] = {}

    async def of(self, roles: int) -> Document:
        """The document for holders of these roles, as bits of `rules.roles_of`."""
        await self._catalog.look()
        if self._version != self._catalog.version:
            self._made, self._version = {}, self._catalog.version
        found = self._made.get(roles)
        if found is None:
            raw = encode(document(self._catalog.shapes, roles, self._version))
            tag = hashlib.sha256(raw).hexdigest()[:32]
            found = self._made[roles] = Document(raw, tag)
        return found


def document(shapes: Mapping[str, Shape], roles: int, version: int) -> Tree:
    """The document of these entities for holders of some roles."""
    told = [Describer(shapes[name], shapes.get, roles) for name in sorted(shapes)]
    told = [one for one in told if one.access.operations]
    paths: Tree = {}
    schemas: Tree = {"Problem": PROBLEM}
    for one in told:
        paths |= one.paths() | bulk_paths(one)
        schemas |= one.schemas()
    if any(one.may(Operation.CREATE) for one in told):
        schemas |= bulk_schemas()
    if any(one.access.operations - {Operation.READ} for one in told):
        paths["/v1/_transact"] = {"parameters": use("tenant", "request"), "post": _transact(told)}
    readers = [one.shape.entity.name for one in told if one.may(Operation.READ)]
    if readers:
        paths |= feed_paths(readers)
        schemas |= feed_schemas(readers)
    if may_subscribe(roles):
        paths |= subscription_paths(readers, roles)
        schemas |= subscription_schemas()
    paths["/v1/openapi.json"] = {"parameters": use("tenant", "request"), "get": _itself()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Records", "version": str(version), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}],
        "tags": [
            {"name": one.shape.entity.name, "description": one.shape.entity.description}
            for one in told
        ],
        "paths": paths,
        "components": {"schemas": schemas, "parameters": dict(PARAMETERS),
                       "headers": dict(HEADERS), "responses": responses(),
                       "securitySchemes": _SECURITY},
    }  # fmt: skip


def _transact(told: Iterable[Describer]) -> Tree:
    steps: list[Json] = []
    samples: list[Json] = []
    records: list[Json] = []
    for one in told:
        verbs: list[Json] = [verb.value for verb in Verb if one.may(*NEEDS[verb])]
        if not verbs:
            continue
        records.append({"$ref": f"#/components/schemas/{one.name}"})
        steps.append(_step(one, verbs))
        if not samples:
            samples.append(
                {"op": verbs[0], "entity": one.shape.entity.name, "data": {}}
                | ({} if verbs[0] == "create" else {"id": example_id(one.shape)})
            )
    asked: Tree = {
        "type": "object", "required": ["operations"], "additionalProperties": False,
        "properties": {"operations": {"type": "array", "minItems": 1, "maxItems": 100,
                                      "items": {"oneOf": steps}}},
    }  # fmt: skip
    result: Tree = {
        "type": "object", "required": ["status", "id"], "additionalProperties": False,
        "properties": {"status": {"enum": [200, 201, 204]}, "id": {"type": "string"},
                       "revision": {"type": "string"}, "record": {"anyOf": records}},
    }  # fmt: skip
    done: Tree = {"type": "object", "required": ["results"], "additionalProperties": False,
                  "properties": {"results": {"type": "array", "items": result}}}  # fmt: skip
    kept = ("Idempotency-Expires", "X-Idempotent-Replay")
    return {
        "operationId": "transact", "summary": "Several writes, all or none", "tags": ["records"],
        "parameters": use("key", "dry_run"),
        "requestBody": body(asked, {"operations": samples}),
        "responses": {
            "200": answer("What came of each", done, *kept,
                          example={"results": [{"status": 204, "id": "user-1"}]}),
            **problems(TRANSACT, 404, 408, 412, 413, 415, 422),
        },
    }  # fmt: skip


def _step(one: Describer, verbs: list[Json]) -> Tree:
    reference: Tree = {"type": "object", "required": ["$ref"], "additionalProperties": False,
                       "properties": {"$ref": {"type": "string"}}}  # fmt: skip
    return {
        "type": "object", "required": ["op", "entity"], "additionalProperties": False,
        "properties": {
            "op": {"enum": verbs}, "entity": {"const": one.shape.entity.name},
            "id": {"anyOf": [{"type": "string", "minLength": 1}, reference]},
            "data": {"type": "object", "description": "Fields; a whole value may be a reference"},
            "ifMatch": {"type": "string"},
        },
    }  # fmt: skip


def _itself() -> Tree:
    return {
        "operationId": "describe", "summary": "This document", "tags": ["records"],
        "parameters": use("fresh"),
        "responses": {
            "200": answer("An OpenAPI 3.1 document", {"type": "object"}, "ETag",
                          example={"openapi": "3.1.0"}),
            "304": answer("As the caller has it", None, "ETag"), **problems(PLAIN),
        },
    }  # fmt: skip
