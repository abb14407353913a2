"""The second half of recovery: fetch what is missing and put it through the door.

The oldest first, a few at a time. What becomes of each is written down after every portion; an
attempt that dies in between fetches at most one portion twice, and the door swallows that.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.hooks import Hook, HookLog
from hookyard.adapters.github.port import GitHubError, GitHubFailed, GitHubLimited, GitHubMissing
from hookyard.core.ingress import recovery_store as store
from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.recovery_intake import state_of, take
from hookyard.core.ingress.recovery_model import Item, ItemState, Place, Settled
from hookyard.core.ingress.recovery_rules import prefix_of
from hookyard.core.jobs.model import JobContext
from hookyard.kit.json import JsonObject

# why: below the number of deliveries in flight at which workers hold back.
AT_ONCE = 6
PORTION = 60
DEAD = DeliveryStatus.DEAD.value


class Pull:
    """Fetches one hook's missing deliveries for one job."""

    def __init__(
        self, ctx: JobContext, log: HookLog, receiver: Receiver, endpoint: Endpoint, hook: Hook
    ) -> None:
        self._ctx = ctx
        self._log = log
        self._receiver = receiver
        self._endpoint = endpoint
        self._hook = hook
        self._source = endpoint.source.id
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._prefix: str | None = None

    async def run(self, spot: Place) -> None:
        """Until nothing is pending. GitHubLimited or GitHubFailed when it must go on later."""
        self._prefix = spot.prefix
        while True:
            items = await self._ctx.read(
                lambda unit: store.pending(unit, self._source, self._hook.name, PORTION)
            )
            if not items:
                break
            await self._portion(items)
        if self._prefix != spot.prefix:
            now = replace(spot, prefix=self._prefix)
            await self._ctx.write(
                lambda unit: store.save_place(unit, self._source, self._hook.name, now)
            )

    async def _portion(self, items: Sequence[Item]) -> None:
        here = await self._here(items)
        rest = [item for item in items if item.guid not in here]
        done = [Settled(item, ItemState.ARRIVED) for item in items if item.guid in here]
        found = await asyncio.gather(*map(self._one, rest), return_exceptions=True)
        settled = [one for one in found if isinstance(one, Settled)]
        errors = [one for one in found if isinstance(one, BaseException)]
        is_down = bool(settled) and all(one.state is ItemState.PENDING for one in settled)
        if not is_down:
            done += settled
        await self._write(done)
        if errors:
            # why: a limit says until when; it is what the job must wait for.
            raise next((e for e in errors if isinstance(e, GitHubLimited)), errors[0])
        if is_down:
            raise GitHubFailed(settled[0].reason or "GitHub did not answer")

    async def _here(self, items: Sequence[Item]) -> set[str]:
        """Which of them arrived by themselves since they were listed."""
        keys = {f"{self._prefix or ''}{item.guid}": item.guid for item in items}
        found = await self._ctx.read(lambda unit: store.statuses(unit, self._source, list(keys)))
        return {keys[key] for key, status in found.items() if status != DEAD}

    async def _one(self, item: Item) -> Settled:
        async with self._gate:
            try:
                request = await self._log.request(self._hook, item.number)
            except GitHubLimited:
                raise
            except GitHubMissing:
                return Settled(item, ItemState.GONE, "GitHub no longer keeps it")
            except GitHubError as error:
                return Settled(item, ItemState.PENDING, str(error))
            accepted = take(self._receiver, self._endpoint, request, item.guid)
            if isinstance(accepted, str):
                return Settled(item, ItemState.FAILED, accepted)
            self._prefix = prefix_of(accepted.dedupe_key, item.guid)
            receipt = await self._receiver.accept(accepted)
            return Settled(item, state_of(accepted, receipt), receipt.reason)

    async def _write(self, done: Sequence[Settled]) -> None:
        source, hook, job_id = self._source, self._hook.name, self._ctx.job.id

        def work(unit: Unit) -> JsonObject:
            store.settle(unit, source, hook, done, job_id)
            left = store.count_pending(unit, source, hook)
            return {"left": left, **store.counts(unit, source, job_id)}

        shown = await self._ctx.write(work)
        await self._ctx.progress({"phase": "fetching", "hook": hook, **shown})
