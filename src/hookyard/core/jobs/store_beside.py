"""Jobs added by the statement that stores deliveries: one round trip to Postgres for both.

The way in cannot know this room's table, and this room cannot know that one's: each writes its
part of the statement, and they meet in the name `fresh`.
"""

from collections.abc import Sequence
from functools import lru_cache

from hookyard.core.jobs.port import JobsBeside
from hookyard.core.jobs.store_fairness import turn_of
from hookyard.core.jobs.store_hot import Fresh


@lru_cache(maxsize=8)
def _sql(first: int) -> str:
    ids, deliveries, kind, lane, priority, tries, now, timeout, version, skippable = (
        f"${first + n}" for n in range(10)
    )
    return (
        "INSERT INTO jobs (id, kind, lane, priority, policy, state, payload, max_attempts,"
        " created_at_ms, run_at_ms, delivery_id, timeout_ms, version, skippable, turn)"
        f" SELECT j.i, {kind}, {lane}, {priority}, 'queue', 'queued',"
        """ '{"delivery_id":"' || j.d || '"}',"""
        f" {tries}, {now}, {now}, j.d, {timeout}, {version}, {skippable}, {turn_of(None, lane)}"
        f" FROM unnest({ids}::text[], {deliveries}::text[]) AS j(i, d) JOIN fresh ON fresh.id = j.d"
    )


def jobs_beside(
    shared: Fresh, ids: Sequence[str], delivery_ids: Sequence[str], now_ms: int, first: int
) -> JobsBeside:
    """The part of the statement, its parameters numbered from `first` on."""
    return JobsBeside(
        _sql(first),
        (
            list(ids), list(delivery_ids), shared.kind, shared.lane, shared.priority,
            shared.max_attempts, now_ms, shared.timeout_ms, shared.version, shared.skippable,
        ),
    )  # fmt: skip
