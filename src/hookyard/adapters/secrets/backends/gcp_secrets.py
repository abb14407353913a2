"""Secrets in Google Secret Manager, over its REST interface.

# spec: cloud.google.com/secret-manager/docs/reference/rest, `versions.access`.
"""

import httpx2

from hookyard.adapters.secrets import names
from hookyard.adapters.secrets.crc32c import crc32c
from hookyard.adapters.secrets.port import (
    MAX_SECRET,
    PREVIOUS,
    SecretDamaged,
    SecretMissing,
    SecretValue,
)
from hookyard.adapters.secrets.rest import Credential, Rejected, Rest, from_base64
from hookyard.kit.clock import Clock
from hookyard.kit.json import as_object, as_text

BASE = "https://secretmanager.googleapis.com/v1"
PROBED = "hookyard-probe"


class GcpSecrets:
    """See `SecretSource`. Secrets are named `PREFIX-setting-name`, or without a prefix."""

    def __init__(
        self,
        project: str,
        prefix: str,
        credential: Credential,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.label = f"gcp-sm:projects/{project}" + (f"/{prefix}" if prefix else "")
        self._parent = f"{BASE}/projects/{project}/secrets"
        self._prefix = f"{prefix}-" if prefix else ""
        self._credential = credential
        self._clock = clock
        self._rest = Rest(self.label, transport)

    def __repr__(self) -> str:
        return f"GcpSecrets({self.label!r})"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        if version != PREVIOUS:
            return await self._access(ref, version or "latest")
        current = await self._access(ref, "latest")
        # why: the right to read a version does not include the right to list them; numbers count
        # up by one, and a version that was disabled or destroyed is refused with 400.
        before = int(current.version) - 1
        if before < 1:
            raise SecretMissing(f"{self.label} has one version of {ref} only")
        try:
            return await self._access(ref, str(before))
        except Rejected:
            raise SecretMissing(f"{self.label} has disabled version {before} of {ref}") from None

    async def probe(self) -> None:
        try:
            await self._access(PROBED, "latest")
        except SecretMissing:
            return

    async def close(self) -> None:
        await self._rest.close()
        await self._credential.close()

    async def _access(self, ref: str, version: str) -> SecretValue:
        secret_id = f"{self._prefix}{names.dashed(ref)}"
        url = f"{self._parent}/{secret_id}/versions/{version}:access"
        found = (await self._rest.ask("GET", url, credential=self._credential)).data
        payload = as_object(found.get("payload"))
        value = from_base64(payload.get("data"), f"{self.label}: {ref}")
        number = as_text(found.get("name")).rpartition("/")[2]
        if len(value) > MAX_SECRET or not number.isdigit():
            raise SecretDamaged(f"{self.label}: {ref} is no secret of ours")
        if str(payload.get("dataCrc32c", "")) != str(crc32c(value)):
            raise SecretDamaged(f"{self.label}: {ref} was damaged on the way")
        return SecretValue(value, number, self._clock.now_ms())
