"""Secrets in Azure Key Vault, over its REST interface.

# spec: learn.microsoft.com/rest/api/keyvault/secrets, api-version 7.4: "Get Secret" and
# "Get Secret Versions", whose list is in no order and comes in pages.
"""

import httpx2

from hookyard.adapters.secrets import names
from hookyard.adapters.secrets.port import (
    MAX_SECRET,
    PREVIOUS,
    SecretDamaged,
    SecretMissing,
    SecretValue,
)
from hookyard.adapters.secrets.rest import Credential, Rest
from hookyard.kit.clock import Clock
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text, dig

VERSION = "api-version=7.4"
DOMAIN = "vault.azure.net"
PAGES = 4
PROBED = "hookyard-probe"


class AzureSecrets:
    """See `SecretSource`. Secrets are named `PREFIX-setting-name`, or without a prefix."""

    def __init__(
        self,
        vault: str,
        prefix: str,
        credential: Credential,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.label = f"azure-kv:{vault}" + (f"/{prefix}" if prefix else "")
        self._base = f"https://{vault.lower()}.{DOMAIN}"
        self._prefix = f"{prefix}-" if prefix else ""
        self._credential = credential
        self._clock = clock
        self._rest = Rest(self.label, transport)

    def __repr__(self) -> str:
        return f"AzureSecrets({self.label!r})"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        name = f"{self._prefix}{names.dashed(ref)}"
        if version == PREVIOUS:
            version = await self._previous(name)
        return await self._read(name, version or "")

    async def probe(self) -> None:
        try:
            await self._read(PROBED, "")
        except SecretMissing:
            return

    async def close(self) -> None:
        await self._rest.close()
        await self._credential.close()

    async def _read(self, name: str, version: str) -> SecretValue:
        path = f"/secrets/{name}/{version}" if version else f"/secrets/{name}"
        found = await self._get(f"{self._base}{path}?{VERSION}")
        value, number = found.get("value"), as_text(found.get("id")).rpartition("/")[2]
        if not isinstance(value, str) or not number.isalnum():
            raise SecretDamaged(f"{self.label}: {name} is no secret")
        raw = value.encode("utf-8", "surrogatepass")
        if len(raw) > MAX_SECRET:
            raise SecretDamaged(f"{self.label}: {name} is over {MAX_SECRET} bytes")
        return SecretValue(raw, number, self._clock.now_ms())

    async def _previous(self, name: str) -> str:
        """The enabled version made last before the current one."""
        made: list[tuple[int, str]] = []
        url = f"{self._base}/secrets/{name}/versions?{VERSION}"
        for _ in range(PAGES):
            found = await self._get(url)
            for item in map(as_object, as_list(found.get("value"))):
                if dig(item, "attributes", "enabled") is True:
                    at = as_int(dig(item, "attributes", "created")) or 0
                    made.append((at, as_text(item.get("id")).rpartition("/")[2]))
            url = as_text(found.get("nextLink"))
            if not url.startswith(f"{self._base}/"):
                break
        if len(made) < 2:
            raise SecretMissing(f"{self.label} has one version of {name} only")
        return sorted(made)[-2][1]

    async def _get(self, url: str) -> JsonObject:
        return (await self._rest.ask("GET", url, credential=self._credential)).data
