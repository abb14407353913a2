"""A bearer token that is asked for once, used until shortly before its end, and asked for again
when it was refused."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping

from hookyard.adapters.secrets.port import SecretDamaged, SecretDenied, SecretMissing
from hookyard.adapters.secrets.rest import Rejected, Rest
from hookyard.kit.clock import Clock
from hookyard.kit.json import JsonObject, as_text

MARGIN_S = 60
LONGEST_S = 24 * 3600


class Bearer(ABC):
    """See `Credential`. One token is asked for at a time; it is never shown."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        refused = self._token if renew else None
        async with self._asking:
            if self._token == refused or self._clock.monotonic() >= self._until:
                self._token = ""
                try:
                    self._token, lives_s = await self.ask()
                except (SecretMissing, Rejected):
                    raise SecretDenied(f"{self._rest.label} gave us no token") from None
                self._until = self._clock.monotonic() + lives_s - MARGIN_S
        return self.carried(self._token)

    async def close(self) -> None:
        await self._rest.close()

    def carried(self, token: str) -> Mapping[str, str]:
        """How the token is sent."""
        return {"authorization": f"Bearer {token}"}

    @abstractmethod
    async def ask(self) -> tuple[str, float]:
        """A new token, and how many seconds it lives."""

    def read(self, answer: JsonObject) -> tuple[str, float]:
        """The token of an OAuth answer. `expires_in` may be a number or its text."""
        token, lives = as_text(answer.get("access_token")), answer.get("expires_in")
        try:
            lives_s = float(lives) if isinstance(lives, int | float | str) else 0.0
        except ValueError:
            lives_s = 0.0
        if not token or not token.isascii() or not token.isprintable() or not lives_s > 0:
            raise SecretDamaged(f"{self._rest.label} answered without a token")
        return token, min(lives_s, LONGEST_S)
