"""Types of a declared entity: fields, id, relations, indexes, roles. Frozen, without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from hookyard.core.identity.model import Role
from hookyard.kit.json import Json


class FieldType(StrEnum):
    """What a field holds. `string` is short and bounded, `text` long, `id` names a record."""

    STRING = "string"
    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    JSON = "json"
    ENUM = "enum"
    VECTOR = "vector"
    ID = "id"


class Metric(StrEnum):
    """How near vectors are to each other."""

    COSINE = "cosine"
    L2 = "l2"
    IP = "ip"


class Make(StrEnum):
    """Who makes the id of a new record; `composite` joins several fields with colons."""

    ULID = "ulid"
    UUID = "uuid"
    CLIENT = "client"
    COMPOSITE = "composite"


class Policy(StrEnum):
    """What becomes of a write without an idempotency key; `none` takes no keys."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


class Operation(StrEnum):
    """What a caller may be allowed to do with the records of an entity."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `maximum` is characters of text, `read` and `write` the roles it is kept for
    (none: whoever may do the operation), `column` its name in the table, `metric` how vectors of
    it are mostly compared."""

    name: str
    type: FieldType
    column: str
    required: bool = False
    default: Json = None
    maximum: int | None = None
    unique: bool = False
    values: tuple[str, ...] = ()
    dimension: int | None = None
    metric: Metric | None = None
    read: tuple[Role, ...] = ()
    write: tuple[Role, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class IdRule:
    """How records are named: the field or fields of the id, who makes it, and whether a client
    may give one where the server would make it."""

    make: Make
    fields: tuple[str, ...]
    client: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A way to records of another entity. Of a `many` the field `by` is there, else here."""

    name: str
    entity: str
    by: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index over fields, the tenant always first; or, with a metric, over one of vectors."""

    fields: tuple[str, ...]
    unique: bool = False
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One declared entity. `table` is its name in the database."""

    name: str
    table: str
    id: IdRule
    fields: tuple[Field, ...]
    relations: tuple[Relation, ...] = ()
    indexes: tuple[Index, ...] = ()
    roles: Mapping[Operation, tuple[Role, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    idempotency: Policy = Policy.OPTIONAL
    soft_delete: bool = False
    description: str = ""

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((found for found in self.fields if found.name == name), None)


TABLE_PREFIX = "rec_"
SYSTEM: Mapping[str, str] = MappingProxyType(
    {
        "id": "_id",
        "tenantId": "_tenant",
        "revision": "_rev",
        "createdAt": "_created",
        "updatedAt": "_updated",
        "deletedAt": "_deleted",
    }
)
"""What every record has besides its fields, and in which columns."""

DEFAULT_ROLES: Mapping[Operation, tuple[Role, ...]] = MappingProxyType(
    {
        Operation.READ: (Role.VIEWER,),
        Operation.CREATE: (Role.OPERATOR,),
        Operation.UPDATE: (Role.OPERATOR,),
        Operation.DELETE: (Role.OPERATOR,),
        Operation.RESTORE: (Role.MAINTAINER,),
    }
)
