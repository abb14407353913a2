"""Recovery from Jira: its list of failed webhooks brings the bodies with it.

The list is read from the oldest on; after each page the watermark stands at the last failure in
it, so an attempt that dies goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hookyard.adapters.jira.port import FailedHook, FailedLog
from hookyard.core.ingress import recovery_store as store
from hookyard.core.ingress.model import Accepted, Identity, InboundRequest
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.recovery_intake import marked
from hookyard.core.ingress.recovery_model import Listing, Order, Place
from hookyard.core.ingress.recovery_rules import cutoff_ms, is_ours
from hookyard.core.jobs.model import JobContext

JiraSources: TypeAlias = Mapping[str, FailedLog]
HOOK = "failed"
PAGES_AT_MOST = 10_000


class JiraScan:
    """Takes in what one site could not deliver. Raises JiraError."""

    def __init__(
        self, ctx: JobContext, log: FailedLog, receiver: Receiver, endpoint: Endpoint
    ) -> None:
        self._ctx = ctx
        self._log = log
        self._receiver = receiver
        self._endpoint = endpoint
        self._source = endpoint.source.id

    async def run(self, order: Order, within_ms: int) -> Listing:
        """Read the list from where this job must begin; counts, `missing` are those taken in."""
        begun_ms = self._ctx.clock.now_ms()
        spot = await self._ctx.read(lambda unit: store.place(unit, self._source, HOOK))
        if order.since_ms is None and spot.watermark_ms is None:
            await self._save(replace(spot, watermark_ms=begun_ms, is_listed=True))
            return Listing()
        after_ms = order.since_ms
        if after_ms is None:
            after_ms = cutoff_ms(spot.watermark_ms or begun_ms, begun_ms, within_ms)
        # why: what was seen in this run stands in the overlap of two pages.
        seen: set[str] = set()
        total = Listing()
        for _ in range(PAGES_AT_MOST):
            page = await self._log.page(after_ms)
            fresh = [item for item in page.items if item.id not in seen]
            seen.update(item.id for item in fresh)
            total = total.plus(await self._take(fresh, dry_run=order.dry_run))
            await self._ctx.progress({"phase": "listing", "hook": HOOK, **total.shown()})
            if not page.more:
                break
            # why: several may have failed in one millisecond and stand on two pages.
            last_ms = page.items[-1].failed_at_ms
            after_ms = max(after_ms, last_ms - 1 if fresh else last_ms)
            if not order.dry_run:
                spot = await self._mark(spot, order, after_ms)
        if not order.dry_run:
            await self._mark(spot, order, begun_ms)
        return total

    async def _mark(self, spot: Place, order: Order, at_ms: int) -> Place:
        """Move the watermark, unless the run began after it and so would leave a gap."""
        mark_ms = spot.watermark_ms
        if mark_ms is not None and order.since_ms is not None and order.since_ms > mark_ms:
            return spot
        now = replace(spot, watermark_ms=max(at_ms, mark_ms or 0), job_id=self._ctx.job.id)
        await self._save(now)
        return now

    async def _save(self, now: Place) -> None:
        await self._ctx.write(lambda unit: store.save_place(unit, self._source, HOOK, now))

    async def _take(self, items: Sequence[FailedHook], *, dry_run: bool) -> Listing:
        ours = [item for item in items if is_ours(item.url, self._endpoint.source)]
        made = [one for item in ours if (one := self._accepted(item)) is not None]
        keys = [one.dedupe_key for one in made]
        here = await self._ctx.read(lambda unit: store.statuses(unit, self._source, keys))
        missing = [one for one in made if one.dedupe_key not in here]
        taken = len(missing)
        if not dry_run:
            taken = 0
            for one in missing:
                receipt = await self._receiver.accept(one)
                taken += receipt.delivery_id == one.id
        return Listing(len(items), len(items) - len(made), len(made) - taken, taken)

    def _accepted(self, item: FailedHook) -> Accepted | None:
        headers = {
            b"content-type": b"application/json",
            b"x-atlassian-webhook-identifier": item.id.encode("latin-1", "replace"),
        }
        request = InboundRequest("POST", headers, item.body)
        identity = self._endpoint.provider.identify(request)
        if not isinstance(identity, Identity):
            return None
        return marked(self._receiver.prepare(self._endpoint, request, identity), is_exact=True)
