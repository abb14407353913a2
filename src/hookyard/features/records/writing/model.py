"""Types of writing: what is asked for, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from hookyard.core.idempotency.model import Claim, KeptAnswer
from hookyard.core.identity.model import Actor
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import Access, Record, Shape
from hookyard.kit.json import Json


class Verb(StrEnum):
    """What a write does. `replace` makes the record where there is none, `upsert` merges."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    UPSERT = "upsert"
    DELETE = "delete"
    RESTORE = "restore"


NEEDS: dict[Verb, tuple[Operation, ...]] = {
    Verb.CREATE: (Operation.CREATE,),
    Verb.UPDATE: (Operation.UPDATE,),
    Verb.REPLACE: (Operation.CREATE, Operation.UPDATE),
    Verb.UPSERT: (Operation.CREATE, Operation.UPDATE),
    Verb.DELETE: (Operation.DELETE,),
    Verb.RESTORE: (Operation.RESTORE,),
}
"""What the roles held have to allow."""

PAST = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.DELETE: "deleted",
    Verb.RESTORE: "restored",
}
"""How a change is called that a write made; `replace` and `upsert` create or update."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold of the record: one of these revisions (None: any; empty: none fits), that
    it is there (`exists`), that it is not there (`absent`)."""

    revisions: tuple[str, ...] | None = None
    exists: bool = False
    absent: bool = False


ALWAYS = Condition()


@dataclass(frozen=True, slots=True)
class Write:
    """One write. `id` is the kept spelling, None where a create brings its own or gets one."""

    verb: Verb
    shape: Shape
    access: Access
    id: str | None
    data: Json = None
    condition: Condition = ALWAYS
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: `done` is CREATE, UPDATE, DELETE, RESTORE, or None where the record was so
    already. `record` is what the caller may see of it, None when it is gone."""

    status: int
    shape: Shape
    id: str
    revision: str
    done: Verb | None
    record: Record | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes, for whom, and under which idempotency key, if any."""

    actor: Actor
    claim: Claim | None = None
    dry_run: bool = False

    @property
    def tenant(self) -> str:
        """Whose records these are."""
        return self.actor.tenant


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of a write; `replayed` when it was given before, `until_ms` when a key's answer
    is forgotten."""

    answer: KeptAnswer
    replayed: bool = False
    until_ms: int | None = None
