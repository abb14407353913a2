"""Installation tokens: cached until shortly before they expire, one mint at a time per scope."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from hookyard.adapters.github.auth import AccessToken
from hookyard.core.tokens.minting import AppGitHub, DirectMinting, Minting, Obtained
from hookyard.core.tokens.model import WHOLE, InstallationUnavailable, Purpose, Scope
from hookyard.core.tokens.rules import is_good
from hookyard.kit.clock import Clock

_REMEMBERED = 10_000
_UNAVAILABLE_MS = 60_000
_SHORTEST_LIFE_MS = 1000
_OURSELVES = Purpose()


@dataclass(frozen=True, slots=True)
class _Held:
    token: AccessToken
    checked_at_ms: int


class InstallationTokens:
    """Implements the client's `TokenSource`, and narrower scopes for everyone else.

    `github` speaks as the App; `minting`, which may be set later, is where tokens come from
    instead. `margin_s` is the least life a token still has when given out.
    """

    def __init__(self, github: AppGitHub, clock: Clock, *, margin_s: float = 60.0) -> None:
        self.minting: Minting = DirectMinting(github, clock)
        self._clock = clock
        self._margin_ms = int(margin_s * 1000)
        self._cache: OrderedDict[tuple[int, Scope], _Held] = OrderedDict()
        self._flights: dict[tuple[int, Scope], asyncio.Task[Obtained]] = {}
        self._unavailable: dict[int, tuple[int, InstallationUnavailable]] = {}

    def __repr__(self) -> str:
        return f"InstallationTokens(cached={len(self._cache)}, minting={len(self._flights)})"

    async def token(
        self, installation_id: int, scope: Scope = WHOLE, *, min_ttl_s: float = 0.0
    ) -> AccessToken:
        """A token of exactly this scope that lives at least the margin, or `min_ttl_s` if longer.

        InstallationUnavailable when the installation is gone or suspended (remembered for a
        minute); else what `GitHub.call` raises. GitHub's tokens live one hour: asking for more
        gives a fresh one.
        """
        return (await self.obtain(installation_id, scope, _OURSELVES, min_ttl_s=min_ttl_s)).token

    async def obtain(
        self, installation_id: int, scope: Scope, purpose: Purpose, *, min_ttl_s: float = 0.0
    ) -> Obtained:
        """The same for somebody, who is recorded where the token has to be minted for them."""
        cached = self.peek(installation_id, scope, min_ttl_s=min_ttl_s)
        if cached is not None:
            self._cache.move_to_end((installation_id, scope))
            return Obtained(cached, minted=False)
        self._refuse_unavailable(installation_id)
        at_least_ms = self._at_least_ms(min_ttl_s)
        while True:
            flight, is_ours = self._join(installation_id, scope, at_least_ms, purpose)
            found = await asyncio.shield(flight)
            # why: a flight begun for a caller who asked for less life may bring less.
            if is_ours or is_good(found.token, self._clock.now_ms(), at_least_ms):
                return Obtained(found.token, found.minted and is_ours)

    def peek(
        self, installation_id: int, scope: Scope, *, min_ttl_s: float = 0.0
    ) -> AccessToken | None:
        """The token that can be given out without asking anybody, or None."""
        held = self._cache.get((installation_id, scope))
        if held is None:
            return None
        now_ms = self._clock.now_ms()
        every_ms = self.minting.checked_every_ms
        if every_ms is not None and now_ms - held.checked_at_ms >= every_ms:
            return None
        return held.token if is_good(held.token, now_ms, self._at_least_ms(min_ttl_s)) else None

    def reject(self, token: AccessToken) -> None:
        """GitHub refused this token: drop it, wherever it is cached."""
        self.drop(token)
        self.minting.drop(token)

    def drop(self, token: AccessToken) -> None:
        """Give this token out no more from this process."""
        same = [
            key
            for key, held in self._cache.items()
            if held.token is token or (token.mint_id and held.token.mint_id == token.mint_id)
        ]
        for key in same:
            del self._cache[key]

    def forget(self, installation_id: int) -> None:
        """Drop all that is known of an installation: it changed, or left, or came back."""
        for key in [key for key in self._cache if key[0] == installation_id]:
            del self._cache[key]
        for key in [key for key in self._flights if key[0] == installation_id]:
            del self._flights[key]
        self._unavailable.pop(installation_id, None)
        self.minting.forget(installation_id)

    def recheck(self) -> None:
        """Somewhere a token was taken back: look at every one again before it is given out."""
        self._cache.clear()
        self._flights.clear()
        self._unavailable.clear()

    # --- inside ---

    def _at_least_ms(self, min_ttl_s: float) -> int:
        return max(self._margin_ms, int(min_ttl_s * 1000))

    def _join(
        self, installation_id: int, scope: Scope, at_least_ms: int, purpose: Purpose
    ) -> tuple[asyncio.Task[Obtained], bool]:
        """The flight for a scope, and whether it was begun just now."""
        key = (installation_id, scope)
        flight = self._flights.get(key)
        if flight is not None:
            return flight, False
        obtaining = self.minting.obtain(installation_id, scope, at_least_ms, purpose)
        flight = asyncio.ensure_future(obtaining)
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._landed(key, done))
        return flight, True

    def _landed(self, key: tuple[int, Scope], flight: asyncio.Task[Obtained]) -> None:
        """Ends a flight: keeps its token, unless the installation was forgotten meanwhile."""
        is_current = self._flights.get(key) is flight
        if is_current:
            del self._flights[key]
        if flight.cancelled():
            return
        error = flight.exception()
        if not is_current:
            return
        now_ms = self._clock.now_ms()
        if isinstance(error, InstallationUnavailable):
            self._unavailable[key[0]] = (now_ms + _UNAVAILABLE_MS, error)
            for other in [other for other in self._cache if other[0] == key[0]]:
                del self._cache[other]
        elif error is None and is_good(flight.result().token, now_ms, _SHORTEST_LIFE_MS):
            self._keep(key, flight.result().token, now_ms)

    def _keep(self, key: tuple[int, Scope], token: AccessToken, now_ms: int) -> None:
        held = self._cache.get(key)
        if held is not None and token.mint_id and held.token.mint_id == token.mint_id:
            token = held.token
        self._cache[key] = _Held(token, now_ms)
        self._cache.move_to_end(key)
        while len(self._cache) > _REMEMBERED:
            self._cache.popitem(last=False)

    def _refuse_unavailable(self, installation_id: int) -> None:
        known = self._unavailable.get(installation_id)
        if known is None:
            return
        until_ms, error = known
        if self._clock.now_ms() < until_ms:
            raise type(error)(installation_id, error.reason, error.status, error.message)
        del self._unavailable[installation_id]
