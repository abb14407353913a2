"""Makes a job for every subscription that has something to send and nobody who sends it.

It looks when changes are announced, and every `LOOK_EVERY_S` besides. Every process that works
has one; the subscription's row decides which of them makes the job.
"""

import asyncio
from functools import partial

import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.jobs.alarm import sleep_or
from hookyard.core.jobs.model import NewJob
from hookyard.core.jobs.port import JobRequests
from hookyard.features.records.feeding import store_subscriptions
from hookyard.features.records.feeding.bell import CHANNEL
from hookyard.features.records.feeding.jobs import KIND
from hookyard.features.records.feeding.ports import IsOver
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

LOOK_EVERY_S = 5.0
SPACING_S = 0.05
CHECK_EVERY_S = 60.0
AT_ONCE = 100
log = structlog.get_logger("hookyard.records")


class Pump:
    """Keeps subscriptions going. `is_over` tells jobs that ended without letting go."""

    def __init__(
        self, database: Database, requests: JobRequests, is_over: IsOver, clock: Clock
    ) -> None:
        self._database = database
        self._requests = requests
        self._is_over = is_over
        self._clock = clock
        self._stir = asyncio.Event()
        self._check_at = float("-inf")

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        self._database.listen(CHANNEL, self._stir.set)
        failing = False
        while True:
            self._stir.clear()
            try:
                await self.turn()
                failing = False
            except HookyardError as error:
                if not failing:
                    log.warning("subscriptions_not_seen", error=error.detail)
                failing = True
            await self._clock.sleep(SPACING_S)
            await sleep_or(self._stir, self._clock, LOOK_EVERY_S)

    async def turn(self) -> int:
        """Make the jobs that are missing; how many were made."""
        if self._clock.monotonic() >= self._check_at:
            self._check_at = self._clock.monotonic() + CHECK_EVERY_S
            await self._let_go_of_ended()
        made = 0
        for tenant, one in await self._database.peek(
            lambda unit: store_subscriptions.due(unit, AT_ONCE)
        ):
            made += await self._database.write(partial(self._start, tenant, one))
        return made

    def _start(self, tenant: str, one: str, unit: Unit) -> int:
        found = store_subscriptions.get(unit, tenant, one, lock=True)
        if found is None or found.job_id is not None or not found.is_active:
            return 0
        payload = {"tenant": tenant, "subscription": one}
        job = NewJob(KIND.name, payload, party=f"records/{tenant}")
        made = self._requests.enqueue(unit, job)
        store_subscriptions.change(unit, tenant, one, {"job_id": made.job_id})
        return 1

    async def _let_go_of_ended(self) -> None:
        """Jobs that were cancelled, or died with their workers, are named no longer."""
        held = await self._database.read(store_subscriptions.worked_on)
        for tenant, one, job_id in held:
            await self._database.write(partial(self._let_go, tenant, one, job_id))

    def _let_go(self, tenant: str, one: str, job_id: str, unit: Unit) -> None:
        if not self._is_over(unit, job_id):
            return
        found = store_subscriptions.get(unit, tenant, one, lock=True)
        if found is not None and found.job_id == job_id:
            store_subscriptions.change(unit, tenant, one, {"job_id": None})
