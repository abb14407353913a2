"""The product with one thing broken, to see that the simulation notices.

Each is a mistake somebody could make, and a context in which the product makes it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import msgspec

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.ingress import receive
from hookyard.core.ingress.model import Accepted, Receipt
from hookyard.core.jobs import rules, service, store_hot, turns
from hookyard.core.jobs.election import Election
from hookyard.core.jobs.model import Job, JobState
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing import rules as landing

_SUCCEED = RawSql.same(
    "UPDATE jobs SET state = 'succeeded', finished_at_ms = $2, result = $3 WHERE id = $1"
)


_HISTORY = RawSql.same(
    "INSERT OR REPLACE INTO job_attempts (job_id, lease, attempt, worker, started_at_ms,"
    " finished_at_ms, outcome) VALUES ($1, $2, $3, $4, $5, $6, 'succeeded')"
)


def stale_finish() -> AbstractContextManager[Any]:
    """An end is recorded whoever runs the job by now."""
    return patch.object(rules, "holds_lease", lambda life, lease: life.state is JobState.RUNNING)


def twice_finish() -> AbstractContextManager[Any]:
    """An end is recorded again when nobody knows whether it was."""
    return patch.object(rules, "holds_lease", lambda life, lease: life.lease == lease)


def stale_success() -> AbstractContextManager[Any]:
    """Jobs without a key succeed by their id, whatever became of them meanwhile."""

    def succeed(unit: Unit, ended: Sequence[tuple[Job, str | None]], now_ms: int) -> set[str]:
        for job, result in ended:
            unit.run_raw(_SUCCEED, job.id, now_ms, result)
            unit.run_raw(
                _HISTORY, job.id, job.lease, job.attempt, job.worker, job.started_at_ms, now_ms
            )
        return {job.id for job, _ in ended}

    return patch.object(store_hot, "succeed", succeed)


def unfenced_writes() -> AbstractContextManager[Any]:
    """An attempt writes without a look at its lease."""
    return patch.object(Ledger, "require_lease", lambda self, unit, job: None)


def same_lease() -> AbstractContextManager[Any]:
    """A claim does not raise the lease."""
    return _instead(store_hot, "_CLAIM", "lease = lease + 1", "lease = lease")


def free_attempts() -> AbstractContextManager[Any]:
    """A claim does not count the attempt."""
    return _instead(store_hot, "_CLAIM", "attempt = attempt + 1", "attempt = attempt")


def no_sweep() -> AbstractContextManager[Any]:
    """Nobody takes back the jobs of dead workers."""
    return patch.object(Ledger, "sweep_expired", lambda self, unit: [])


def hasty_sweep() -> AbstractContextManager[Any]:
    """Jobs are taken back while their lease still runs."""

    def sweep(self: Any, unit: Unit) -> Sequence[Any]:
        now_ms = self.clock.now_ms()
        found = service.store_cold.expired(unit, now_ms + 4_500, service.SWEEP_AT_MOST)
        return self._reclaim(unit, found, now_ms, None)  # type: ignore[no-any-return]

    return patch.object(Ledger, "sweep_expired", sweep)


def no_promotion() -> AbstractContextManager[Any]:
    """What is due stays waiting."""
    return patch.object(Ledger, "_promote", lambda self, unit, now_ms: False)


def no_next_in_line() -> AbstractContextManager[Any]:
    """Whoever leaves a key does not let the next one go."""
    return patch.object(turns, "settle", lambda unit, key, now_ms: None)


def no_dedupe() -> AbstractContextManager[Any]:
    """A delivery that comes again is taken for a new one."""
    real = receive.Receiver.prepare

    def prepare(self: Any, *args: Any, **options: Any) -> Accepted:
        accepted = real(self, *args, **options)
        return msgspec.structs.replace(accepted, dedupe_key=accepted.id)

    return patch.object(receive.Receiver, "prepare", prepare)


def early_answer() -> AbstractContextManager[Any]:
    """A delivery is acknowledged before it is on disk."""
    real = receive.Receiver.send

    def send(self: Any, delivery: Accepted, tell: Callable[[Any], None]) -> None:
        tell(Receipt(delivery.id, duplicate=False))
        real(self, delivery, lambda answer: None)

    return patch.object(receive.Receiver, "send", send)


def no_routing_job() -> AbstractContextManager[Any]:
    """A delivery is stored without the job that routes it."""
    return patch.object(Ledger, "enqueue_for_deliveries", lambda self, unit, job, ids: ())


def no_look() -> AbstractContextManager[Any]:
    """After a call without an answer nobody looks what GitHub made of it."""
    return patch.object(landing, "must_look", lambda row, look_on_first: False)


def hasty_look() -> AbstractContextManager[Any]:
    """The look does not wait until GitHub can no longer be at work on the call."""
    return patch.object(landing, "under_way_until_ms", lambda row, now_ms, settle_ms: None)


def no_intent() -> AbstractContextManager[Any]:
    """Nobody writes down that a call is about to be made."""
    return patch.object(landing, "intend", lambda row, call, now_ms: row)


def old_generation() -> AbstractContextManager[Any]:
    """A wish that came while an older one was being landed counts as landed with it."""
    real = landing.landed

    def landed(row: Any, generation: int, now_ms: int) -> Any:
        return replace(real(row, row.generation, now_ms), landed_hash=row.desired_hash)

    return patch.object(landing, "landed", landed)


def unfenced_office() -> AbstractContextManager[Any]:
    """A scheduler that was replaced goes on writing."""
    return patch.object(Election, "require", lambda self, unit, term: None)


def _instead(module: Any, name: str, old: str, new: str) -> AbstractContextManager[Any]:
    """A statement with some words changed."""
    sql: RawSql = getattr(module, name)
    assert old in sql.sqlite
    return patch.object(module, name, RawSql(sql.sqlite.replace(old, new), sql.postgresql))


MUTATIONS: Sequence[Callable[[], AbstractContextManager[Any]]] = (
    stale_finish,
    twice_finish,
    stale_success,
    unfenced_writes,
    same_lease,
    free_attempts,
    no_sweep,
    hasty_sweep,
    no_promotion,
    no_next_in_line,
    no_dedupe,
    early_answer,
    no_routing_job,
    no_look,
    hasty_look,
    no_intent,
    old_generation,
    unfenced_office,
)
