"""Types of recovery: which hooks a source has, what is missing, and how far it has come."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum

from hookyard.kit.json import JsonObject

KIND_NAME = "ingress.recover"
RECOVERED = "x-hookyard-recovered"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a source's deliveries are recovered.

    `owners` are the App ("app"), repositories ("acme/shop") and organisations ("acme") whose
    hooks send to this source; for Jira there are none. `events` None means every event.
    """

    source: str
    provider: str
    owners: tuple[str, ...]
    events: frozenset[str] | None = None
    actions: tuple[tuple[str, frozenset[str]], ...] = ()
    skipped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unplanned:
    """Why a source's deliveries cannot be recovered."""

    source: str
    reason: str


class ItemState(StrEnum):
    """What became of a missing delivery.

    `taken` is on disk now; `arrived` came by itself meanwhile; `revived` was here with dead work
    that is queued again; `gone` is no longer kept by the provider; `failed` could not be read
    after several tries, or is none of this source's.
    """

    PENDING = "pending"
    TAKEN = "taken"
    ARRIVED = "arrived"
    REVIVED = "revived"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery the provider has on record and we do not. `number` is the provider's id of it."""

    guid: str
    number: int
    event: str
    action: str | None
    delivered_at_ms: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one item in one try."""

    item: Item
    state: ItemState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Counts of one listing: all, not wanted, here already, missing (for the first time)."""

    listed: int = 0
    filtered: int = 0
    present: int = 0
    missing: int = 0

    def plus(self, other: "Listing") -> "Listing":
        """Both together."""
        return Listing(
            self.listed + other.listed,
            self.filtered + other.filtered,
            self.present + other.present,
            self.missing + other.missing,
        )

    def shown(self) -> JsonObject:
        """As progress and results show it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing of one hook stands. `cursor` None starts at the newest."""

    watermark_ms: int | None = None
    prefix: str | None = None
    job_id: str | None = None
    cursor: str | None = None
    begun_ms: int = 0
    is_listed: bool = False
    listing: Listing = field(default_factory=Listing)


@dataclass(frozen=True, slots=True)
class Order:
    """What one job is asked to do. `since_ms` None goes back to the watermark."""

    plan: Plan
    since_ms: int | None
    dry_run: bool
    everything: bool
