"""What the relay reads: the head of each lane's ready jobs, and when the next held job is due.

Both walk a partial index, so neither the history nor what waits makes them slower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.jobs import store
from hookyard.core.jobs.model import JobId, Lane

_READY = RawSql.same(
    "SELECT id, lease, run_at_ms FROM jobs WHERE state = 'queued' AND lane = $1"
    " ORDER BY priority DESC, turn, id LIMIT $2"
)
_NEXT_DUE = RawSql.same(
    "SELECT min(waiting_until_ms) FROM jobs WHERE state = 'waiting'"
    " AND waiting_until_ms IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A job that may be claimed now. Its lease tells one wait from the next."""

    job_id: JobId
    lane: Lane
    lease: int
    run_at_ms: int


@dataclass(frozen=True, slots=True)
class Heads:
    """The most urgent ready jobs of each lane, and the next due instant of held ones."""

    ready: Mapping[Lane, Sequence[Ready]]
    next_due_ms: int | None


def heads(unit: Unit, at_most: int) -> Heads:
    """Up to `at_most` ready jobs of each lane, in the order they are claimed."""
    found = {
        lane: [
            Ready(JobId(str(job_id)), lane, store.whole(lease), store.whole(run_at))
            for job_id, lease, run_at in unit.fetch_raw(_READY, lane.value, at_most)
        ]
        for lane in Lane
    }
    return Heads(found, store.optional_whole(unit.fetch_raw(_NEXT_DUE)[0][0]))
