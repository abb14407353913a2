"""What the tests of imports and exports share: entities, and how lines go in and out."""

import json
from collections.abc import AsyncIterator, Sequence

from hookyard.core.identity.model import Actor
from hookyard.features.records.gateway import Call

from .places import Place, an_actor

THINGS = """
entities:
  things:
    id: {field: thingId, make: client}
    fields:
      name: {type: string, max: 20, required: true}
      size: {type: int, default: 3}
      code: {type: string, unique: true}
      price: {type: float, read: [maintainer], write: [maintainer]}
      place: {type: vector, dimension: 2}
      more: json
    soft_delete: true
  pairs:
    id: {fields: [left, right]}
    fields:
      left: {type: id, required: true}
      right: {type: id, required: true}
      note: string
  numbered:
    id: {field: number, make: ulid}
    fields: {name: string}
    idempotency: required
  keyless:
    id: {field: number, make: uuid}
    fields: {name: string}
    idempotency: none
"""


class CutOff(Exception):
    """The client is gone."""


def ndjson(rows: Sequence[object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def load(
    place: Place,
    body: bytes,
    query: str = "",
    *,
    key: str | None = None,
    actor: Actor | None = None,
    entity: str = "things",
    cut_at: int | None = None,
    piece: int = 50_000,
) -> dict[str, object]:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), piece):
            if cut_at is not None and at >= cut_at:
                raise CutOff
            yield body[at : at + piece]

    call = Call(
        "POST", (entity, "_import"), query.encode(), actor or an_actor(), key, chunks=chunks()
    )
    reply = await place.records.gateway.answer(call)
    found: dict[str, object] = json.loads(reply.body)
    return found


async def dump(
    place: Place, query: str = "", *, actor: Actor | None = None, entity: str = "things"
) -> list[dict[str, object]]:
    call = Call("GET", (entity, "_export"), query.encode(), actor or an_actor())
    reply = await place.records.gateway.answer(call)
    assert reply.lines is not None
    found = b"".join([page async for page in reply.lines])
    return [json.loads(line) for line in found.splitlines()]


def counts(report: dict[str, object]) -> tuple[object, ...]:
    return tuple(report[name] for name in ("lines", "created", "updated", "unchanged", "failed"))


def problems(report: dict[str, object]) -> list[tuple[object, ...]]:
    listed = report["problems"]
    assert isinstance(listed, list)
    return [(one["line"], one["code"], one.get("pointer")) for one in listed]


def many(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"thingId": f"t{n:05}", "name": f"n{n}"} for n in range(start, start + count)]
