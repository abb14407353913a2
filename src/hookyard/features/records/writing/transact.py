"""Several writes, all or none: `POST /v1/_transact`.

    {"operations": [
      {"op": "create", "entity": "conversations", "data": {"title": "Hello"}},
      {"op": "create", "entity": "messages",
       "data": {"conversationId": {"$ref": "0/conversationId"}, "content": "…"}},
      {"op": "update", "entity": "users", "id": "user-001", "ifMatch": "\"01h…\"",
       "data": {"displayName": "New"}}]}

A reference names an operation before it by its number, and a field of the record it wrote.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency.model import KeptAnswer
from hookyard.features.records.access import allow
from hookyard.features.records.catalog import Catalog
from hookyard.features.records.ids import canonical
from hookyard.features.records.schema.model import Policy
from hookyard.features.records.trouble import shown, under, wrong
from hookyard.features.records.writing.conditions import revisions_of
from hookyard.features.records.writing.model import (
    ALWAYS,
    NEEDS,
    Answered,
    Caller,
    Condition,
    Verb,
    Write,
    Written,
)
from hookyard.features.records.writing.service import Writes, many_answer
from hookyard.features.records.writing.steps import Work, perform
from hookyard.kit.errors import HookyardError, NotFound
from hookyard.kit.json import Json

MAX_OPERATIONS = 100
_KEYS = frozenset({"op", "entity", "id", "data", "ifMatch"})
_REF = re.compile(r"(\d{1,3})/([A-Za-z][A-Za-z0-9_]{0,47})")
_VERBS = {verb.value: verb for verb in Verb}


class Transact:
    """Runs operations in one unit."""

    def __init__(self, writes: Writes, catalog: Catalog) -> None:
        self._writes = writes
        self._catalog = catalog

    async def run(self, caller: Caller, body: Json, roles: int) -> Answered:
        """Every operation, or a refusal whose pointer names the one that failed."""
        writes = [
            await self._write(caller, one, under("/operations", n), roles)
            for n, one in enumerate(operations_of(body))
        ]
        needs_key = [w for w in writes if w.shape.entity.idempotency is Policy.REQUIRED]
        if needs_key and caller.claim is None:
            raise wrong(
                "/header/idempotency-key", "idempotency_key_required",
                f"writes of {needs_key[0].shape.entity.name} take an Idempotency-Key header",
            )  # fmt: skip

        def answer(unit: Unit, work: Work) -> KeptAnswer:
            done: list[Written] = []
            for write in writes:
                done.append(_perform(unit, work, write, done))
            return many_answer(done)

        return await self._writes.together(caller, "records.transact", answer)

    async def _write(self, caller: Caller, one: Json, pointer: str, roles: int) -> Write:
        if not isinstance(one, Mapping):
            raise wrong(pointer, "wrong_type", "must be an object with op, entity, id, data")
        for name in one:
            if name not in _KEYS:
                raise wrong(under(pointer, name), "unknown_field", f"there is {', '.join(_KEYS)}")
        verb = _VERBS.get(str(one.get("op")))
        if verb is None:
            raise wrong(under(pointer, "op"), "unknown_operator", f"there is {', '.join(_VERBS)}")
        entity = one.get("entity")
        try:
            shape = await self._catalog.shape(entity if isinstance(entity, str) else "")
        except NotFound:
            raise wrong(
                under(pointer, "entity"), "unknown_entity", f"there is no entity {shown(entity)}"
            ) from None
        for operation in NEEDS[verb]:
            allow(caller.actor, shape, operation, roles)
        return Write(
            verb,
            shape,
            shape.access(roles),
            _named(one.get("id"), verb, under(pointer, "id")),
            one.get("data"),
            _condition(one.get("ifMatch"), under(pointer, "ifMatch")),
            pointer,
        )


def operations_of(body: Json) -> Sequence[Json]:
    """The operations of a body."""
    if not isinstance(body, Mapping) or set(body) != {"operations"}:
        raise wrong("", "wrong_type", "must be an object with operations")
    listed = body["operations"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_OPERATIONS:
        raise wrong("/operations", "too_many_operations", f"1 to {MAX_OPERATIONS} operations")
    return listed


def _perform(unit: Unit, work: Work, write: Write, done: Sequence[Written]) -> Written:
    pointer = write.pointer
    data = _resolved(write.data, done, under(pointer, "data"))
    record_id = write.id
    if record_id is not None:
        found = _resolved({"id": _as_reference(record_id)}, done, pointer)
        assert isinstance(found, dict)  # noqa: S101
        record_id = canonical(write.shape.entity.id, str(found["id"]), under(pointer, "id"))
    ready = replace(write, data=data, id=record_id, pointer=under(pointer, "data"))
    try:
        return perform(unit, work, ready)
    except HookyardError as error:
        error.facts = {"pointer": pointer, **error.facts}
        raise


def _named(value: Json, verb: Verb, pointer: str) -> str | None:
    """The id of an operation; a reference is kept as `$ref:` and its text until it can be read."""
    if value is None:
        if verb is not Verb.CREATE:
            raise wrong(pointer, "required", f"{verb.value} needs the id of a record")
        return None
    if isinstance(value, Mapping) and set(value) == {"$ref"} and isinstance(value["$ref"], str):
        return f"$ref:{value['$ref']}"
    if not isinstance(value, str) or value.startswith("$ref:"):
        raise wrong(pointer, "wrong_type", 'must be text, or as {"$ref": "0/userId"}')
    return value


def _as_reference(record_id: str) -> Json:
    if record_id.startswith("$ref:"):
        return {"$ref": record_id.removeprefix("$ref:")}
    return record_id


def _resolved(value: Json, done: Sequence[Written], pointer: str) -> Json:
    """Fields with their references replaced; only whole values of fields can be references."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: _looked_up(inner["$ref"], done, under(pointer, name))
        if isinstance(inner, Mapping) and set(inner) == {"$ref"}
        else inner
        for name, inner in value.items()
    }


def _looked_up(reference: Json, done: Sequence[Written], pointer: str) -> Json:
    match = _REF.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        raise wrong(pointer, "bad_reference", "a reference is as 0/userId: operation, field")
    number = int(match[1])
    record = done[number].record if number < len(done) else None
    if record is None or match[2] not in record:
        raise wrong(pointer, "bad_reference", "no operation before this one wrote that")
    found: Json = record[match[2]]  # type: ignore[assignment]
    return found


def _condition(value: Json, pointer: str) -> Condition:
    if value is None:
        return ALWAYS
    if not isinstance(value, str):
        raise wrong(pointer, "wrong_type", "must be an entity tag, a revision, or *")
    if value == "*":
        return Condition(exists=True)
    tags = revisions_of(value) if '"' in value else (value,)
    return Condition(revisions=tags, exists=True)
