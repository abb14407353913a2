"""A signing key in this process, from a PEM."""

import asyncio

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hookyard.adapters.secrets.port import Signature
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret

LEAST_BITS = 2048


class PemSigner:
    """See `JwtSigner`. ConfigurationError when the text is no RSA key of 2048 bits or more."""

    def __init__(self, pem: Secret) -> None:
        text = pem.reveal().strip().replace("\\n", "\n")
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigurationError("the signing key is not a private key in PEM form") from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
            raise ConfigurationError(f"the signing key must be RSA, of {LEAST_BITS} bits or more")
        self._key = key

    def __repr__(self) -> str:
        return "PemSigner()"

    async def sign(self, signing_input: bytes) -> Signature:
        # why: a signature takes about a millisecond of CPU.
        made = await asyncio.to_thread(self._key.sign, signing_input, PKCS1v15(), SHA256())
        return Signature("RS256", "", made)

    async def close(self) -> None:
        """Nothing is held open."""
