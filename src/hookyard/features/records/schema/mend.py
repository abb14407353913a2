"""Declared indexes beside those that are there: what is missing, unfinished, or left over. Pure.

A build that was killed leaves an index behind that is written and never read. Only indexes named
as ours are looked at: those an operator made stay.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Dialect
from hookyard.features.records.schema.ddl import index_name
from hookyard.features.records.schema.model import Entity, Field, Index
from hookyard.features.records.schema.plan import Leftover, Step, StepKind, indexes_of, words_of

_OURS = re.compile(r"(ix|uq)_(rec_[a-z0-9_]+)_[0-9a-f]{10}")
UNFINISHED = ", which an earlier build left unfinished"


@dataclass(frozen=True, slots=True)
class There:
    """What is in the database: the indexes of each table, by name, and whether each is valid (one
    whose build was cut off is not); and which tables hold, or held, records."""

    indexes: Mapping[str, Mapping[str, bool]]
    filled: Set[str] = frozenset()

    def valid(self, table: str, name: str) -> bool | None:
        """Whether an index is valid; None when it is not there."""
        return self.indexes.get(table, {}).get(name)


def mended(
    applied: Mapping[str, Entity],
    wanted: Mapping[str, Entity],
    steps: Sequence[Step],
    there: There,
    dialect: Dialect,
    *,
    pgvector: bool,
) -> tuple[Step, ...]:
    """The steps with those that the indexes which are there ask for besides."""
    before: list[Step] = []
    after: list[Step] = []
    for name, entity in wanted.items():
        old = applied.get(name)
        if old is None or StepKind.CREATE_ENTITY in _kinds(steps, entity):
            continue
        own = [step for step in steps if step.entity.name == name]
        mine = {*indexes_of(old), *indexes_of(entity)}
        names = {index_name(entity, i) for i in mine} | {index_name(old, i) for i in mine}
        for found in there.indexes.get(entity.table, {}):
            match = _OURS.fullmatch(found)
            if match is not None and match[2] == entity.table and found not in names:
                left = Leftover(found)
                before.append(Step(StepKind.DROP_INDEX, entity, f" {found}, left over", left))
        added = {step.subject for step in own if step.kind is StepKind.ADD_INDEX}
        for index in indexes_of(entity):
            if index not in added and is_made(index, dialect, pgvector=pgvector):
                after.extend(_lacking(entity, index, there))
    told = (_told(step, there) for step in steps)
    return (*before, *told, *after)


def is_made(index: Index, dialect: Dialect, *, pgvector: bool) -> bool:
    """Whether the engine has an index of this kind: not each can look for vectors by one."""
    return index.metric is None or (dialect == "postgresql" and pgvector)


def late(step: Step, steps: Sequence[Step]) -> bool:
    """Whether an index can be built only after other steps, which make its columns anew."""
    made = {
        other.subject.name
        for other in steps
        if other.entity.name == step.entity.name
        and other.kind is StepKind.ADD_FIELD
        and isinstance(other.subject, Field)
    }
    return isinstance(step.subject, Index) and not made.isdisjoint(step.subject.fields)


def without(entity: Entity, indexes: Set[Index]) -> Entity:
    """The entity as if these indexes were not declared."""
    fields = tuple(
        replace(
            field,
            unique=field.unique and Index((field.name,), unique=True) not in indexes,
            metric=None if Index((field.name,), metric=field.metric) in indexes else field.metric,
        )
        for field in entity.fields
    )
    kept = tuple(index for index in entity.indexes if index not in indexes)
    return replace(entity, fields=fields, indexes=kept)


def _kinds(steps: Sequence[Step], entity: Entity) -> set[StepKind]:
    return {step.kind for step in steps if step.entity.name == entity.name}


def _lacking(entity: Entity, index: Index, there: There) -> Iterator[Step]:
    is_valid = there.valid(entity.table, index_name(entity, index))
    if not is_valid:
        why = ", which is missing" if is_valid is None else UNFINISHED
        yield Step(StepKind.ADD_INDEX, entity, words_of(index) + why, index)


def _told(step: Step, there: There) -> Step:
    """A step that adds an index, with what is there of it already."""
    if step.kind is StepKind.ADD_INDEX and isinstance(step.subject, Index):
        name = index_name(step.entity, step.subject)
        if there.valid(step.entity.table, name) is False:
            return replace(step, what=step.what + UNFINISHED)
    return step
