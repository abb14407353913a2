"""The sweep: blobs that no row names, older than a day, are deleted.

A crash between the blob and its row, or between the row's end and the blob's, leaves such blobs.
A store is swept only by the Hookyard whose mark it carries: another's database names none of its
blobs, and would have them all deleted.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from hookyard.adapters.blobs.port import PAGE, BlobExists, Blobs
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import Unit
from hookyard.core.blobs import store
from hookyard.core.blobs.model import Area, BlobRef, OwnerKind, Swept
from hookyard.core.blobs.rules import DAY_MS, judge
from hookyard.core.blobs.service import let_go
from hookyard.kit.ids import IdMaker, is_id

MARK = "hookyard-owner"
PAGES_AT_MOST = 10_000
FOREIGN = "the blob store belongs to another Hookyard"
T = TypeVar("T")


class Transactions(Protocol):
    """Where the sweep reads and writes: a job's context is one."""

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Run a unit that only reads."""
        ...

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit."""
        ...


class Sweep:
    """Goes through the whole store, a page at a time."""

    def __init__(
        self,
        blobs: Blobs,
        ids: IdMaker,
        *,
        page: int = PAGE,
    ) -> None:
        self._blobs = blobs
        self._ids = ids
        self._page = page

    async def __call__(self, database: Transactions, now_ms: int) -> Swept:
        """Delete what nobody names. Unavailable when the store or the database is away."""
        if not await self._is_ours(database, now_ms):
            return Swept(0, 0, 0, FOREIGN)
        leftovers = await self._blobs.tidy(now_ms - DAY_MS)
        looked_at = removed = 0
        for area in Area:
            after: str | None = None
            for _ in range(PAGES_AT_MOST):
                page = await self._blobs.list(area.value, after, self._page)
                suspects = judge(page.items, now_ms).suspects
                named = await database.read(partial(store.named, keys=suspects))
                removed += await let_go(self._blobs, (k for k in suspects if k not in named))
                looked_at += len(page.items)
                after = page.after
                if after is None:
                    break
        return Swept(looked_at, removed, leftovers)

    async def _is_ours(self, database: Transactions, now_ms: int) -> bool:
        """Whether the store carries our mark, which an unmarked one is given.

        # why: the row comes before the mark, so that a crash between them leaves no store that
        # nobody owns up to.
        """
        own = await database.read(self._mark)
        if own is None:
            fresh = self._ids.new(now_ms)
            await database.write(partial(self._remember, owner=fresh, now_ms=now_ms))
            own = await database.read(self._mark) or fresh
        try:
            await self._blobs.put(MARK, once(own.encode()))
        except BlobExists:
            return await self._marked() == own
        return True

    def _mark(self, unit: Unit) -> str | None:
        found = store.of(unit, OwnerKind.STORE, MARK)
        return found[0].name if found else None

    def _remember(self, unit: Unit, owner: str, now_ms: int) -> None:
        unit.lock(MARK)
        if self._mark(unit) is None:
            ref = BlobRef(MARK, OwnerKind.STORE, MARK, owner, len(owner), "", "", now_ms)
            store.add(unit, ref)

    async def _marked(self) -> str | None:
        reading = await self._blobs.get(MARK)
        text = b"".join([chunk async for chunk in reading.chunks]).decode("ascii", "replace")
        return text if is_id(text) else None
