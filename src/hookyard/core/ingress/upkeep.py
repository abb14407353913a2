"""Housekeeping by the calendar: forget what is old, and bury deliveries whose routing died."""

from collections.abc import Sequence
from functools import partial

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Unit
from hookyard.core.blobs.model import OwnerKind
from hookyard.core.blobs.service import forget_blobs, let_go
from hookyard.core.blobs.sweep import Sweep
from hookyard.core.ingress import store, store_dictionaries
from hookyard.core.ingress.learning import GRACE_MS
from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.ingress.rules import ROUTE_KIND
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Job,
    JobContext,
    JobFilter,
    JobId,
    JobKind,
    JobState,
    Lane,
    Outcome,
)
from hookyard.core.jobs.service import Ledger
from hookyard.kit.json import as_object, as_text
from hookyard.kit.pages import MAX_LIMIT

PURGE = JobKind("upkeep.purge", lane=Lane.BULK, timeout_s=600.0, log_file=False)
SWEEP = JobKind("upkeep.sweep_blobs", lane=Lane.BULK, timeout_s=3600.0, log_file=False)
BURY = JobKind("upkeep.bury", lane=Lane.BULK, timeout_s=60.0, log_file=False)
CRON = (
    CronSpec("purge", "17 * * * *", PURGE.name),
    CronSpec("bury", "* * * * *", BURY.name),
    CronSpec("sweep_blobs", "43 3 * * *", SWEEP.name),
)
DAY_MS = 86_400_000
CHUNK = 500
PURGE_FOR_S = 300.0
PAGES_AT_MOST = 100


class Purge:
    """Deletes finished deliveries and jobs past their retention, in small transactions, for five
    minutes at most; what they had in the blob store goes after each."""

    kind = PURGE

    def __init__(
        self,
        ledger: Ledger,
        retention_days: int,
        files: JobLogFiles | None,
        blobs: Blobs | None = None,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._retention_ms = retention_days * DAY_MS
        self._files = files

    async def __call__(self, ctx: JobContext) -> Outcome:
        before_ms = ctx.clock.now_ms() - self._retention_ms
        deliveries = jobs = blobs = 0
        end_s = ctx.clock.monotonic() + PURGE_FOR_S
        while ctx.clock.monotonic() < end_s:
            gone, bodies = await ctx.write(partial(_purge_deliveries, before_ms=before_ms))
            ended, files = await ctx.write(partial(self._purge_jobs, before_ms=before_ms))
            if self._files is not None:
                self._files.remove(ended)
            if self._blobs is not None:
                blobs += await let_go(self._blobs, (*bodies, *files))
            deliveries, jobs = deliveries + gone, jobs + len(ended)
            if gone < CHUNK and len(ended) < CHUNK:
                break
        await ctx.write(lambda unit: store_dictionaries.purge(unit, GRACE_MS))
        return Done({"deliveries": deliveries, "jobs": jobs, "blobs": blobs})

    def _purge_jobs(self, unit: Unit, before_ms: int) -> tuple[Sequence[JobId], Sequence[str]]:
        """The jobs that went, and the keys of their artifacts and logs."""
        ended = self._ledger.purge(unit, before_ms, CHUNK)
        kinds = (OwnerKind.JOB, OwnerKind.JOB_LOG)
        return ended, [key for kind in kinds for key in forget_blobs(unit, kind, ended)]


def _purge_deliveries(unit: Unit, before_ms: int) -> tuple[int, Sequence[str]]:
    """How many deliveries went, and the keys of their bodies."""
    gone = store.purge(unit, before_ms, CHUNK)
    return len(gone), forget_blobs(unit, OwnerKind.DELIVERY, gone)


class SweepBlobs:
    """Deletes blobs that no row names: what a crash left between a blob and its row."""

    kind = SWEEP

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    async def __call__(self, ctx: JobContext) -> Outcome:
        found = await self._sweep(ctx, ctx.clock.now_ms())
        if found.refused is not None:
            return Fail(found.refused, code="foreign_store")
        return Done(
            {
                "looked_at": found.looked_at,
                "removed": found.removed,
                "leftovers": found.leftovers,
            }
        )


class Bury:
    """Marks deliveries dead whose routing job ended without being able to say so itself."""

    kind = BURY

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, ctx: JobContext) -> Outcome:
        buried = 0
        for state in (JobState.DEAD, JobState.CANCELLED):
            wanted, cursor = JobFilter(state=state, kind=ROUTE_KIND), None
            for _ in range(PAGES_AT_MOST):
                look = partial(self._ledger.list, wanted=wanted, cursor=cursor, limit=MAX_LIMIT)
                page = await ctx.read(look)
                ids = [job.delivery_id for job in page.items if job.delivery_id]
                lost = await ctx.read(partial(store.still_accepted, delivery_ids=ids))
                ended = [job for job in page.items if job.delivery_id in lost]
                if ended:
                    buried += await ctx.write(partial(self._bury, jobs=ended))
                cursor = page.next_cursor
                if cursor is None:
                    break
        return Done({"buried": buried})

    def _bury(self, unit: Unit, jobs: Sequence[Job]) -> int:
        """Those that still are as they were when they were looked at: nobody replayed them."""
        buried = 0
        for job in jobs:
            now = self._ledger.get(unit, job.id)
            delivery = store.get(unit, job.delivery_id or "")
            if now.state is not job.state or delivery is None:
                continue
            if delivery.status is DeliveryStatus.ACCEPTED:
                store.set_status(unit, delivery.id, DeliveryStatus.DEAD, reason=_epitaph(now))
                buried += 1
        return buried


def _epitaph(job: Job) -> str:
    error = as_object(job.error)
    if job.state is JobState.CANCELLED:
        return "cancelled: its routing was cancelled"
    return f"{as_text(error.get('code'))}: {as_text(error.get('reason'))}"
