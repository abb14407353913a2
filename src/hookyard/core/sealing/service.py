"""Seals and opens cells; a tenant's data keys are unwrapped once and kept in memory for a while.

Sealing and opening are synchronous, so that they fit into a unit, and need the tenant's keys in
memory: await `ready` before. Keys are read again after `SOFT_MS`; where that fails they may be
used until `HARD_MS`, and never for more than `MAX_USES` cells.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.secrets.port import KeyWrapper, SecretTrouble, WrappedKey
from hookyard.core.sealing import rules, store
from hookyard.core.sealing.model import DataKey, KeyDisabled, KeyNotLoaded, KeyState, Place
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable
from hookyard.kit.ids import IdMaker

SOFT_MS = 5 * 60_000
HARD_MS = 60 * 60_000
QUIET_MS = 15_000
MAX_USES = 1_000_000
MAX_TENANTS = 10_000


@dataclass(slots=True)
class _Ring:
    """A tenant's keys in memory, and how much they were used."""

    primary: str
    keys: Mapping[str, AESGCM] = field(repr=False)
    disabled: frozenset[str]
    loaded_at_ms: int
    uses: int = 0
    quiet_until_ms: int = 0


class Sealer:
    """Seals values for a place, and opens them there. Safe within one event loop.

    `main` wraps new keys; `older` ones unwrap keys that are not wrapped again yet.
    """

    def __init__(
        self,
        database: Database,
        main: KeyWrapper,
        clock: Clock,
        ids: IdMaker,
        *,
        older: Sequence[KeyWrapper] = (),
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._main = main
        self._wrappers = {(one.provider, one.key_ref): one for one in (*older, main)}
        self._clock = clock
        self._ids = ids
        self._random = random_bytes
        self._rings: dict[str, _Ring] = {}
        self._loading: dict[str, asyncio.Lock] = {}

    @property
    def wrapper(self) -> KeyWrapper:
        """What wraps new data keys."""
        return self._main

    async def ready(self, tenant: str) -> None:
        """Have the tenant's keys in memory, young enough; the first call for a tenant makes one.

        SecretTrouble when they cannot be unwrapped and none is left that may be used.
        """
        if self._is_fresh(tenant):
            return
        async with self._alone(tenant):
            if self._is_fresh(tenant):
                return
            try:
                await self._load(tenant)
            except Unavailable:
                ring = self._rings.get(tenant)
                if ring is None or not self._usable(ring):
                    raise
                ring.quiet_until_ms = self._clock.now_ms() + QUIET_MS

    async def ready_for(self, tenant: str, cell: bytes) -> None:
        """The same, and the key of this cell is among them even if it was made a moment ago."""
        await self.ready(tenant)
        ring = self._ring(tenant)
        key_id = rules.key_id_of(cell)
        if key_id not in ring.keys and key_id not in ring.disabled:
            async with self._alone(tenant):
                await self._load(tenant)

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """A cell for this place, under the tenant's primary key. KeyNotLoaded before `ready`."""
        ring = self._ring(place.tenant)
        ring.uses += 1
        nonce = self._random(rules.NONCE_BYTES)
        return rules.seal(ring.keys[ring.primary], ring.primary, nonce, place, plaintext)

    def open(self, place: Place, cell: bytes) -> bytes:
        """What was sealed. CellRefused for a cell that was changed or belongs elsewhere,
        KeyDisabled, KeyNotLoaded before `ready_for`."""
        ring = self._ring(place.tenant)
        key_id = rules.key_id_of(cell)
        if key_id in ring.disabled:
            raise KeyDisabled(f"the data key {key_id} is disabled")
        key = ring.keys.get(key_id)
        if key is None:
            raise KeyNotLoaded(f"the data key {key_id} is not in memory")
        ring.uses += 1
        return rules.unseal(key, place, cell)

    async def unseal(self, place: Place, cell: bytes) -> bytes:
        """`open`, after loading what it needs."""
        await self.ready_for(place.tenant, cell)
        return self.open(place, cell)

    def primary_of(self, tenant: str) -> str:
        """The id of the key that `seal` uses; KeyNotLoaded before `ready`."""
        return self._ring(tenant).primary

    async def close(self) -> None:
        """Drop every key and let go of the wrapping keys' connections."""
        self.forget()
        for wrapper in self._wrappers.values():
            await wrapper.close()

    def forget(self, tenant: str | None = None) -> None:
        """Drop keys from memory: of one tenant, or all."""
        if tenant is None:
            self._rings.clear()
        else:
            self._rings.pop(tenant, None)

    async def new_key(self, tenant: str, state: KeyState) -> DataKey:
        """A fresh wrapped key, not stored yet."""
        key_id = self._ids.new(self._clock.now_ms())
        wrapped = await self._main.wrap(self._random(rules.KEY_BYTES), context_of(tenant, key_id))
        now_ms = self._clock.now_ms()
        return DataKey(
            key_id, tenant, wrapped.provider, wrapped.key_ref, wrapped.key_version, wrapped.blob,
            state, now_ms, now_ms,
        )  # fmt: skip

    async def unwrap(self, key: DataKey) -> bytes:
        """A data key in the clear; SecretTrouble when nothing here can unwrap it."""
        wrapper = self._wrappers.get((key.provider, key.key_ref))
        if wrapper is None:
            raise SecretTrouble(
                f"data key {key.id} is wrapped by {key.provider}:{key.key_ref}, which is not "
                "configured; list it in HOOKYARD_SEALING_KEYS until `hookyard secrets rewrap` "
                "is through"
            )
        wrapped = WrappedKey(key.provider, key.key_ref, key.key_version, key.blob)
        return await wrapper.unwrap(wrapped, context_of(key.tenant, key.id))

    def _ring(self, tenant: str) -> _Ring:
        ring = self._rings.get(tenant)
        if ring is None or not self._usable(ring):
            raise KeyNotLoaded
        return ring

    def _is_fresh(self, tenant: str) -> bool:
        ring, now_ms = self._rings.get(tenant), self._clock.now_ms()
        if ring is None or not self._usable(ring):
            return False
        is_young = now_ms - ring.loaded_at_ms < SOFT_MS and ring.uses < MAX_USES
        return is_young or now_ms < ring.quiet_until_ms

    def _alone(self, tenant: str) -> asyncio.Lock:
        """One load of a tenant's keys at a time."""
        if len(self._loading) >= MAX_TENANTS:
            self._loading = {name: lock for name, lock in self._loading.items() if lock.locked()}
        return self._loading.setdefault(tenant, asyncio.Lock())

    def _usable(self, ring: _Ring) -> bool:
        return self._clock.now_ms() - ring.loaded_at_ms < HARD_MS and ring.uses < 2 * MAX_USES

    async def _load(self, tenant: str) -> None:
        found = await self._database.read(lambda unit: store.of_tenant(unit, tenant))
        if not any(key.state is KeyState.PRIMARY for key in found):
            fresh = await self.new_key(tenant, KeyState.PRIMARY)
            found = await self._database.write(lambda unit: _first(unit, fresh))
        keys: dict[str, AESGCM] = {}
        primary = ""
        for key in found:
            if key.state is KeyState.DISABLED:
                continue
            keys[key.id] = AESGCM(await self.unwrap(key))
            primary = key.id if key.state is KeyState.PRIMARY else primary
        disabled = frozenset(key.id for key in found if key.state is KeyState.DISABLED)
        while len(self._rings) >= MAX_TENANTS:
            del self._rings[next(iter(self._rings))]
        self._rings[tenant] = _Ring(primary, keys, disabled, self._clock.now_ms())


def context_of(tenant: str, key_id: str) -> Mapping[str, str]:
    """What a wrapped data key is bound to."""
    return {"tenant": tenant, "key": key_id}


def _first(unit: Unit, fresh: DataKey) -> "list[DataKey]":
    """Store a tenant's first key, unless another process was quicker; then all it has."""
    store.lock(unit, fresh.tenant)
    found = store.of_tenant(unit, fresh.tenant)
    if any(key.state is KeyState.PRIMARY for key in found):
        return list(found)
    store.add(unit, fresh)
    return [*found, fresh]
