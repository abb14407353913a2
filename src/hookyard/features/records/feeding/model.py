"""Types of consumers, subscriptions and what they send."""

from dataclasses import dataclass, field
from enum import StrEnum

from hookyard.core.identity.model import Role

WEBHOOK = "webhook"
MAX_URL = 2_048
MAX_ENTITIES = 50
OVERLAP_S = 86_400
MAX_OVERLAP_S = 30 * 86_400
ROLES = (Role.VIEWER, Role.OPERATOR, Role.MAINTAINER, Role.ADMIN)
"""What a subscription may see."""


class SubscriptionState(StrEnum):
    """Whether a subscription sends. Paused ones keep their place in the feed."""

    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader whose place in the feed is kept here: all up to `acked` is done with."""

    tenant: str
    name: str
    acked: int
    created_at_ms: int
    created_by: str
    acked_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Sends changes on: to a `url`, signed, or to a sink that settings name.

    `entities` is empty for all that `role` may read. All up to `acked` was sent or set aside;
    `replay_next` to `replay_to` is a range being sent once more. `job_id` is the job that sends
    now; `secret` and `former` are sealed cells.
    """

    tenant: str
    id: str
    name: str
    sink: str
    url: str
    entities: tuple[str, ...]
    role: Role
    state: SubscriptionState
    reason: str
    acked: int
    replay_next: int | None
    replay_to: int | None
    job_id: str | None
    in_a_row: int
    secret: bytes | None = field(repr=False)
    former: bytes | None = field(repr=False)
    former_until_ms: int | None
    created_at_ms: int
    created_by: str
    changed_at_ms: int
    sent_at_ms: int | None
    last_error: str

    @property
    def is_active(self) -> bool:
        """Whether it sends."""
        return self.state is SubscriptionState.ACTIVE


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A change that a subscription gave up on; it can be sent again while the feed has it."""

    seq: int
    reason: str
    tries: int
    at_ms: int
