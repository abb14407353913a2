"""Housekeeping by the calendar: old runs go, and what they had in the blob store."""

from hookyard.adapters.blobs.port import Blobs
from hookyard.core.blobs.service import let_go
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import Done, JobContext, JobKind, Lane, Outcome
from hookyard.features.testruns.service import TestRuns

TIDY = JobKind("upkeep.test_runs", lane=Lane.BULK, timeout_s=600.0, log_file=False)
CRON = (CronSpec("tidy-test-runs", "29 * * * *", TIDY.name),)
CHUNK = 50
ROUNDS = 200


class TidyTestRuns:
    """Forgets old runs, in small transactions."""

    kind = TIDY

    def __init__(self, runs: TestRuns, blobs: Blobs, retention_days: int) -> None:
        self._runs = runs
        self._blobs = blobs
        self._retention_days = retention_days

    async def __call__(self, ctx: JobContext) -> Outcome:
        gone = 0
        for _ in range(ROUNDS):
            purged = await ctx.write(
                lambda unit: self._runs.purge(unit, ctx.clock.now_ms(), self._retention_days, CHUNK)
            )
            await let_go(self._blobs, purged.keys)
            gone += purged.runs
            if purged.runs < CHUNK:
                break
        return Done({"runs": gone})
