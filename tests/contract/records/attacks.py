"""What attacks on an entity are made of: records out of its declaration, and answers with refusals
among them."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from hookyard.core.identity.model import Actor, Role
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.ids import in_path, joined
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.schema.model import Entity, Field, FieldType, Make
from hookyard.kit.errors import HookyardError
from tests.contract.records.places import Place, an_actor

PLANTED = "planted-treasure"
SECRETIVE = (FieldType.STRING, FieldType.TEXT)
SERVER_MADE = ("id", "tenantId", "revision", "createdAt", "updatedAt", "deletedAt")
ODD = """\
entities:
  odd-ones:
    description: One of everything
    id: {fields: [realm, serial]}
    fields:
      realm: {type: id, required: true}
      serial: {type: string, max: 60, required: true}
      label: {type: string, max: 80, required: true}
      prose: text
      code: {type: string, max: 40, unique: true}
      rank: int
      weight: {type: float, read: [maintainer], write: [maintainer]}
      open: {type: bool, default: true}
      due: timestamp
      mood: {type: enum, values: [calm, cross], default: calm}
      more: json
      hidden: {type: string, max: 100, unique: true, read: [admin], write: [admin]}
      ownerId: id
      spot: {type: vector, dimension: 4, metric: l2}
      inside: {type: vector, dimension: 3, read: [admin], write: [admin]}
    relations:
      owner: {one: users, by: ownerId}
      parts: {many: odd-parts, by: oddId}
    indexes:
      - [rank, label]
      - {fields: [ownerId, rank], unique: true}
    roles: {delete: [maintainer], restore: [admin]}
    soft_delete: true
  odd-parts:
    id: {field: partId, make: client}
    fields:
      oddId: id
      size: {type: int, unique: true}
      tag: {type: string, max: 1000, unique: true}
    relations:
      odd: {one: odd-ones, by: oddId}
"""
ENTITIES: Mapping[str, Entity] = {
    entity.name: entity for entity in (*BUILT_IN, *read_entities(ODD.encode()))
}


@dataclass(frozen=True)
class Said:
    """An answer, or a refusal, as it goes out."""

    status: int
    code: str
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> dict[str, object]:
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found

    @property
    def items(self) -> list[dict[str, object]]:
        items = self.body["items"]
        assert isinstance(items, list)
        return items

    @property
    def pointer(self) -> str:
        """The place in the request that is wrong."""
        return str(self.body["pointer"])

    @property
    def told(self) -> str:
        """All that goes out."""
        return self.text + repr(self.headers)


@dataclass(frozen=True)
class Person:
    """Somebody of one tenant at the gateway."""

    place: Place
    actor: Actor

    @property
    def tenant(self) -> str:
        return self.actor.tenant

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        **params: object,
    ) -> Said:
        """One call; what is no text among the parameters travels as JSON, bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = b"" if body is None else raw
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in params.items()
        }
        query = f"?{urlencode(texts, quote_via=quote)}" if texts else ""
        try:
            reply = await self.place.call(
                method, f"{path}{query}", raw, actor=self.actor, key=key, if_match=if_match,
                if_none_match=if_none_match,
            )  # fmt: skip
        except HookyardError as error:
            return _refusal(error)
        return _answer(reply)

    async def transact(self, *operations: Mapping[str, object]) -> Said:
        """Several writes."""
        return await self.ask("POST", "/v1/_transact", {"operations": operations})

    async def search(self, entity: Entity, said: Mapping[str, object]) -> Said:
        """Records by a vector."""
        return await self.ask("POST", f"/v1/{entity.name}/_search", said)

    async def load(
        self, entity: Entity, lines: Sequence[object], query: str = "", key: str | None = None
    ) -> Said:
        """An import."""
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

        async def chunks() -> AsyncIterator[bytes]:
            yield body

        call = Call(
            "POST", (entity.name, "_import"), query.encode(), self.actor, key, chunks=chunks()
        )
        try:
            return _answer(await self.place.records.gateway.answer(call))
        except HookyardError as error:
            return _refusal(error)

    async def dump(self, entity: Entity, **params: object) -> Said:
        """An export; its lines are the text."""
        query = urlencode({name: json.dumps(value) for name, value in params.items()})
        call = Call("GET", (entity.name, "_export"), query.encode(), self.actor)
        try:
            reply = await self.place.records.gateway.answer(call)
        except HookyardError as error:
            return _refusal(error)
        assert reply.lines is not None
        text = b"".join([page async for page in reply.lines]).decode()
        return Said(reply.status, "", text, dict(reply.headers))


def _answer(reply: Reply) -> Said:
    return Said(reply.status, "", reply.body.decode(), dict(reply.headers))


def _refusal(error: HookyardError) -> Said:
    told = json.dumps({"detail": error.detail, **error.facts}, ensure_ascii=False)
    return Said(error.status, error.problem_code, told, {})


def person(place: Place, tenant: str, role: Role = Role.ADMIN, name: str = "bot") -> Person:
    return Person(place, an_actor(tenant, role, name))


def value_of(field: Field, mark: str, number: int = 0) -> object:
    """A value of a field; texts hold the mark, and what is unique the number."""
    more = f" {number}" if field.unique and number else ""
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return f"{mark} {field.name}"[: (field.maximum or 0) - len(more)] + more
        case FieldType.ID:
            return f"{mark}-{field.name}"
        case FieldType.INT:
            return 7 + number
        case FieldType.FLOAT:
            return 0.5
        case FieldType.BOOL:
            return True
        case FieldType.TIMESTAMP:
            return "2026-01-31T12:00:00.000Z"
        case FieldType.ENUM:
            return field.values[-1]
        case FieldType.VECTOR:
            return [0.25] * (field.dimension or 0)
    return {"note": mark, "deep": [{"n": 1, "s": mark}]}


def sample(entity: Entity, mark: str, number: int = 0) -> dict[str, object]:
    """A whole body of a new record, its id given, out of the declaration."""
    body = {field.name: value_of(field, mark, number) for field in entity.fields}
    for name in entity.id.fields:
        if entity.id.make is Make.COMPOSITE or entity.id.client:
            body[name] = f"{name}-{number}"
    return body


def id_of(entity: Entity, number: int = 0) -> str:
    """The id of `sample`."""
    return joined(tuple(f"{name}-{number}" for name in entity.id.fields))


def path_of(entity: Entity, record_id: str | None = None) -> str:
    """Where a record, or its collection, is."""
    base = f"/v1/{entity.name}"
    return base if record_id is None else f"{base}/{in_path(entity.id, record_id)}"


def texts_of(entity: Entity) -> list[Field]:
    """The fields with text in them that are no part of the id."""
    return [f for f in entity.fields if f.type in SECRETIVE and f.name not in entity.id.fields]


def a_change(entity: Entity, mark: str) -> dict[str, object]:
    """A merge patch that any record of the entity takes."""
    own = [field for field in entity.fields if field.name not in entity.id.fields]
    field = next((one for one in own if one.type in SECRETIVE), own[0])
    return {field.name: value_of(field, mark)}


def unlike(said: Said, *marks: str) -> None:
    """Nothing of the victim is in an answer."""
    for mark in marks or (PLANTED,):
        assert mark not in said.told, said.told
