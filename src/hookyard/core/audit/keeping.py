"""The duty that keeps the trail: seals each chain by a signed checkpoint, and lets old entries go.

# why: who can write to the database could rewrite the whole chain; what was sealed before, and the
# key that is not in the database, tells.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from hookyard.adapters.database.port import Unit
from hookyard.core.audit import store
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.audit.signing import AuditKey
from hookyard.kit.clock import Clock

T = TypeVar("T")

EVERY_S = 3_600.0
PORTION = 2_000
SYSTEM = "system:audit"


class Writes(Protocol):
    """The database as whoever does a duty may use it."""

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit."""
        ...

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Run a unit that only reads."""
        ...


class Keeper:
    """Seals and purges. `keep_days` None keeps everything."""

    def __init__(self, key: AuditKey, audit: Audit, clock: Clock, keep_days: int | None) -> None:
        self._key = key
        self._audit = audit
        self._clock = clock
        self._keep_days = keep_days

    async def turn(self, database: Writes) -> None:
        """Seal every chain that moved on since its last checkpoint, then purge what is too old."""
        for head in await database.read(store.heads):
            tenant = head.tenant
            if self._keep_days is not None:
                await self._purge(database, tenant, self._keep_days)
            await database.write(lambda unit, t=tenant: self._seal(unit, t))  # type: ignore[misc]

    def _seal(self, unit: Unit, tenant: str) -> None:
        head = store.head_of(unit, tenant)
        signed = max((found.seq for found in store.checkpoints(unit, tenant)), default=0)
        if head.seq > signed:
            store.add_checkpoint(unit, self._key.sign("seal", head, self._clock.now_ms()))

    async def _purge(self, database: Writes, tenant: str, keep_days: int) -> None:
        age_ms = timedelta(days=keep_days) // timedelta(milliseconds=1)
        before_ms = self._clock.now_ms() - age_ms
        up_to = await database.write(lambda unit: self._permit(unit, tenant, before_ms))
        while up_to and await database.write(lambda u: store.drop(u, tenant, up_to, PORTION)):
            continue

    def _permit(self, unit: Unit, tenant: str, before_ms: int) -> int:
        """Sign that entries before the instant may go; up to which one, 0 for none.

        # why: signed first, so that a crash in between leaves a trail that still verifies.
        """
        purges = [found.seq for found in store.checkpoints(unit, tenant) if found.kind == "purge"]
        permitted = max(purges, default=0)
        last = store.last_before(unit, store.head_of(unit, tenant), before_ms)
        if last is None or last.seq <= permitted:
            return permitted
        now_ms = self._clock.now_ms()
        store.add_checkpoint(unit, self._key.sign("purge", last, now_ms))
        entry = AuditEntry(
            SYSTEM, "audit.purge", f"audit:{last.seq}", detail={"up_to": last.seq}, tenant=tenant
        )
        self._audit.record(unit, entry, now_ms)
        return last.seq
