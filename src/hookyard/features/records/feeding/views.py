"""Subscriptions as they are answered: never a secret, never a cell."""

from hookyard.features.records.feeding.model import WEBHOOK, Subscription, Undelivered
from hookyard.features.records.store_changes import FeedHead
from hookyard.kit.clock import to_rfc3339


def shown_subscription(one: Subscription, head: FeedHead, aside: int) -> dict[str, object]:
    """A subscription; `undelivered` counts what it gave up on."""
    target = {"url": one.url} if one.sink == WEBHOOK else {"sink": one.sink}
    replay = None
    if one.replay_next is not None:
        replay = {"next": one.replay_next, "to": one.replay_to}
    return {
        "id": one.id,
        "name": one.name,
        **target,
        "entities": one.entities,
        "role": one.role.value,
        "state": one.state.value,
        "reason": one.reason,
        "acked": one.acked,
        "head": head.seq,
        "lag": head.seq - one.acked,
        "replay": replay,
        "undelivered": aside,
        "last_error": one.last_error,
        "sent_at": None if one.sent_at_ms is None else to_rfc3339(one.sent_at_ms),
        "created_at": to_rfc3339(one.created_at_ms),
        "created_by": one.created_by,
    }


def shown_aside(one: Undelivered) -> dict[str, object]:
    """A change that was given up on."""
    return {"seq": one.seq, "reason": one.reason, "tries": one.tries, "at": to_rfc3339(one.at_ms)}
