"""Housekeeping by the calendar: kept answers, old changes and what was given up on go."""

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency import service as idempotency
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome
from hookyard.features.records import store_changes
from hookyard.features.records.feeding import store_subscriptions

TIDY = JobKind("upkeep.records", lane=Lane.BULK, timeout_s=300.0, log_file=False)
CRON = (CronSpec("tidy-records", "*/10 * * * *", TIDY.name),)
DAY_MS = 86_400_000
CHANGES_AT_ONCE = 5_000
ROUNDS = 50


class TidyRecords:
    """Drops answers of idempotency keys that are over, and changes past the retention."""

    kind = TIDY

    def __init__(self, retention_days: int) -> None:
        self._retention_days = retention_days

    async def __call__(self, ctx: JobContext) -> Outcome:
        now_ms = ctx.clock.now_ms()
        before_ms = now_ms - self._retention_days * DAY_MS

        def keys(unit: Unit) -> int:
            return idempotency.purge(unit, now_ms)

        def changes(unit: Unit) -> int:
            return store_changes.purge(unit, before_ms, CHANGES_AT_ONCE)

        def undelivered(unit: Unit) -> int:
            return store_subscriptions.purge(unit, before_ms)

        gone = {"keys": 0, "changes": 0, "undelivered": await ctx.write(undelivered)}
        for name, work in (("keys", keys), ("changes", changes)):
            for _ in range(ROUNDS):
                count = await ctx.write(work)
                gone[name] += count
                if count == 0:
                    break
        return Done(dict(gone))
