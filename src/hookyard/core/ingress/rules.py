"""Decisions about deliveries, as values that carry their reasons."""

from dataclasses import dataclass

from hookyard.core.ingress.model import DeliveryStatus

ROUTE_KIND = "ingress.route"
AGENT_TASK = "agent.task"
BOOKKEEPING = frozenset(
    {"installation", "installation_repositories", "installation_target", "repository"}
)


@dataclass(frozen=True, slots=True)
class Redelivery:
    """Whether a delivery that came again is a duplicate, and why."""

    duplicate: bool
    reason: str


def on_redelivery(status: DeliveryStatus, revived: int) -> Redelivery:
    """What to answer when the provider sends a known delivery again.

    `revived` is how many of its dead jobs were queued again: a redelivery of work that never
    finished goes through, one of work that finished or is under way is swallowed.
    """
    if revived:
        return Redelivery(
            duplicate=False, reason=f"sent again; {revived} unfinished job(s) queued again"
        )
    match status:
        case DeliveryStatus.ACCEPTED:
            return Redelivery(duplicate=True, reason="already accepted; its routing is under way")
        case DeliveryStatus.ROUTED:
            return Redelivery(duplicate=True, reason="already routed to jobs")
        case DeliveryStatus.IGNORED:
            return Redelivery(duplicate=True, reason="already seen, and ignored")
        case DeliveryStatus.DEAD:
            return Redelivery(
                duplicate=True, reason="already seen, and dead with nothing left to retry"
            )
