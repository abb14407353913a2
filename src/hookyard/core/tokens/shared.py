"""Minting shared by every process: one mint at a time for a scope, its token sealed for the rest.

Who may mint is a lease in a row of the database: the number only rises, so that a process that
stood still and was replaced fills in nothing. A lease ends by itself after `LEASE_MS`, or when it
has not changed for so long as others measure it, so that a clock ahead of ours holds nobody up.
Processes tell each other of new tokens and of those taken back; neither telling is relied on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import structlog

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHubError, GitHubFailed
from hookyard.core.identity.model import DEFAULT_TENANT
from hookyard.core.jobs.alarm import sleep_or
from hookyard.core.tokens import cells, failures, store_cache
from hookyard.core.tokens.minting import DirectMinting, Obtained
from hookyard.core.tokens.model import Mint, Purpose, Scope
from hookyard.core.tokens.recording import MintRecord
from hookyard.core.tokens.seals import Seals
from hookyard.core.tokens.store_cache import Key, Slot
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError

log = structlog.get_logger("hookyard.tokens")

MINTED = "hookyard_minted"
TAKEN_BACK = "hookyard_tokens"
LEASE_MS = 20_000
PATIENCE_S = 60.0
LOOK_S = 0.25
CHECK_MS = 10_000


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to mint: the lease's number, and the mint on record."""

    lease: int
    mint: Mint


@dataclass(frozen=True, slots=True)
class _Want:
    """What is wanted, for whom; `distrusted` is a mint whose sealed token cannot be read."""

    key: Key
    scope: Scope
    at_least_ms: int
    purpose: Purpose
    distrusted: str = ""
    overdue: int = -1


class SharedMinting:
    """Implements `Minting` for one App over the database."""

    checked_every_ms: int | None = CHECK_MS

    def __init__(
        self,
        app: str,
        direct: DirectMinting,
        database: Database,
        seals: Seals,
        record: MintRecord,
        clock: Clock,
    ) -> None:
        self._app = app
        self._direct = direct
        self._database = database
        self._seals = seals
        self._record = record
        self._clock = clock
        self._bells: set[asyncio.Event] = set()
        self._clearing: dict[int, set[asyncio.Task[None]]] = {}
        database.listen(MINTED, self._ring)

    async def obtain(
        self, installation_id: int, scope: Scope, at_least_ms: int, purpose: Purpose
    ) -> Obtained:
        """The shared token, or a new one once it is our turn to mint it."""
        await self.settle(installation_id)
        want = _Want(Key(self._app, installation_id, scope.key), scope, at_least_ms, purpose)
        slot = await self._look(want.key)
        seen, since = -1, self._clock.monotonic()
        began = since
        while True:
            now_ms, now = self._clock.now_ms(), self._clock.monotonic()
            if self._answers(slot, want, now_ms):
                token = await self._opened(slot, want.key)
                if token is not None:
                    return Obtained(token, minted=False)
                want = replace(want, distrusted=slot.mint_id or "")
            if slot.failure is not None and slot.failed_until_ms > now_ms:
                raise failures.read(slot.failure, installation_id)
            if slot.lease != seen:
                seen, since = slot.lease, now
            if now - since >= LEASE_MS / 1000:
                want = replace(want, overdue=slot.lease)
            if slot.leased_until_ms > now_ms and slot.lease != want.overdue:
                if now - began >= PATIENCE_S:
                    raise GitHubFailed("other processes are minting this token and do not end")
                slot = await self._news(want.key, slot)
                continue
            turn = await self._database.write(partial(self._take, want=want))
            if isinstance(turn, _Turn):
                return Obtained(await self._mint(want, turn), minted=True)
            slot = turn

    def drop(self, token: AccessToken) -> None:
        """GitHub refused this token: no process gives it out again."""
        if token.mint_id:
            work = partial(store_cache.forget_mint, mint_id=token.mint_id)
            self._clear(token.installation_id, work)

    def forget(self, installation_id: int) -> None:
        """The installation changed: every process asks anew."""
        work = partial(store_cache.forget_installation, installation_id=installation_id)
        self._clear(installation_id, work)

    async def settle(self, installation_id: int) -> None:
        """Wait until what was dropped or forgotten of an installation is so in the database."""
        while tasks := self._clearing.get(installation_id):
            await asyncio.wait(tuple(tasks))

    # --- inside ---

    async def _look(self, key: Key) -> Slot:
        return await self._database.peek(lambda unit: store_cache.look(unit, key))

    def _answers(self, slot: Slot, want: _Want, now_ms: int) -> bool:
        if slot.mint_id is None or slot.mint_id == want.distrusted:
            return False
        return slot.expires_at_ms - now_ms >= want.at_least_ms

    def _take(self, unit: Unit, want: _Want) -> Slot | _Turn:
        """Our turn, or what stands there now that somebody was quicker."""
        store_cache.lock(unit, want.key)
        slot, now_ms = store_cache.look(unit, want.key), self._clock.now_ms()
        is_held = slot.leased_until_ms > now_ms and slot.lease != want.overdue
        has_failed = slot.failure is not None and slot.failed_until_ms > now_ms
        if self._answers(slot, want, now_ms) or is_held or has_failed:
            return slot
        number = store_cache.lease(unit, want.key, now_ms + LEASE_MS)
        mint = self._record.asked(
            unit, self._app, want.key.installation_id, want.scope, want.purpose, now_ms
        )
        return _Turn(number, mint)

    async def _mint(self, want: _Want, turn: _Turn) -> AccessToken:
        try:
            token = await self._direct.mint(want.key.installation_id, want.scope)
        except GitHubError as error:
            await self._failed(want, turn, error)
            raise
        except Exception as error:
            await self._failed(want, turn, GitHubFailed(type(error).__name__))
            raise
        token = replace(token, mint_id=turn.mint.id)
        cell = await self._sealed(want.key, token)
        try:
            await self._database.write(
                partial(self._keep, want=want, turn=turn, token=token, cell=cell)
            )
        except HookyardError:
            # why: a token that is on no record must not be in anybody's hands.
            await self._direct.take_back(token)
            raise
        return token

    def _keep(
        self, unit: Unit, want: _Want, turn: _Turn, token: AccessToken, cell: bytes | None
    ) -> None:
        now_ms = self._clock.now_ms()
        self._record.minted(unit, turn.mint, token, now_ms)
        if cell is None:
            store_cache.fail(unit, want.key, turn.lease, None, 0)
        else:
            store_cache.keep(unit, turn.mint.id, cell, token.expires_at_ms)
            store_cache.fill(unit, want.key, turn.lease, turn.mint.id, token.expires_at_ms)
        unit.after_commit(lambda: self._database.announce(MINTED))

    async def _failed(self, want: _Want, turn: _Turn, error: GitHubError) -> None:
        now_ms = self._clock.now_ms()
        text, until_ms = failures.written(error, now_ms)

        def work(unit: Unit) -> None:
            self._record.failed(unit, turn.mint, str(error)[:500], now_ms)
            store_cache.fail(unit, want.key, turn.lease, text, until_ms)
            unit.after_commit(lambda: self._database.announce(MINTED))

        try:
            await self._database.write(work)
        except HookyardError as trouble:
            log.warning("mint_failure_not_recorded", reason=trouble.detail)

    async def _sealed(self, key: Key, token: AccessToken) -> bytes | None:
        """The token for the shared tier; None when it cannot be sealed, and so is not shared."""
        place = cells.place_of(token.mint_id)
        try:
            await self._seals.ready(DEFAULT_TENANT)
            return self._seals.seal(place, cells.content(key.app, key.scope_key, token))
        except HookyardError as error:
            log.warning("token_not_shared", mint_id=token.mint_id, reason=error.detail)
            return None

    async def _opened(self, slot: Slot, key: Key) -> AccessToken | None:
        """The shared token; None when it cannot be read, or was minted for anything else."""
        if slot.mint_id is None or slot.cell is None:
            return None
        try:
            raw = await self._seals.unseal(cells.place_of(slot.mint_id), slot.cell)
            found = cells.read(raw, slot.mint_id)
        except (HookyardError, msgspec.DecodeError) as error:
            reason = getattr(error, "detail", "it is no token")
            log.warning("shared_token_unreadable", mint_id=slot.mint_id, reason=reason)
            return None
        sealed_for = Key(found.app, found.token.installation_id, found.scope_key)
        if sealed_for != key or found.token.expires_at_ms != slot.expires_at_ms:
            log.error("shared_token_misplaced", mint_id=slot.mint_id)
            return None
        return found.token

    def _clear(self, installation_id: int, work: Callable[[Unit], object]) -> None:
        task = asyncio.ensure_future(self._cleared(work))
        tasks = self._clearing.setdefault(installation_id, set())
        tasks.add(task)

        def done(ended: asyncio.Task[None]) -> None:
            tasks.discard(ended)
            if not tasks and self._clearing.get(installation_id) is tasks:
                del self._clearing[installation_id]

        task.add_done_callback(done)

    async def _cleared(self, work: Callable[[Unit], object]) -> None:
        def clear(unit: Unit) -> None:
            work(unit)
            unit.after_commit(lambda: self._database.announce(TAKEN_BACK))

        try:
            await self._database.write(clear)
        except HookyardError as error:
            log.warning("tokens_not_taken_back", reason=error.detail)

    def _ring(self) -> None:
        for bell in self._bells:
            bell.set()

    async def _news(self, key: Key, seen: Slot) -> Slot:
        """What stands for a key once a mint ended somewhere, a quarter of a second at most.

        The bell hangs before the look, so that what ends in between is heard.
        """
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            slot = await self._look(key)
            if slot != seen:
                return slot
            await sleep_or(bell, self._clock, LOOK_S)
        finally:
            self._bells.discard(bell)
        return await self._look(key)
