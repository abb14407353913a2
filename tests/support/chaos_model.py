"""What a fault campaign saw and left behind, as plain values for the checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Wrong(StrEnum):
    """What a check can find."""

    LOST = "lost"
    DOUBLED = "doubled"
    OVERLAP = "overlap"
    STALE = "stale completion"
    UNFINISHED = "unfinished"
    OUTCOME = "wrong outcome"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be, and the plain facts about it."""

    what: Wrong
    facts: str


@dataclass(frozen=True, slots=True)
class Want:
    """What one delivery must lead to.

    `jobs` counts the jobs it causes by kind, its routing and landings aside. `token` is a word
    that the one answer carries; `answer` says where: in a comment or an issue. `eyes` is the
    comment that gets the one reaction. `status` may name several ends where either is right.
    """

    status: frozenset[str]
    jobs: Mapping[str, int] = field(default_factory=dict)
    token: str = ""
    answer: str = ""
    eyes: int | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """One answer the sender got that says the delivery is on disk. `word` is its status word."""

    code: int
    word: str
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery as its sender knows it. `provider_id` where the provider names one for good."""

    name: str
    source: str
    provider_id: str | None
    want: Want
    acks: Sequence[Ack]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A row of `deliveries`."""

    id: str
    source: str
    provider_id: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of `jobs`."""

    id: str
    kind: str
    key: str | None
    state: str
    lease: int
    delivery_id: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A row of `job_attempts`. Began and ended at these instants, or places in an order."""

    job_id: str
    lease: int
    started_ms: int
    finished_ms: int
    outcome: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A row of `effects`."""

    key: str
    kind: str
    state: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Landed:
    """A thing the App made on GitHub: `kind` is comment, issue or reaction.

    `text` is what it said when it was made, the marker first; of a reaction, its word.
    """

    kind: str
    repository: str
    number: int
    text: str
    comment_id: int | None = None


@dataclass(frozen=True, slots=True)
class CriteriaComment:
    """An issue's criteria as its text has them in the end, and as our comment shows them."""

    repository: str
    number: int
    wanted: frozenset[str]
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class History:
    """Everything the checks look at."""

    sent: Sequence[Sent] = ()
    deliveries: Sequence[DeliveryRow] = ()
    jobs: Sequence[JobRow] = ()
    attempts: Sequence[AttemptRow] = ()
    effects: Sequence[EffectRow] = ()
    landed: Sequence[Landed] = ()
    criteria: Sequence[CriteriaComment] = ()
