"""Types of leases: what an outside agent asks for, holds and reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.core.identity.model import Scope
from hookyard.core.jobs.model import Done, Fail, Job, Lane
from hookyard.core.jobs.pauses_model import owner_of
from hookyard.core.jobs.rules import Step
from hookyard.kit.json import Json, JsonObject

WORKER_PREFIX = "agent:"
LIMIT_OF = "agents of "


@dataclass(frozen=True, slots=True)
class Agent:
    """Who leases: the key it holds, the name it gave, how far the key reaches.

    `kinds` and `lanes` are the key's restrictions; empty ones restrict nothing.
    """

    key_id: str
    name: str
    reach: tuple[Scope, ...]
    kinds: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    max_leases: int | None = None

    @property
    def worker(self) -> str:
        """How the ledger names it: `agent:<key id>/<name>`."""
        return f"{WORKER_PREFIX}{self.key_id}/{self.name}"

    def owns(self, job: Job) -> bool:
        """Whether the attempt that runs was leased with this agent's key."""
        return (job.worker or "").startswith(f"{WORKER_PREFIX}{self.key_id}/")


@dataclass(frozen=True, slots=True)
class Ask:
    """At most `count` jobs of these kinds and lanes, each leased for `lease_s` seconds."""

    kinds: tuple[str, ...]
    lanes: tuple[Lane, ...]
    count: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class LeaseLimits:
    """Leases that may run at once: of one key, and for the repositories of one owner."""

    per_key: int
    per_owner: int
    lease_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A job that an agent may take now. In a lane, the lowest `rank` goes first."""

    job_id: str
    key: str | None
    kind: str
    lane: Lane
    repository: str | None
    rank: tuple[int, int, str]

    @property
    def owner(self) -> str | None:
        """Who owns its repository, lower case; None without one."""
        return owner_of(self.repository) or None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request got. `held_by` says what kept it from more; `credit` is for its next turn.

    `again`: others were taking what there was; it is worth asking again at once.
    """

    jobs: tuple[Job, ...]
    credit: Mapping[Lane, int]
    held_by: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """Answer to a heartbeat. `ended` is how the attempt ended when its time was up."""

    job: Job
    heartbeat_by_ms: int
    cancel_requested: bool
    ended: Step | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line an agent wants in the log of its job."""

    message: str
    level: str = "info"
    fields: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent says when it is done."""

    result: Json = None
    summary: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A job whose attempt was ended by its agent; `step` is None when it had ended so before."""

    job: Job
    step: Step | None


Finisher: TypeAlias = Callable[[Job, Answer], Done | Fail]
"""Turns an agent's answer into the end of the attempt, with the effects that follow from it."""
