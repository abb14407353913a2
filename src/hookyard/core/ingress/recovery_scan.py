"""The first half of recovery: list what the provider has on record, note what is not here.

Each page and its cursor are one transaction, so that an attempt which dies is taken up where it
stood. A dry run writes nothing and starts anew instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.hooks import Hook, HookItem, HookLog, HookPage
from hookyard.adapters.github.port import GitHubMissing, GitHubRefused
from hookyard.core.ingress import recovery_store as store
from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.ingress.receive import Endpoint
from hookyard.core.ingress.recovery_intake import identify
from hookyard.core.ingress.recovery_model import Item, Listing, Order, Place
from hookyard.core.ingress.recovery_rules import (
    CHEAP,
    YOUNG_MS,
    cutoff_ms,
    is_wanted,
    prefix_of,
)
from hookyard.core.jobs.model import JobContext

DEAD = DeliveryStatus.DEAD.value


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A page by what is to be done about it."""

    missing: Sequence[Item]
    listing: Listing


class Scan:
    """Lists one hook's record for one job. Raises what `HookLog` raises."""

    def __init__(
        self, ctx: JobContext, log: HookLog, order: Order, hook: Hook, within_ms: int
    ) -> None:
        self._ctx = ctx
        self._log = log
        self._order = order
        self._hook = hook
        self._within_ms = within_ms

    async def run(self, endpoint: Endpoint) -> Place:
        """List back to where this job must go; what was counted is in the place's listing."""
        spot = await self._begin()
        if spot.is_listed:
            return spot
        since_ms = self._since(spot)
        failures_only = await self._is_costly(since_ms)
        while not spot.is_listed:
            page = await self._page(spot, failures_only=failures_only)
            if page is None:
                spot = replace(spot, cursor=None, listing=Listing())
                continue
            if spot.prefix is None and page.items:
                spot = replace(spot, prefix=await self._prefix(page.items[0], endpoint))
            spot = await self._take(spot, page, since_ms)
            await self._ctx.progress(
                {"phase": "listing", "hook": self._hook.name, **spot.listing.shown()}
            )
        return spot

    async def _begin(self) -> Place:
        """Where this job left off, or its start; a hook never looked at is looked at from now."""
        source, hook, job_id = self._order.plan.source, self._hook.name, self._ctx.job.id
        now_ms = self._ctx.clock.now_ms()
        found = await self._ctx.read(lambda unit: store.place(unit, source, hook))
        if found.job_id == job_id and not self._order.dry_run:
            return found
        fresh = Place(found.watermark_ms, found.prefix, job_id, None, now_ms)
        if self._order.since_ms is None and found.watermark_ms is None:
            fresh = replace(fresh, watermark_ms=now_ms, is_listed=True)
        if not self._order.dry_run:
            await self._ctx.write(lambda unit: store.save_place(unit, source, hook, fresh))
        return fresh

    def _since(self, spot: Place) -> int:
        if self._order.since_ms is not None:
            return self._order.since_ms
        return cutoff_ms(spot.watermark_ms or spot.begun_ms, spot.begun_ms, self._within_ms)

    async def _is_costly(self, since_ms: int) -> bool:
        """Whether so much came since that only what GitHub knows to have failed is asked for."""
        if self._order.everything or self._order.since_ms is not None:
            return False
        source = self._order.plan.source
        came = await self._ctx.read(
            lambda unit: store.count_since(unit, source, since_ms, CHEAP + 1)
        )
        return came > CHEAP

    async def _page(self, spot: Place, *, failures_only: bool) -> HookPage | None:
        """The next page; None when the cursor no longer holds."""
        try:
            return await self._log.page(self._hook, spot.cursor, failures_only=failures_only)
        except GitHubRefused as error:
            if error.status == 422 and spot.cursor is not None:
                return None
            raise

    async def _prefix(self, item: HookItem, endpoint: Endpoint) -> str | None:
        """What this hook's dedupe keys begin with, out of one recorded request.

        # why: the list does not say the ids of hook and target; knowing them, bodies of
        # deliveries that are here need not be fetched.
        """
        try:
            request = await self._log.request(self._hook, item.id)
        except GitHubMissing:
            return None
        key = identify(endpoint, request)
        return None if key is None else prefix_of(key.dedupe_key, item.guid)

    async def _take(self, spot: Place, page: HookPage, since_ms: int) -> Place:
        inside = [item for item in page.items if item.delivered_at_ms >= since_ms]
        is_last = page.cursor is None or len(inside) < len(page.items)

        def work(unit: Unit) -> Place:
            found = self._sort(unit, spot, inside)
            now = replace(
                spot,
                cursor=None if is_last else page.cursor,
                is_listed=is_last,
                listing=spot.listing.plus(found.listing),
                watermark_ms=self._watermark(spot, since_ms) if is_last else spot.watermark_ms,
            )
            if not self._order.dry_run:
                self._note(unit, found.missing)
                store.save_place(unit, self._order.plan.source, self._hook.name, now)
            return now

        return await (self._ctx.read(work) if self._order.dry_run else self._ctx.write(work))

    def _watermark(self, spot: Place, since_ms: int) -> int:
        """A listing that leaves no gap behind it moves the watermark to when it began."""
        if spot.watermark_ms is not None and since_ms > spot.watermark_ms:
            return spot.watermark_ms
        return max(spot.begun_ms, spot.watermark_ms or 0)

    def _sort(self, unit: Unit, spot: Place, items: Sequence[HookItem]) -> _Sorted:
        order = self._order
        wanted = [item for item in items if is_wanted(order.plan, item.event, item.action)]
        filtered = len(items) - len(wanted)
        if order.since_ms is None and not order.everything:
            wanted = [item for item in wanted if item.delivered_at_ms <= spot.begun_ms - YOUNG_MS]
        keys = {item.guid: f"{spot.prefix or ''}{item.guid}" for item in wanted}
        here = store.statuses(unit, order.plan.source, list(keys.values()))
        absent = {
            item.guid: Item(item.guid, item.id, item.event, item.action, item.delivered_at_ms)
            for item in wanted
            if here.get(keys[item.guid], DEAD) == DEAD
        }
        known = store.known(unit, order.plan.source, self._hook.name, list(absent))
        is_asked = order.since_ms is not None
        missing = [item for guid, item in absent.items() if is_asked or guid not in known]
        counted = Listing(len(items), filtered, len(keys) - len(absent), len(missing))
        return _Sorted(missing, counted)

    def _note(self, unit: Unit, missing: Sequence[Item]) -> None:
        source, hook, job_id = self._order.plan.source, self._hook.name, self._ctx.job.id
        if self._order.since_ms is not None:
            store.ask_again(unit, source, hook, missing, job_id)
        store.add(unit, source, hook, missing, job_id, self._ctx.clock.now_ms())
