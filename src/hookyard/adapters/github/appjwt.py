"""The App's own credential: short RS256 tokens, and the clock offset learned from GitHub.

# spec: docs.github.com, "Generating a JSON Web Token (JWT) for a GitHub App": `iat` up to 60 s in
# the past against drift, `exp` at most 10 minutes ahead, `iss` the App's id or client id.
"""

from collections.abc import Awaitable, Callable

from hookyard.adapters.github.dates import http_date_ms
from hookyard.adapters.github.signer import JwtSigner, PemSigner, signed_jwt
from hookyard.kit.clock import Clock

_BACKDATE_S = 60
_LIFETIME_S = 540
_REUSE_MS = 240_000
_DRIFT_MS = 30_000
_CLAIM_WORDS = ("'exp'", "'iat'", "expiration time", "issued at")


class AppJwt:
    """Signs as one App. `offset_ms` is how far GitHub's clock is ahead of ours, once learned.

    `key` is a private key in PEM, or a signer whose key is elsewhere. A PEM that was `checked`
    before is read at its first use.
    """

    def __init__(
        self, app_id: str, key: str | JwtSigner, clock: Clock, *, checked: bool = False
    ) -> None:
        self.app_id = app_id
        self.offset_ms = 0
        self._signer = PemSigner(key, checked=checked) if isinstance(key, str) else key
        self._clock = clock
        self._token = ""
        self._signed_at_ms = 0
        self.on_refused: Callable[[], Awaitable[bool]] | None = None

    def __repr__(self) -> str:
        return f"AppJwt(app_id={self.app_id!r}, offset_ms={self.offset_ms})"

    async def token(self) -> str:
        """A signed token good for at least five more minutes by GitHub's clock."""
        now_ms = self._clock.now_ms() + self.offset_ms
        if self._token and 0 <= now_ms - self._signed_at_ms < _REUSE_MS:
            return self._token
        now_s = now_ms // 1000
        claims: dict[str, str | int] = {
            "iat": now_s - _BACKDATE_S,
            "exp": now_s + _LIFETIME_S,
            "iss": self.app_id,
        }
        offset_ms = self.offset_ms
        token = await signed_jwt(self._signer, claims)
        if offset_ms == self.offset_ms:
            self._token, self._signed_at_ms = token, now_ms
        return token

    def use_key(self, key: str | JwtSigner) -> None:
        """Sign with another key from now on; ConfigurationError when it is none."""
        self._signer = PemSigner(key) if isinstance(key, str) else key
        self._token = ""

    async def close(self) -> None:
        """Let go of the key service, where one signs."""
        await self._signer.close()

    async def renew(self) -> bool:
        """GitHub refused our token: whether whoever keeps the key has another one by now."""
        return self.on_refused is not None and await self.on_refused()

    def learn(self, date: str, message: str) -> bool:
        """Learn the offset from a 401's `Date`; True when a new token is worth one more try.

        # why: a wrong clock shows as 401 with "'iat' must be an Integer" or "'exp' is too far in
        # the future"; a drift that large is believed without those words too.
        """
        date_ms = http_date_ms(date)
        if date_ms is None:
            return False
        offset_ms = date_ms - self._clock.now_ms()
        drift_ms = abs(offset_ms - self.offset_ms)
        says_so = any(word in message.lower() for word in _CLAIM_WORDS)
        if drift_ms < (1000 if says_so else _DRIFT_MS):
            return False
        self.offset_ms = offset_ms
        self._token = ""
        return True
