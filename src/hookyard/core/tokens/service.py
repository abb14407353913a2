"""Installation tokens: cached until shortly before they expire, one mint at a time per scope."""

import asyncio
from collections import OrderedDict

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHub, GitHubRefused
from hookyard.core.tokens.model import WHOLE, InstallationUnavailable, Scope
from hookyard.core.tokens.rules import is_good, mint_body, read_token, unavailable
from hookyard.kit.clock import Clock

_REMEMBERED = 10_000
_UNAVAILABLE_MS = 60_000
_SHORTEST_LIFE_MS = 1000


class InstallationTokens:
    """Implements the client's `TokenSource`, and narrower scopes for everyone else.

    `github` speaks as the App. `margin_s` is the least life a token still has when given out.
    """

    def __init__(self, github: GitHub, clock: Clock, *, margin_s: float = 60.0) -> None:
        self._github = github
        self._clock = clock
        self._margin_ms = int(margin_s * 1000)
        self._cache: OrderedDict[tuple[int, Scope], AccessToken] = OrderedDict()
        self._flights: dict[tuple[int, Scope], asyncio.Task[AccessToken]] = {}
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
        key = (installation_id, scope)
        cached = self._cache.get(key)
        at_least_ms = max(self._margin_ms, int(min_ttl_s * 1000))
        if cached is not None and is_good(cached, self._clock.now_ms(), at_least_ms):
            self._cache.move_to_end(key)
            return cached
        self._refuse_unavailable(installation_id)
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._mint(installation_id, scope))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def reject(self, token: AccessToken) -> None:
        """GitHub refused this token: drop it, wherever it is cached."""
        for key in [key for key, cached in self._cache.items() if cached is token]:
            del self._cache[key]

    def forget(self, installation_id: int) -> None:
        """Drop all that is known of an installation: it changed, or left, or came back."""
        for key in [key for key in self._cache if key[0] == installation_id]:
            del self._cache[key]
        for key in [key for key in self._flights if key[0] == installation_id]:
            del self._flights[key]
        self._unavailable.pop(installation_id, None)

    async def _mint(self, installation_id: int, scope: Scope) -> AccessToken:
        path = f"/app/installations/{installation_id}/access_tokens"
        try:
            response = await self._github.call("POST", path, body=mint_body(scope))
        except GitHubRefused as refused:
            reason = unavailable(installation_id, refused)
            raise refused if reason is None else reason from None
        return read_token(installation_id, response, self._clock.now_ms())

    def _landed(self, key: tuple[int, Scope], flight: asyncio.Task[AccessToken]) -> None:
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
        elif error is None and is_good(flight.result(), now_ms, _SHORTEST_LIFE_MS):
            self._cache[key] = flight.result()
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
