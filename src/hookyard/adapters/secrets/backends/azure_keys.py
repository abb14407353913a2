"""Wrapping and signing keys in Azure Key Vault, over its REST interface.

RSA takes no additional data, so the context travels inside: what is wrapped is the data key and a
hash of the context, which is compared when it is unwrapped.

# spec: learn.microsoft.com/rest/api/keyvault/keys, api-version 7.4: wrapkey and unwrapkey with
# RSA-OAEP-256, sign with RS256 over a SHA-256 digest.
"""

import hashlib
import hmac
from collections.abc import Mapping

import httpx2

from hookyard.adapters.secrets.backends.azure_secrets import DOMAIN, VERSION
from hookyard.adapters.secrets.context import context_bytes
from hookyard.adapters.secrets.port import SecretDamaged, Signature, WrappedKey
from hookyard.adapters.secrets.rest import (
    Credential,
    Rejected,
    Rest,
    from_base64url,
    to_base64url,
)
from hookyard.kit.json import JsonObject, as_text, dig

PROVIDER = "azure-kv"
WRAPPING = "RSA-OAEP-256"
HASH_BYTES = 32


class _Key:
    """One key of one vault."""

    def __init__(
        self,
        vault: str,
        name: str,
        credential: Credential,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self.ref = f"{vault}/{name}"
        self.url = f"https://{vault.lower()}.{DOMAIN}/keys/{name}"
        self._credential = credential
        self._rest = Rest(f"{PROVIDER}:{self.ref}", transport)

    async def newest(self) -> str:
        """The current version of the key."""
        found = (
            await self._rest.ask("GET", f"{self.url}?{VERSION}", credential=self._credential)
        ).data
        return self.version_of(as_text(dig(found, "key", "kid")))

    async def do(self, action: str, version: str, algorithm: str, value: bytes) -> bytes:
        """What the key makes of some bytes."""
        sent: JsonObject = {"alg": algorithm, "value": to_base64url(value)}
        url = f"{self.url}/{version}/{action}?{VERSION}"
        found = (await self._rest.ask("POST", url, credential=self._credential, data=sent)).data
        if self.version_of(as_text(found.get("kid"))) != version:
            raise SecretDamaged(f"{PROVIDER}:{self.ref} answered with another version of the key")
        return from_base64url(found.get("value"), f"an answer of {PROVIDER}:{self.ref}")

    def version_of(self, kid: str) -> str:
        """`https://VAULT/keys/NAME/VERSION` → `VERSION`, of this key only."""
        version = kid.removeprefix(f"{self.url}/")
        if version == kid or not version.isalnum():
            raise SecretDamaged(f"{PROVIDER}:{self.ref} answered for another key")
        return version

    async def close(self) -> None:
        await self._rest.close()
        await self._credential.close()


class AzureKeyWrapper:
    """See `KeyWrapper`. An RSA key; whoever may only encrypt needs no right to it, so the right to
    write our database must not be given to those who may not read it."""

    provider = PROVIDER

    def __init__(
        self,
        vault: str,
        name: str,
        credential: Credential,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._key = _Key(vault, name, credential, transport)
        self.key_ref = self._key.ref

    def __repr__(self) -> str:
        return f"AzureKeyWrapper({self.key_ref!r})"

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        version = await self._key.newest()
        blob = await self._key.do("wrapkey", version, WRAPPING, dek + _bound(context))
        return WrappedKey(PROVIDER, self.key_ref, version, blob)

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        try:
            found = await self._key.do("unwrapkey", wrapped.key_version, WRAPPING, wrapped.blob)
        except Rejected:
            raise SecretDamaged("a wrapped data key was changed") from None
        dek, bound = found[:-HASH_BYTES], found[-HASH_BYTES:]
        if not hmac.compare_digest(bound, _bound(context)):
            raise SecretDamaged("a wrapped data key belongs elsewhere")
        return dek

    async def close(self) -> None:
        await self._key.close()


class AzureSigner:
    """See `JwtSigner`. An RSA key; without a `version` the newest one signs."""

    def __init__(
        self,
        vault: str,
        name: str,
        version: str,
        credential: Credential,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._key = _Key(vault, name, credential, transport)
        self._version = version

    def __repr__(self) -> str:
        return f"AzureSigner({self._key.ref!r})"

    async def sign(self, signing_input: bytes) -> Signature:
        version = self._version or await self._key.newest()
        digest = hashlib.sha256(signing_input).digest()
        return Signature("RS256", "", await self._key.do("sign", version, "RS256", digest))

    async def close(self) -> None:
        await self._key.close()


def _bound(context: Mapping[str, str]) -> bytes:
    return hashlib.sha256(b"hookyard context\x00" + context_bytes(context)).digest()
