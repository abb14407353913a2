"""Minting: one request to GitHub, and the port behind which it may be shared with others."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Protocol

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import (
    GitHub,
    GitHubError,
    GitHubFailed,
    GitHubRefused,
    GitHubUnclear,
)
from hookyard.core.tokens.model import Purpose, Scope
from hookyard.core.tokens.rules import exceeds, mint_body, read_token, unavailable
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


class AppGitHub(GitHub, Protocol):
    """Speaks as the App, and where asked with one token."""

    def as_token(self, value: str, /) -> GitHub:
        """The same GitHub, spoken to with this token alone."""
        ...


class TooBroad(GitHubFailed):
    """GitHub gave a token for more than was asked; it was taken back and must not be used."""


class DirectMinting:
    """Asks GitHub each time. `github` speaks as the App."""

    checked_every_ms: int | None = None

    def __init__(self, github: AppGitHub, clock: Clock, *, call_s: float = CALL_S) -> None:
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
        token = read_token(installation_id, response, self._clock.now_ms())
        if more := exceeds(scope, token):
            await self.take_back(token)
            raise TooBroad(f"GitHub's answer to a mint allows more than was asked: {more}")
        return token

    async def take_back(self, token: AccessToken) -> None:
        """Revoke a token that nobody may have, as far as GitHub lets us."""
        with contextlib.suppress(GitHubError):
            await self._github.as_token(token.value).call("DELETE", "/installation/token")

    def drop(self, token: AccessToken) -> None:
        """Nothing is kept here."""

    def forget(self, installation_id: int) -> None:
        """Nothing is kept here."""
