"""Who signs the App's tokens: a key in this process, or one that never leaves a key service."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from hookyard.kit.errors import ConfigurationError

ALG = "RS256"


class Signed(Protocol):
    """A signature and the algorithm that made it."""

    @property
    def alg(self) -> str:
        """The name in RFC 7518, as RS256."""
        ...

    @property
    def signature(self) -> bytes:
        """The bytes."""
        ...


class JwtSigner(Protocol):
    """Signs without giving the key away."""

    async def sign(self, signing_input: bytes, /) -> Signed:
        """A signature over the bytes; raises what the key service's adapter raises."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSignature:
    """What `PemSigner` makes."""

    alg: str
    signature: bytes = field(repr=False)


class PemSigner:
    """An RSA private key in PEM, in this process.

    One that was `checked` before is read at its first use: that takes tens of milliseconds.
    """

    def __init__(self, private_key: str, *, checked: bool = False, named: str = "") -> None:
        self._private_key = private_key
        self._named = named or "GITHUB_PRIVATE_KEY"
        self._key = None if checked else self._import()

    def __repr__(self) -> str:
        return "PemSigner(***)"

    async def sign(self, signing_input: bytes, /) -> LocalSignature:
        """RSASSA-PKCS1-v1_5 with SHA-256, which GitHub asks for."""
        if self._key is None:
            self._key = self._import()
        return LocalSignature(ALG, self._key.sign(signing_input, PKCS1v15(), SHA256()))

    async def close(self) -> None:
        """Nothing is held open."""

    def _import(self) -> RSAPrivateKey:
        pem = self._private_key.strip().replace("\\n", "\n")
        try:
            key = RSAKey.import_key(pem)
        except (JoseError, ValueError, TypeError):
            key = None
        if key is None or not isinstance(key.private_key, RSAPrivateKey):
            raise ConfigurationError(
                f"{self._named} is not an RSA private key in PEM form; "
                "download a new one from the App's settings page"
            )
        return key.private_key


async def signed_jwt(signer: JwtSigner, claims: Mapping[str, str | int]) -> str:
    """A compact JWT by this signer; ConfigurationError when its key makes other signatures.

    # spec: RFC 7515, section 7.1; GitHub takes RS256 and nothing else.
    """
    head = _part(json.dumps({"alg": ALG, "typ": "JWT"}, separators=(",", ":")).encode())
    body = _part(json.dumps(claims, separators=(",", ":")).encode())
    made = await signer.sign(head + b"." + body)
    if made.alg != ALG:
        raise ConfigurationError(
            f"the App's key signs {made.alg}; GitHub takes {ALG}: use an RSA key of 2048 bits "
            "that signs PKCS#1 v1.5 with SHA-256"
        )
    return b".".join((head, body, _part(made.signature))).decode()


def _part(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
