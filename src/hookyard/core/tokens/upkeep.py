"""Housekeeping by the calendar: expired tokens go, mints that nobody heard of again say so."""

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome
from hookyard.core.tokens import store, store_cache

TIDY = JobKind("upkeep.tokens", lane=Lane.BULK, timeout_s=120.0, log_file=False)
CRON = (CronSpec("tidy-tokens", "*/5 * * * *", TIDY.name),)
LOST_AFTER_MS = 10 * 60_000
DAY_MS = 86_400_000


class TidyTokens:
    """Drops sealed tokens once they have expired, and records past the retention."""

    kind = TIDY

    def __init__(self, retention_days: int) -> None:
        self._retention_days = retention_days

    async def __call__(self, ctx: JobContext) -> Outcome:
        now_ms = ctx.clock.now_ms()

        def tidy(unit: Unit) -> tuple[int, int, int]:
            return (
                store_cache.drop_expired(unit, now_ms),
                store.bury_lost(unit, now_ms - LOST_AFTER_MS),
                store.purge(unit, now_ms - self._retention_days * DAY_MS),
            )

        expired, lost, purged = await ctx.write(tidy)
        return Done({"expired": expired, "lost": lost, "purged": purged})
