"""What has to be done so that the tables are as the declarations say. Pure.

A step that loses data, or after which records that are there would no longer be valid, is
`destructive`, and says what is lost.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from hookyard.features.records.schema.model import Entity, Field, Index, Operation


class StepKind(StrEnum):
    """What a step does to the database."""

    CREATE_ENTITY = "create entity"
    DROP_ENTITY = "drop entity"
    ADD_FIELD = "add field"
    DROP_FIELD = "drop field"
    ADD_INDEX = "add index"
    DROP_INDEX = "drop index"
    FORGET_DELETED = "remove deleted records"
    DECLARE = "change"


@dataclass(frozen=True, slots=True)
class Leftover:
    """An index that nothing declares, by its name."""

    name: str


Subject: TypeAlias = Field | Index | Leftover | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `loses` says what a destructive step takes away, "" for the others."""

    kind: StepKind
    entity: Entity
    what: str
    subject: Subject = None
    loses: str = ""

    @property
    def destructive(self) -> bool:
        """Whether it needs to be allowed."""
        return bool(self.loses)

    @property
    def name(self) -> str:
        """What it does, and to what."""
        return f"{self.kind.value} {self.entity.name}{self.what}"

    def __str__(self) -> str:
        note = f"  (destructive: {self.loses})" if self.loses else ""
        return f"{self.name}{note}"


def plan(applied: Mapping[str, Entity], wanted: Mapping[str, Entity]) -> tuple[Step, ...]:
    """The steps from what is applied to what is wanted, in the order they have to be done."""
    found: list[Step] = []
    for name, entity in applied.items():
        if name not in wanted:
            found.append(_drop(entity))
    for name, entity in wanted.items():
        before = applied.get(name)
        if before is None:
            found.append(Step(StepKind.CREATE_ENTITY, entity, f" ({len(entity.fields)} fields)"))
        elif before != entity:
            found += _changes(before, entity)
    return tuple(found)


def indexes_of(entity: Entity) -> tuple[Index, ...]:
    """Every index of an entity, those of unique fields and of vectors among them."""
    unique = (Index((f.name,), unique=True) for f in entity.fields if f.unique)
    near = (Index((f.name,), metric=f.metric) for f in entity.fields if f.metric is not None)
    return tuple(dict.fromkeys((*entity.indexes, *unique, *near)))


def _drop(entity: Entity) -> Step:
    return Step(StepKind.DROP_ENTITY, entity, "", loses="every record of it goes")


def _changes(before: Entity, after: Entity) -> Iterator[Step]:
    if before.id.fields != after.id.fields or before.table != after.table:
        yield _drop(before)
        yield Step(StepKind.CREATE_ENTITY, after, " (named otherwise)")
        return
    old = {field.name: field for field in before.fields}
    new = {field.name: field for field in after.fields}
    replaced = {n for n, field in new.items() if n in old and _is_other(old[n], field)}
    kept = {
        index
        for index in indexes_of(before)
        if index in indexes_of(after) and replaced.isdisjoint(index.fields)
    }
    for index in indexes_of(before):
        if index not in kept:
            yield Step(StepKind.DROP_INDEX, before, words_of(index), index)
    yield from _field_changes(before, after, old, new, replaced)
    for index in indexes_of(after):
        if index not in kept:
            yield Step(StepKind.ADD_INDEX, after, words_of(index), index)
    if before.soft_delete and not after.soft_delete:
        yield Step(
            StepKind.FORGET_DELETED, after, "", loses="what was deleted can no longer be restored"
        )
    if _bare(before) != _bare(after):
        yield Step(StepKind.DECLARE, after, ": " + ", ".join(_differences(before, after)))


def _field_changes(
    before: Entity,
    after: Entity,
    old: Mapping[str, Field],
    new: Mapping[str, Field],
    replaced: Set[str],
) -> Iterator[Step]:
    for name, field in old.items():
        if name not in new or name in replaced:
            why = "its values go" if name not in new else "its values go: its type is another"
            yield Step(StepKind.DROP_FIELD, before, f".{name}", field, why)
    for name, field in new.items():
        if name not in old or name in replaced:
            yield Step(
                StepKind.ADD_FIELD, after, f".{name}: {field.type.value}", field, _gap(field)
            )
    for name, field in new.items():
        if name in old and name not in replaced and old[name] != field:
            yield Step(
                StepKind.DECLARE, after, f".{name}: {_words(old[name], field)}", field,
                _narrowed(old[name], field),
            )  # fmt: skip


def _is_other(old: Field, new: Field) -> bool:
    return (old.type, old.dimension, old.column) != (new.type, new.dimension, new.column)


def _gap(field: Field) -> str:
    if field.required and field.default is None:
        return "records that are there have no value for it; give it a default"
    return ""


def _narrowed(old: Field, new: Field) -> str:
    gone = [value for value in old.values if value not in new.values]
    if gone:
        return f"records may hold {', '.join(gone)}"
    if (new.maximum or 0) < (old.maximum or 0):
        return "records may hold longer values"
    if new.required and not old.required:
        return "records may be without it"
    return ""


def _words(old: Field, new: Field) -> str:
    names = [n for n in Field.__slots__ if getattr(old, n) != getattr(new, n)]
    return ", ".join(names)


def _bare(entity: Entity) -> Entity:
    """What of an entity is neither fields nor indexes."""
    return replace(entity, fields=(), indexes=(), roles=dict(entity.roles))


def _differences(before: Entity, after: Entity) -> Iterator[str]:
    for name in ("id", "relations", "idempotency", "soft_delete", "description"):
        if getattr(before, name) != getattr(after, name):
            yield name.replace("_", " ")
    for operation in Operation:
        if before.roles.get(operation) != after.roles.get(operation):
            yield f"who may {operation.value}"


def words_of(index: Index) -> str:
    """How a step names an index."""
    note = " (unique)" if index.unique else ""
    if index.metric is not None:
        note = f" ({index.metric.value})"
    return f" on {', '.join(index.fields)}{note}"
