"""Minting: one request to GitHub, and the port behind which it may be shared with others."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHub, GitHubRefused, GitHubUnclear
from hookyard.core.tokens.model import Purpose, Scope
from hookyard.core.tokens.rules import mint_body, read_token, unavailable
from hookyard.kit.clock import Clock

CALL_S = 15.0


@dataclass(frozen=True, slots=True)
class Obtained:
    """A token, and whether it was minted for this very request."""

    token: AccessToken
    minted: bool


class Minting(Protocol):
    """Where tokens come from. `checked_every_ms` is how long one is given out without a look
    whether it still holds; None for as long as it lives."""

    checked_every_ms: int | None

    async def obtain(
        self, installation_id: int, scope: Scope, at_least_ms: int, purpose: Purpose
    ) -> Obtained:
        """A token of exactly this scope with so much life left, or a new one."""
        ...

    def drop(self, token: AccessToken) -> None:
        """GitHub refused this token: nobody may be given it again."""
        ...

    def forget(self, installation_id: int) -> None:
        """The installation changed: whatever was minted for it may not hold any more."""
        ...


class DirectMinting:
    """Asks GitHub each time. `github` speaks as the App."""

    checked_every_ms: int | None = None

    def __init__(self, github: GitHub, clock: Clock, *, call_s: float = CALL_S) -> None:
        self._github = github
        self._clock = clock
        self._call_s = call_s

    async def obtain(
        self, installation_id: int, scope: Scope, at_least_ms: int, purpose: Purpose
    ) -> Obtained:
        """A fresh token; see `mint`."""
        return Obtained(await self.mint(installation_id, scope), minted=True)

    async def mint(self, installation_id: int, scope: Scope) -> AccessToken:
        """One request, bounded in time; InstallationUnavailable, or what `GitHub.call` raises."""
        path = f"/app/installations/{installation_id}/access_tokens"
        try:
            async with asyncio.timeout(self._call_s):
                response = await self._github.call("POST", path, body=mint_body(scope))
        except TimeoutError:
            raise GitHubUnclear(f"no answer to a mint within {self._call_s:g} s") from None
        except GitHubRefused as refused:
            reason = unavailable(installation_id, refused)
            raise refused if reason is None else reason from None
        return read_token(installation_id, response, self._clock.now_ms())

    def drop(self, token: AccessToken) -> None:
        """Nothing is kept here."""

    def forget(self, installation_id: int) -> None:
        """Nothing is kept here."""
