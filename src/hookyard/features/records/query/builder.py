"""What every part of a query shares: parameters in their places, budgets, shapes by name. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from hookyard.adapters.database.port import Dialect, RawParam
from hookyard.features.records.schema.model import Operation, Relation
from hookyard.features.records.shape import Shape
from hookyard.features.records.trouble import wrong

MAX_CONDITIONS = 100
MAX_DEPTH = 8
MAX_RELATIONS = 3

Lookup: TypeAlias = Callable[[str], Shape | None]
TENANT = "$1"


@dataclass(slots=True)
class Builder:
    """Parameters of one statement; the first, `$1`, is the tenant and bound by whoever runs it.

    `roles` are those of the caller: what they may not read is as if it were not there.
    """

    dialect: Dialect
    lookup: Lookup
    roles: int
    params: list[RawParam] = field(default_factory=list)
    aliases: int = 0
    conditions: int = 0

    def bind(self, value: RawParam) -> str:
        """Add a parameter; its place in the statement."""
        self.params.append(value)
        return f"${len(self.params) + 1}"

    def alias(self) -> str:
        """A name for one more table."""
        self.aliases += 1
        return f"r{self.aliases}"

    def spend(self, pointer: str, depth: int) -> None:
        """Count one condition; Invalid when there are too many, or too deep."""
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise wrong(pointer, "too_many_conditions", f"{MAX_CONDITIONS} conditions at most")
        if depth > MAX_DEPTH:
            raise wrong(pointer, "too_deep", f"conditions nest {MAX_DEPTH} deep at most")

    def target(self, shape: Shape, relation: Relation) -> Shape | None:
        """Where a relation leads, where the caller may go there."""
        return target_of(shape, relation, self.lookup, self.roles)


def target_of(shape: Shape, relation: Relation, lookup: Lookup, roles: int) -> Shape | None:
    """Where a relation of `shape` leads; None where holders of the roles may not read there, or
    not the field that makes the relation: who goes along it learns what that field holds."""
    found = lookup(relation.entity)
    if found is None:
        return None
    access = found.access(roles)
    tied = access if relation.many else shape.access(roles)
    if Operation.READ not in access.operations or relation.by not in tied.readable:
        return None
    return found


def each(place: str) -> str:
    """The members of a bound list, as SQLite reads them."""
    return f"SELECT value FROM json_each({place})"  # noqa: S608
