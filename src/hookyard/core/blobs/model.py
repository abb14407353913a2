"""What names a blob: an owner, and the name it has there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """The folder of the store a blob lies in, by what it is."""

    DELIVERIES = "deliveries"
    ARTIFACTS = "artifacts"
    LOGS = "logs"
    REPORTS = "reports"


class OwnerKind(StrEnum):
    """What a blob belongs to. `store` is the mark by which a store is known to be ours."""

    DELIVERY = "delivery"
    JOB = "job"
    JOB_LOG = "job_log"
    TEST_REPORT = "test_report"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that a row names. `size` in bytes, `sha256` in lower-case hexadecimal.

    An owner has one blob of a name.
    """

    key: str
    owner_kind: OwnerKind
    owner_id: str
    name: str
    size: int
    sha256: str
    content_type: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a portion of rows keeps, in bytes by repository ("" for none, lower case). `after` is
    where the next portion begins; None at the end."""

    sizes: Mapping[str, int]
    after: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A page of the store, looked at: what may go if no row names it, and how many stay."""

    suspects: Sequence[str]
    kept: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did. `refused` says why it removed nothing, where it did not dare."""

    looked_at: int
    removed: int
    leftovers: int
    refused: str | None = None
