"""Wrapping and signing keys in Google Cloud KMS, over its REST interface.

# spec: cloud.google.com/kms/docs/reference/rest; checksums as in "Verifying end-to-end data
# integrity".
"""

import hashlib
from collections.abc import Mapping

import httpx2

from hookyard.adapters.secrets.context import context_bytes
from hookyard.adapters.secrets.crc32c import crc32c
from hookyard.adapters.secrets.port import (
    SecretDamaged,
    Signature,
    WrappedKey,
)
from hookyard.adapters.secrets.rest import Credential, Rejected, Rest, from_base64, to_base64
from hookyard.kit.json import JsonObject, as_text

BASE = "https://cloudkms.googleapis.com/v1"
PROVIDER = "gcp-kms"


class GcpKeyWrapper:
    """See `KeyWrapper`. `key` is `projects/…/cryptoKeys/NAME`."""

    provider = PROVIDER

    def __init__(
        self,
        key: str,
        credential: Credential,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.key_ref = key
        self._credential = credential
        self._rest = Rest("Google Cloud KMS", transport)

    def __repr__(self) -> str:
        return f"GcpKeyWrapper({self.key_ref!r})"

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        bound = context_bytes(context)
        sent: JsonObject = {
            "plaintext": to_base64(dek),
            "plaintextCrc32c": str(crc32c(dek)),
            "additionalAuthenticatedData": to_base64(bound),
            "additionalAuthenticatedDataCrc32c": str(crc32c(bound)),
        }
        url = f"{BASE}/{self.key_ref}:encrypt"
        found = (await self._rest.ask("POST", url, credential=self._credential, data=sent)).data
        checked = ("verifiedPlaintextCrc32c", "verifiedAdditionalAuthenticatedDataCrc32c")
        blob = from_base64(found.get("ciphertext"), "a wrapped key")
        if not all(found.get(name) is True for name in checked):
            raise SecretDamaged("a data key was damaged on its way to Google Cloud KMS")
        _check(blob, found.get("ciphertextCrc32c"))
        version = as_text(found.get("name")).rpartition("/")[2]
        return WrappedKey(PROVIDER, self.key_ref, version, blob)

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        bound = context_bytes(context)
        sent: JsonObject = {
            "ciphertext": to_base64(wrapped.blob),
            "ciphertextCrc32c": str(crc32c(wrapped.blob)),
            "additionalAuthenticatedData": to_base64(bound),
            "additionalAuthenticatedDataCrc32c": str(crc32c(bound)),
        }
        url = f"{BASE}/{wrapped.key_ref}:decrypt"
        try:
            found = (await self._rest.ask("POST", url, credential=self._credential, data=sent)).data
        except Rejected:
            raise SecretDamaged("a wrapped data key was changed or belongs elsewhere") from None
        dek = from_base64(found.get("plaintext"), "a data key")
        _check(dek, found.get("plaintextCrc32c"))
        return dek

    async def close(self) -> None:
        await self._rest.close()
        await self._credential.close()


class GcpSigner:
    """See `JwtSigner`. `key_version` is `projects/…/cryptoKeyVersions/N`, of a key with algorithm
    RSA_SIGN_PKCS1_*_SHA256."""

    def __init__(
        self,
        key_version: str,
        credential: Credential,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._key = key_version
        self._credential = credential
        self._rest = Rest("Google Cloud KMS", transport)

    def __repr__(self) -> str:
        return f"GcpSigner({self._key!r})"

    async def sign(self, signing_input: bytes) -> Signature:
        digest = hashlib.sha256(signing_input).digest()
        sent: JsonObject = {
            "digest": {"sha256": to_base64(digest)},
            "digestCrc32c": str(crc32c(digest)),
        }
        url = f"{BASE}/{self._key}:asymmetricSign"
        found = (await self._rest.ask("POST", url, credential=self._credential, data=sent)).data
        signature = from_base64(found.get("signature"), "a signature")
        if found.get("verifiedDigestCrc32c") is not True or found.get("name") != self._key:
            raise SecretDamaged("what Google Cloud KMS signed is not what we sent")
        _check(signature, found.get("signatureCrc32c"))
        return Signature("RS256", "", signature)

    async def close(self) -> None:
        await self._rest.close()
        await self._credential.close()


def _check(value: bytes, checksum: object) -> None:
    """# why: JSON carries Google's 64-bit numbers as text."""
    if str(checksum) != str(crc32c(value)):
        raise SecretDamaged("an answer of Google Cloud KMS was damaged on the way")
