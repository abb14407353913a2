"""What attacks on an entity are made of: records out of its declaration, and answers with refusals
among them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from hookyard.core.identity.model import Actor, Role
from hookyard.features.records.ids import in_path, joined
from hookyard.features.records.schema.model import Entity, Field, FieldType, Make
from hookyard.kit.errors import HookyardError
from tests.contract.records.conftest import Place, an_actor

VICTIM, ATTACKER = "victim", "attacker"
PLANTED = "planted-treasure"
SECRETIVE = (FieldType.STRING, FieldType.TEXT)
SERVER_MADE = ("id", "tenantId", "revision", "createdAt", "updatedAt", "deletedAt")


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


@dataclass(frozen=True)
class Person:
    """Somebody of one tenant at the gateway."""

    place: Place
    actor: Actor

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
        """One call; what is no text among the parameters travels as JSON."""
        raw = b"" if body is None else json.dumps(body).encode()
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
            told = json.dumps({"detail": error.detail, **error.facts}, ensure_ascii=False)
            return Said(error.status, error.problem_code, told, {})
        return Said(reply.status, "", reply.body.decode(), dict(reply.headers))

    async def transact(self, *operations: Mapping[str, object]) -> Said:
        """Several writes."""
        return await self.ask("POST", "/v1/_transact", {"operations": operations})


def person(place: Place, tenant: str, role: Role = Role.ADMIN, name: str = "bot") -> Person:
    return Person(place, an_actor(tenant, role, name))


def value_of(field: Field, mark: str) -> object:
    """A value of a field; texts hold the mark."""
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return f"{mark} {field.name}"[: field.maximum]
        case FieldType.ID:
            return f"{mark}-{field.name}"
        case FieldType.INT:
            return 7
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
    body = {field.name: value_of(field, mark) for field in entity.fields}
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


async def plant(place: Place, entity: Entity, count: int = 2) -> list[Said]:
    """Records of the victim, as they are when nobody touches them."""
    victim = person(place, VICTIM)
    for number in range(count):
        made = await victim.ask("POST", path_of(entity), sample(entity, PLANTED, number))
        assert made.status == 201, made.text
    return await kept(place, entity, count)


async def kept(place: Place, entity: Entity, count: int = 2) -> list[Said]:
    """The victim's records, and its feed, as they are now."""
    victim = person(place, VICTIM)
    found = [await victim.ask("GET", path_of(entity, id_of(entity, n))) for n in range(count)]
    return [*found, await victim.ask("GET", "/v1/_changes", limit="500")]
