"""The steps of one write inside a unit that is confined to its tenant.

A refusal is raised, and takes with it all that the unit did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hookyard.adapters.database.port import Clash, Unit
from hookyard.features.records.schema.model import Make
from hookyard.features.records.shape import Access, Record, Shape, encode
from hookyard.features.records.store_changes import Change
from hookyard.features.records.trouble import under, wrong
from hookyard.features.records.writing import store_records
from hookyard.features.records.writing.draft import (
    Setting,
    as_fields,
    marked,
    new_record,
    patched,
    replaced,
)
from hookyard.features.records.writing.model import PAST, Condition, Verb, Write, Written
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Conflict, HookyardError, NotFound, PreconditionFailed
from hookyard.kit.json import Json, JsonObject


@dataclass(slots=True)
class Work:
    """A unit's writes for one tenant, and the changes that come of them."""

    tenant: str
    actor: str
    now_ms: int
    new_id: Callable[[], str]
    new_uuid: Callable[[], str]
    changes: list[Change] = field(default_factory=list)

    def setting(self) -> Setting:
        """What the next record is written for."""
        return Setting(self.tenant, to_rfc3339(self.now_ms), self.new_id())

    def note(
        self, shape: Shape, verb: Verb, before: Mapping[str, object] | None, after: Record | None
    ) -> None:
        """Note a change for the feed; its id is the revision it made."""
        named = after or before or {}
        revision = str(named["revision"]) if after is not None else self.new_id()
        self.changes.append(
            Change(
                revision, shape.entity.name, str(named["id"]), PAST[verb],
                payload(shape, verb, before, after), self.now_ms, self.actor,
            )
        )  # fmt: skip


def payload(
    shape: Shape,
    verb: Verb,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> str:
    """A change as JSON text; vectors are left out."""
    letter = {Verb.CREATE: "c", Verb.DELETE: "d"}.get(verb, "u")
    said = {"op": letter, "before": _told(shape, before), "after": _told(shape, after)}
    return encode(said).decode()


def perform(unit: Unit, work: Work, write: Write) -> Written:
    """Do one write."""
    try:
        return _VERBS[write.verb](unit, work, write)
    except Clash:
        raise taken(write.shape, write.access, write.pointer, of="unique") from None


def _create(unit: Unit, work: Work, write: Write) -> Written:
    body = as_fields(write.data, write.pointer)
    return _insert(unit, work, write, body, write.id)


def _insert(
    unit: Unit, work: Work, write: Write, body: JsonObject, record_id: str | None
) -> Written:
    shape = write.shape
    made = work.new_uuid() if shape.entity.id.make is Make.UUID else work.new_id()
    record = new_record(
        shape, write.access, body, work.setting(), write.pointer,
        record_id=record_id, make_id=made,
    )  # fmt: skip
    if not store_records.insert(unit, shape, record):
        raise taken(shape, write.access, write.pointer, of=what_is_taken(unit, shape, record))
    work.note(shape, Verb.CREATE, None, record)
    return _written(write, 201, Verb.CREATE, record)


def _update(unit: Unit, work: Work, write: Write) -> Written:
    current = _current(unit, work, write)
    body = as_fields(write.data, write.pointer)
    after = patched(write.shape, write.access, current, body, work.setting(), write.pointer)
    return _change(unit, work, write, current, after)


def _replace(unit: Unit, work: Work, write: Write) -> Written:
    current = _found(unit, work, write)
    body = as_fields(write.data, write.pointer)
    if current is None:
        return _insert(unit, work, write, body, write.id)
    after = replaced(write.shape, write.access, current, body, work.setting(), write.pointer)
    return _change(unit, work, write, current, after)


def _upsert(unit: Unit, work: Work, write: Write) -> Written:
    current = _found(unit, work, write)
    if current is None:
        return _insert(unit, work, write, as_fields(write.data, write.pointer), write.id)
    return _update(unit, work, write)


def _delete(unit: Unit, work: Work, write: Write) -> Written:
    shape, current = write.shape, _current(unit, work, write)
    if shape.entity.soft_delete:
        after = marked(current, work.setting(), deleted=True)
        store_records.update(unit, shape, after)
    else:
        store_records.delete(unit, shape, work.tenant, str(current["id"]))
    work.note(shape, Verb.DELETE, current, None)
    return Written(204, shape, str(current["id"]), "", Verb.DELETE, None)


def _restore(unit: Unit, work: Work, write: Write) -> Written:
    shape = write.shape
    if not shape.entity.soft_delete:
        raise Conflict(f"{shape.entity.name} keeps nothing that was deleted", code="not_restorable")
    current = store_records.locked(unit, shape, work.tenant, write.id or "")
    if current is None:
        raise NotFound("there is no such record")
    _check(current, write.condition)
    if current["deletedAt"] is None:
        return _written(write, 200, None, dict(current))
    after = marked(current, work.setting(), deleted=False)
    store_records.update(unit, shape, after)
    work.note(shape, Verb.RESTORE, None, after)
    return _written(write, 200, Verb.RESTORE, after)


def _change(
    unit: Unit, work: Work, write: Write, current: Mapping[str, Json], after: Record | None
) -> Written:
    if after is None:
        return _written(write, 200, None, dict(current))
    store_records.update(unit, write.shape, after)
    work.note(write.shape, Verb.UPDATE, current, after)
    return _written(write, 200, Verb.UPDATE, after)


def _current(unit: Unit, work: Work, write: Write) -> Mapping[str, Json]:
    """The record, there and as the condition says; NotFound without it."""
    found = _found(unit, work, write)
    if found is None:
        raise NotFound("there is no such record")
    return found


def _found(unit: Unit, work: Work, write: Write) -> Mapping[str, Json] | None:
    """The record as the condition says, None without one; it stays as it is until the unit ends."""
    if write.id is None:
        raise wrong(under(write.pointer, "id"), "required", "name the record by its id")
    current = store_records.locked(unit, write.shape, work.tenant, write.id)
    if current is not None and current.get("deletedAt") is not None:
        current = None
    _check(current, write.condition)
    return current


def _check(current: Mapping[str, Json] | None, condition: Condition) -> None:
    if current is None:
        if condition.exists or condition.revisions is not None:
            raise PreconditionFailed("there is no such record to match")
        return
    if condition.absent:
        raise PreconditionFailed("the record is there already")
    if condition.revisions is not None and current["revision"] not in condition.revisions:
        raise PreconditionFailed


def what_is_taken(unit: Unit, shape: Shape, record: Record) -> str:
    """What stands in the way of a new record: "id" or "unique"."""
    there = store_records.locked(unit, shape, str(record["tenantId"]), str(record["id"]))
    return "unique" if there is None else "id"


def taken(shape: Shape, access: Access, pointer: str, *, of: str) -> HookyardError:
    """The refusal of a record whose id (`of` "id"), or a unique value of it, is taken. It names no
    field that the caller may not write."""
    if of == "id":
        name = shape.entity.id.fields[0] if not shape.is_composite else "id"
        error = Conflict("there is a record with this id, or was one", code="id_taken")
        error.facts = {"pointer": under(pointer, name)}
        return error
    names = [field.name for field in shape.own if field.unique and field.name in access.checks]
    error = Conflict(
        f"another record has this value of a unique field ({', '.join(names) or 'by an index'})",
        code="not_unique",
    )
    error.facts = {"pointer": pointer}
    return error


def _written(write: Write, status: int, done: Verb | None, record: Record) -> Written:
    shown = {name: record.get(name) for name in write.access.view.names}
    revision = str(record["revision"])
    return Written(status, write.shape, str(record["id"]), revision, done, shown)


def _told(shape: Shape, record: Mapping[str, object] | None) -> Mapping[str, object] | None:
    return None if record is None else {name: record.get(name) for name in shape.told}


_VERBS: Mapping[Verb, Callable[[Unit, Work, Write], Written]] = {
    Verb.CREATE: _create,
    Verb.UPDATE: _update,
    Verb.REPLACE: _replace,
    Verb.UPSERT: _upsert,
    Verb.DELETE: _delete,
    Verb.RESTORE: _restore,
}
