"""Types of the job ledger."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol, TypeAlias, TypeVar

import msgspec

from hookyard.adapters.database.port import Unit
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject

JobId = NewType("JobId", str)
T = TypeVar("T")


class JobState(StrEnum):
    """`queued` is ready to be claimed now; `waiting` is held by something that has a name."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED})
ACTIVE = frozenset(JobState) - TERMINAL


class Lane(StrEnum):
    """How soon work should start; lanes share the workers by weight."""

    CRITICAL = "critical"
    HIGH = "high"
    DEFAULT = "default"
    BULK = "bulk"


LANE_WEIGHTS: Mapping[Lane, int] = {
    Lane.CRITICAL: 8,
    Lane.HIGH: 4,
    Lane.DEFAULT: 2,
    Lane.BULK: 1,
}


class KeyPolicy(StrEnum):
    """What a new job does when another with its key is not finished yet."""

    QUEUE = "queue"
    CANCEL_RUNNING = "cancel_running"
    DROP_NEW = "drop_new"
    DEBOUNCE = "debounce"


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """Why a job waits: `what` is time, key, breaker, limit, pause, budget or kind."""

    what: str
    holder: str | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done. `payload` is JSON; unset limits come from the kind's `JobKind`.

    Parties share a lane fairly; a job that names none belongs to its repository's owner.
    `version` is the schema of the payload; None is the one its kind has here.
    """

    kind: str
    payload: JsonObject
    lane: Lane | None = None
    priority: int = 0
    key: str | None = None
    policy: KeyPolicy | None = None
    run_at_ms: int | None = None
    max_attempts: int | None = None
    timeout_s: float | None = None
    debounce_s: float = 0.0
    debounce_max_s: float = 0.0
    delivery_id: str | None = None
    repository: str | None = None
    party: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that will do the work; `folded` when it is one that was there already."""

    job_id: JobId
    folded: bool = False


class Job(msgspec.Struct, frozen=True):
    """A row of the ledger. A struct: one is made for every claim."""

    id: JobId
    kind: str
    lane: Lane
    priority: int
    key: str | None
    policy: KeyPolicy
    state: JobState
    payload: JsonObject
    attempt: int
    max_attempts: int
    lease: int
    created_at_ms: int
    run_at_ms: int
    started_at_ms: int | None
    finished_at_ms: int | None
    leased_until_ms: int | None
    worker: str | None
    waiting_for: WaitingFor | None
    cancel_requested: bool
    delivery_id: str | None
    repository: str | None
    timeout_s: float
    progress: Json
    result: Json
    error: Json
    version: int = 1


@dataclass(frozen=True, slots=True)
class JobBrief:
    """A job as the delivery that caused it shows it."""

    id: JobId
    kind: str
    state: JobState
    repository: str | None


@dataclass(frozen=True, slots=True)
class JobKind:
    """What the ledger needs to know of a kind of work; `version` is its payload's schema.

    `skip_delayed` lets later jobs of its key overtake it while it is held. `needs` names the
    dependencies whose open breaker holds the kind. `log_file` is off for kinds that come by the
    thousand and have nothing to tell.
    """

    name: str
    lane: Lane = Lane.DEFAULT
    policy: KeyPolicy = KeyPolicy.QUEUE
    max_attempts: int = 5
    timeout_s: float = 300.0
    backoff: Backoff = field(default_factory=Backoff)
    skip_delayed: bool = False
    version: int = 1
    needs: tuple[str, ...] = ()
    log_file: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """The attempt succeeded. `apply` runs in the transaction that records it."""

    result: Json = None
    apply: Callable[[Unit], None] | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again later: after `after_s`, or by the kind's backoff when None. Counts."""

    reason: str
    after_s: float | None = None
    code: str = "failed"


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now, and not the job's fault: put back without counting the attempt."""

    waiting_for: WaitingFor


@dataclass(frozen=True, slots=True)
class Fail:
    """It can never succeed as it stands: dead, with the reason. `apply` as in `Done`."""

    reason: str
    code: str = "failed"
    apply: Callable[[Unit], None] | None = None


Outcome: TypeAlias = Done | Retry | Hold | Fail


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt ended because the job was cancelled."""

    reason: str = "cancelled"


@dataclass(frozen=True, slots=True)
class Released:
    """The worker gave the job back before it ended; an attempt that had not begun is free."""

    reason: str
    begun: bool


Ending: TypeAlias = Outcome | Stopped | Released


class Finished(msgspec.Struct, frozen=True):
    """A claimed job and how its attempt ended."""

    job: Job
    ending: Ending


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job, as history keeps it. `outcome` is a word of `rules.AttemptEnd`."""

    job_id: JobId
    lease: int
    attempt: int
    worker: str | None
    started_at_ms: int | None
    finished_at_ms: int
    outcome: str
    error: Json


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a job's log."""

    seq: int
    attempt: int
    at_ms: int
    level: str
    message: str
    fields: JsonObject


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list or a replay of many is about; None matches all."""

    state: JobState | None = None
    kind: str | None = None
    lane: Lane | None = None
    key: str | None = None
    repository: str | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A worker asks for work. `running` is what it has by lane, `credit` from its last claim.

    `capacity` counts what it may have in hand in all; `at_most` limits what it takes of a lane now.
    """

    worker: str
    capacity: int
    running: Mapping[Lane, int]
    credit: Mapping[Lane, int]
    lease_s: float = 60.0
    lanes: frozenset[Lane] = frozenset(Lane)
    at_most: Mapping[Lane, int] | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a worker got, its credit for the next claim, and when the next held job is due."""

    jobs: tuple[Job, ...]
    credit: Mapping[Lane, int]
    next_due_ms: int | None
    more: bool = False


class JobContext(Protocol):
    """What a running attempt may use."""

    job: Job
    clock: Clock
    cancelled: asyncio.Event

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Read the database."""
        ...

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Write under this attempt's lease; StaleLease when it was lost."""
        ...

    async def log(self, message: str, **fields: Json) -> None:
        """One line of the job's log."""
        ...

    async def progress(self, value: Json) -> None:
        """Replace the job's progress."""
        ...


class JobHandler(Protocol):
    """Does one kind of work. Raising is a failed attempt; the outcome says everything else."""

    kind: JobKind

    async def __call__(self, ctx: JobContext) -> Outcome: ...
