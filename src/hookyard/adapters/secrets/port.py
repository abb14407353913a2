"""Three small ports: where secrets are kept, what wraps data keys, what signs without showing.

Every call has a short deadline and a bounded answer. What goes wrong is one of the errors here;
none of them holds a secret, an answer's body or an address with a credential in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.kit.errors import NotFound, Unavailable

PREVIOUS = "previous"
"""The version before the current one, in every backend's own sense of it."""

MAX_SECRET = 64 * 1024
"""Bytes of one secret. # spec: Secret Manager and Secrets Manager both hold up to 64 KiB."""


class SecretMissing(NotFound):
    """The source keeps no secret under this name."""

    code = "secret_missing"


class SecretTrouble(Unavailable):
    """The place that keeps a secret or a key could not do its part."""

    code = "secret_trouble"


class SecretUnreachable(SecretTrouble):
    """The place that keeps a secret or a key did not answer in time."""

    code = "secret_unreachable"


class SecretDenied(SecretTrouble):
    """The place that keeps a secret or a key refused our credentials."""

    code = "secret_denied"


class SecretDamaged(SecretTrouble):
    """What came back is not what was kept: a checksum, size or shape is wrong."""

    code = "secret_damaged"


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret as read at an instant; neither it nor its version's meaning shows in a repr."""

    value: bytes = field(repr=False)
    version: str
    fetched_at_ms: int


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key that only its wrapper can read again. `key_ref` and `key_version` name the
    wrapping key."""

    provider: str
    key_ref: str
    key_version: str
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature in JWS form (`alg` as RS256), and the id of the key that made it, or ""."""

    alg: str
    kid: str
    signature: bytes = field(repr=False)


class SecretSource(Protocol):
    """Where secrets are kept."""

    @property
    def label(self) -> str:
        """The source as the settings name it, fit to be shown."""
        ...

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        """A secret: the current version, `PREVIOUS`, or one by the source's own name of it.

        SecretMissing where there is none, SecretTrouble where that cannot be told.
        """
        ...

    async def probe(self) -> None:
        """Reach the source with our credentials; SecretTrouble says why that failed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class WritableSource(SecretSource, Protocol):
    """A source that we may also write to. What is written is kept when a call returns; a call
    that was cut off left either what was there before or what it was to write."""

    async def put(self, ref: str, value: bytes, *, keep_previous: bool = False) -> None:
        """Store a secret. `keep_previous`: the one in its place becomes the previous version,
        before the new one takes it. SecretDenied where we may not write."""
        ...

    async def drop_previous(self, ref: str) -> None:
        """Let go of the previous version, if there is one."""
        ...


class KeyWrapper(Protocol):
    """A key that encrypts data keys, and is never seen itself.

    `context` is bound to the wrapped key: unwrapping under another one is refused.
    """

    @property
    def provider(self) -> str:
        """What `WrappedKey.provider` says, as `local` or `gcp-kms`."""
        ...

    @property
    def key_ref(self) -> str:
        """The wrapping key's name at its provider."""
        ...

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        """Encrypt a data key under the newest version of the wrapping key."""
        ...

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        """The data key again. SecretDamaged when it was changed or belongs elsewhere."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class JwtSigner(Protocol):
    """Signs tokens with a key that may never leave its place."""

    async def sign(self, signing_input: bytes) -> Signature:
        """Sign `header.payload` of a JWS, as ASCII bytes."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
