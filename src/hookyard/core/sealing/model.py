"""Types of sealing: where a cell stands, a tenant's data keys, which columns are sealed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.kit.errors import HookyardError, Unavailable


class CellRefused(HookyardError):
    """A sealed value was changed, moved, or sealed for another place."""

    code = "cell_refused"


class KeyDisabled(HookyardError):
    """A value was sealed under a data key that is disabled."""

    code = "data_key_disabled"


class KeyNotLoaded(Unavailable):
    """The data key is not in memory; wait for `Sealer.ready` first."""

    code = "data_key_not_loaded"


class KeyState(StrEnum):
    """A data key is made active, then primary; what it replaced stays active until disabled."""

    PRIMARY = "primary"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands. A cell opens at its own place only.

    `row` is the row's key as text; `row_key` makes one of several columns.
    """

    tenant: str
    table: str
    column: str
    row: str


@dataclass(frozen=True, slots=True)
class DataKey:
    """A tenant's data key as kept: wrapped. `demoted_at_ms` is when it ceased to be primary."""

    id: str
    tenant: str
    provider: str
    key_ref: str
    key_version: str
    blob: bytes = field(repr=False)
    state: KeyState
    created_at_ms: int
    changed_at_ms: int
    demoted_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed cells (BLOB, NULL where there is none), for re-encryption to walk.

    `key` names the columns of the row's key, all of them text, in the order of `Place.row`;
    `tenant` the column that says whose row it is, or None where `only_tenant` owns every row.
    """

    table: str
    column: str
    key: Sequence[str]
    tenant: str | None = None
    only_tenant: str = ""
