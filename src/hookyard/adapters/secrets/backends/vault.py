"""Secrets in the KV store (version 2) of Vault or OpenBao, and keys in its Transit engine.

# spec: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and .../secret/transit.
"""

from collections.abc import Mapping

import httpx2

from hookyard.adapters.secrets import names
from hookyard.adapters.secrets.backends.vault_auth import REFUSED, VaultLogin
from hookyard.adapters.secrets.context import context_bytes
from hookyard.adapters.secrets.port import (
    MAX_SECRET,
    PREVIOUS,
    SecretDamaged,
    SecretMissing,
    SecretValue,
    Signature,
    WrappedKey,
)
from hookyard.adapters.secrets.rest import Rejected, Rest, from_base64, to_base64
from hookyard.kit.clock import Clock
from hookyard.kit.json import JsonObject, as_int, as_object, as_text, dig

TRANSIT = "vault-transit"
FIELD = "value"
PROBED = "hookyard-probe"


class VaultSecrets:
    """See `SecretSource`. A secret is the document `MOUNT/PATH/setting-name`, its field `value`."""

    def __init__(
        self,
        path: str,
        login: VaultLogin,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.label = f"vault:{path}"
        mount, _, folder = path.partition("/")
        self._folder = f"{login.address}/v1/{mount}/data/{folder}"
        self._login = login
        self._clock = clock
        self._rest = Rest(self.label, transport)

    def __repr__(self) -> str:
        return f"VaultSecrets({self.label!r})"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        if version != PREVIOUS:
            return await self._read(ref, version)
        current = await self._read(ref, None)
        if int(current.version) < 2:
            raise SecretMissing(f"{self.label} has one version of {ref} only")
        return await self._read(ref, str(int(current.version) - 1))

    async def probe(self) -> None:
        try:
            await self._read(PROBED, None)
        except SecretMissing:
            return

    async def close(self) -> None:
        await self._rest.close()
        await self._login.close()

    async def _read(self, ref: str, version: str | None) -> SecretValue:
        url = f"{self._folder}/{names.dashed(ref)}" + (f"?version={version}" if version else "")
        answer = await self._rest.ask("GET", url, credential=self._login, refused=REFUSED)
        data = as_object(answer.data.get("data"))
        number = as_int(dig(data, "metadata", "version"))
        value = dig(data, "data", FIELD)
        if not isinstance(value, str) or number is None:
            raise SecretDamaged(f"{self.label}: {ref} has no field `{FIELD}` with text in it")
        raw = value.encode("utf-8", "surrogatepass")
        if len(raw) > MAX_SECRET:
            raise SecretDamaged(f"{self.label}: {ref} is over {MAX_SECRET} bytes")
        return SecretValue(raw, str(number), self._clock.now_ms())


class VaultKeyWrapper:
    """See `KeyWrapper`. `path` is `MOUNT/KEY`, a key of type aes256-gcm96 or chacha20-poly1305."""

    provider = TRANSIT

    def __init__(
        self,
        path: str,
        login: VaultLogin,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.key_ref = path
        self._login = login
        self._rest = Rest(f"{TRANSIT}:{path}", transport)

    def __repr__(self) -> str:
        return f"VaultKeyWrapper({self.key_ref!r})"

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        sent: JsonObject = {
            "plaintext": to_base64(dek),
            "associated_data": to_base64(context_bytes(context)),
        }
        found = await self._call("encrypt", self.key_ref, sent)
        text = as_text(found.get("ciphertext"))
        return WrappedKey(TRANSIT, self.key_ref, _version(text), text.encode("ascii"))

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        sent: JsonObject = {
            "ciphertext": wrapped.blob.decode("ascii", "replace"),
            "associated_data": to_base64(context_bytes(context)),
        }
        try:
            found = await self._call("decrypt", wrapped.key_ref, sent)
        except Rejected:
            raise SecretDamaged("a wrapped data key was changed or belongs elsewhere") from None
        return from_base64(found.get("plaintext"), "a data key")

    async def close(self) -> None:
        await self._rest.close()
        await self._login.close()

    async def _call(self, action: str, path: str, sent: JsonObject) -> JsonObject:
        return await _transit(self._rest, self._login, action, path, "", sent)


class VaultSigner:
    """See `JwtSigner`. `path` is `MOUNT/KEY`, a key of type rsa-2048 or larger."""

    def __init__(
        self,
        path: str,
        login: VaultLogin,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._path = path
        self._login = login
        self._rest = Rest(f"{TRANSIT}:{path}", transport)

    def __repr__(self) -> str:
        return f"VaultSigner({self._path!r})"

    async def sign(self, signing_input: bytes) -> Signature:
        sent: JsonObject = {
            "input": to_base64(signing_input),
            "signature_algorithm": "pkcs1v15",
        }
        found = await _transit(self._rest, self._login, "sign", self._path, "/sha2-256", sent)
        text = as_text(found.get("signature"))
        _version(text)
        return Signature("RS256", "", from_base64(text.rpartition(":")[2], "a signature"))

    async def close(self) -> None:
        await self._rest.close()
        await self._login.close()


async def _transit(
    rest: Rest, login: VaultLogin, action: str, path: str, hashed: str, sent: JsonObject
) -> JsonObject:
    mount, _, key = path.rpartition("/")
    url = f"{login.address}/v1/{mount}/{action}/{key}{hashed}"
    answer = await rest.ask("POST", url, credential=login, data=sent, refused=REFUSED)
    return as_object(answer.data.get("data"))


def _version(text: str) -> str:
    """`vault:v3:…` → `3`."""
    word, _, rest = text.partition(":v")
    number = rest.partition(":")[0]
    if word != "vault" or not number.isdigit() or not text.isascii():
        raise SecretDamaged("an answer of the Transit engine cannot be understood")
    return number
