"""What is expected of a token, the keys it may be signed with, and what verifying one gives."""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from joserfc.jwk import Key

from hookyard.kit.json import JsonObject, as_list, as_text

MAX_TOKEN = 16_384
MAX_TRIES = 16
SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    | {"ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
ALGORITHMS = SYMMETRIC | ASYMMETRIC


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A key and the algorithms it may be used with, whatever a token says. `kid` None fits any."""

    kid: str | None
    algorithms: frozenset[str]
    key: Key = field(repr=False)


Keys: TypeAlias = tuple[PinnedKey, ...]


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token must say besides being signed. Durations are seconds.

    `issuer` and `audiences` match whole. None or empty means that none is configured: then any
    issuer passes, and only tokens for nobody in particular, which have no `aud`.
    `max_lifetime_s` bounds `exp - iat` and makes `iat` required. `authorized_party` is the client
    an ID token must be for (`azp`); `nonce` the one this sign-in began with. `any_audience` is for
    senders that put their own names there; with `audiences` it changes nothing.
    """

    issuer: str | None
    audiences: tuple[str, ...] = ()
    max_lifetime_s: int | None = 3_600
    skew_s: int = 60
    nonce: str | None = field(default=None, repr=False)
    authorized_party: str | None = None
    types: frozenset[str] = frozenset({"jwt", "at+jwt"})
    any_audience: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. Instants are milliseconds; `key` names what signed it."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires_at_ms: int
    issued_at_ms: int | None
    algorithm: str
    kid: str | None
    all: JsonObject = field(repr=False)

    def text(self, name: str) -> str:
        """A claim that is a string, else ""."""
        return as_text(self.all.get(name))

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A claim that is a string or a list of strings; () when absent, None when neither."""
        value = self.all.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        found = as_list(value)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in found):
            return None
        return tuple(as_text(one) for one in found)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a token is not accepted. `code` is for logs and counters; `detail` may be told to the
    caller: it says what to do, and never repeats what the token holds."""

    code: str
    detail: str = "the token is not valid"


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a token says of itself before anything is proved: good for a look-up, nothing else."""

    issuer: str = field(repr=False)
    kid: str | None = field(repr=False)


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    async def keys(self, kid: str | None, now_ms: int) -> Keys | Refused:
        """The keys that are good now. One that lacks `kid` may be read anew, seldom."""
        ...

    @property
    def generation(self) -> int:
        """Rises whenever the set of keys changes."""
        ...


@dataclass(frozen=True, slots=True)
class PinnedKeys:
    """Keys out of the configuration: they change with a restart only. Implements `KeySource`."""

    pinned: Keys
    generation: int = 0

    async def keys(self, kid: str | None, now_ms: int) -> Keys | Refused:
        """The same keys, always."""
        return self.pinned
