"""Data keys exchanged: rotated, wrapped again, and cells moved from old keys to the primary one.

Each step leaves everything readable and is one transaction, so that the process may be killed
between any two of them; calling again goes on where it stopped. The order is Tink's: a key is
added, then made primary, and what it replaced is disabled last.

# spec: developers.google.com/tink/key-management-overview, "Key rotation".
"""

import hmac
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.sealing import rules, store, store_cells
from hookyard.core.sealing.model import (
    CellRefused,
    DataKey,
    KeyDisabled,
    KeyNotLoaded,
    KeyState,
    SealedColumn,
)
from hookyard.core.sealing.service import HARD_MS, Sealer
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

PAGE = 100
GRACE_MS = HARD_MS + 5 * 60_000
"""Until then a process may still seal with the key that was primary before."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A tenant's new primary key, and the one before it."""

    tenant: str
    primary: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of one data key. `is_new`: it has another wrapping now."""

    key_id: str
    tenant: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """One page of a column. `refused` names the rows whose cell does not open."""

    table: str
    column: str
    seen: int
    moved: int
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class Census:
    """Which keys cells were found under while walking, and which cells did not open."""

    used: set[str] = field(default_factory=set)
    refused: int = 0


class Rotation:
    """Exchanges keys while other processes seal and open. `columns` is every sealed column."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Clock, columns: Sequence[SealedColumn]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._columns = tuple(columns)

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has data keys."""
        return await self._database.read(store.tenants)

    async def keys(self, tenant: str) -> Sequence[DataKey]:
        """A tenant's data keys, the oldest first."""
        return await self._database.read(lambda unit: store.of_tenant(unit, tenant))

    async def rotate(self, tenant: str) -> Rotated:
        """Give a tenant a new primary key; a key that was added and never used is taken first."""
        added = next((key for key in await self.keys(tenant) if _is_waiting(key)), None)
        if added is None:
            fresh = await self._sealer.new_key(tenant, KeyState.ACTIVE)
            await self._database.write(lambda unit: store.add(unit, fresh))
            added = fresh
        await self._sealer.unwrap(added)
        promoted, now_ms = added, self._clock.now_ms()
        before = await self._database.write(lambda unit: _promote(unit, promoted, now_ms))
        self._sealer.forget(tenant)
        return Rotated(tenant, added.id, before)

    async def rewrap(self, *, every: bool = False) -> AsyncIterator[Rewrapped]:
        """Wrap data keys by the newest version of the main wrapping key; one yield for each.

        Those that are so already are left, unless `every`: some providers hide their versions.
        """
        after = ""
        while found := await self._keys_after(after):
            for key in found:
                yield Rewrapped(key.id, key.tenant, await self._rewrapped(key, every=every))
            after = found[-1].id

    async def reencrypt(self) -> AsyncIterator[Moved]:
        """Seal every cell under its tenant's primary key; one yield for each page of a column."""
        for sealed in self._columns:
            after: store_cells.Key | None = None
            while cells := await self._page(sealed, after):
                yield await self._moved(sealed, cells)
                after = cells[-1].key

    async def retire(self) -> tuple[Sequence[str], Sequence[DataKey]]:
        """Disable keys that no cell is under and no process can seal with any more.

        Their ids, and the replaced keys that have to wait: something is under them, or they were
        primary until a short while ago.
        """
        started_ms = self._clock.now_ms()
        census = await self._census()
        gone: list[str] = []
        waiting: list[DataKey] = []
        for tenant in await self.tenants():
            for key in await self.keys(tenant):
                if key.state is not KeyState.ACTIVE or key.demoted_at_ms is None:
                    continue
                if key.id in census.used or key.demoted_at_ms + GRACE_MS > started_ms:
                    waiting.append(key)
                    continue
                await self._disable(key)
                self._sealer.forget(tenant)
                gone.append(key.id)
        return gone, waiting

    async def _keys_after(self, after: str) -> Sequence[DataKey]:
        return await self._database.read(lambda unit: store.after(unit, after, PAGE))

    async def _rewrapped(self, key: DataKey, *, every: bool) -> bool:
        dek = await self._sealer.unwrap(key)
        context = {"tenant": key.tenant, "key": key.id}
        wrapped = await self._sealer.wrapper.wrap(dek, context)
        before = (key.provider, key.key_ref, key.key_version)
        if not every and before == (wrapped.provider, wrapped.key_ref, wrapped.key_version):
            return False
        again = await self._sealer.wrapper.unwrap(wrapped, context)
        if not hmac.compare_digest(again, dek):
            raise Unavailable(f"data key {key.id} did not survive its new wrapping; it stays as is")
        now_ms = self._clock.now_ms()
        return await self._database.write(lambda unit: store.rewrap(unit, key, wrapped, now_ms))

    async def _page(
        self, sealed: SealedColumn, after: store_cells.Key | None
    ) -> Sequence[store_cells.Cell]:
        return await self._database.read(lambda unit: store_cells.page(unit, sealed, after, PAGE))

    async def _moved(self, sealed: SealedColumn, cells: Sequence[store_cells.Cell]) -> Moved:
        changed: list[tuple[store_cells.Cell, bytes]] = []
        refused: list[str] = []
        for cell in cells:
            try:
                fresh = await self._resealed(cell)
            except (CellRefused, KeyDisabled, KeyNotLoaded):
                refused.append(cell.place.row)
                continue
            if fresh is not None:
                changed.append((cell, fresh))

        def put(unit: Unit) -> int:
            return sum(store_cells.replace(unit, sealed, cell, new) for cell, new in changed)

        moved = await self._database.write(put) if changed else 0
        return Moved(sealed.table, sealed.column, len(cells), moved, tuple(refused))

    async def _resealed(self, cell: store_cells.Cell) -> bytes | None:
        """The cell under the primary key; None when it is so already."""
        tenant = cell.place.tenant
        plaintext = await self._sealer.unseal(cell.place, cell.cell)
        if rules.key_id_of(cell.cell) == self._sealer.primary_of(tenant):
            return None
        return self._sealer.seal(cell.place, plaintext)

    async def _census(self) -> Census:
        found = Census()
        for sealed in self._columns:
            after: store_cells.Key | None = None
            while cells := await self._page(sealed, after):
                for cell in cells:
                    try:
                        found.used.add(rules.key_id_of(cell.cell))
                    except CellRefused:
                        found.refused += 1
                after = cells[-1].key
        return found

    async def _disable(self, key: DataKey) -> None:
        now_ms = self._clock.now_ms()
        await self._database.write(
            lambda unit: store.set_state(unit, key.id, KeyState.DISABLED, now_ms, key.demoted_at_ms)
        )


def _is_waiting(key: DataKey) -> bool:
    """Added by a rotation that was cut short: it was never primary."""
    return key.state is KeyState.ACTIVE and key.demoted_at_ms is None


def _promote(unit: Unit, key: DataKey, now_ms: int) -> str | None:
    """Make a key primary; the id of the one before. Again by another process changes nothing."""
    store.lock(unit, key.tenant)
    primary = next(
        (k for k in store.of_tenant(unit, key.tenant) if k.state is KeyState.PRIMARY), None
    )
    if primary is not None:
        if primary.id == key.id:
            return None
        store.set_state(unit, primary.id, KeyState.ACTIVE, now_ms, now_ms)
    store.set_state(unit, key.id, KeyState.PRIMARY, now_ms, None)
    return primary.id if primary is not None else None
