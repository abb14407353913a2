"""How we sign in to Azure: client credentials, a federated token, or a managed identity.

# spec: learn.microsoft.com, "OAuth 2.0 client credentials flow"; "How to use managed identities to
# acquire an access token"; "Managed identities for App Service" (IDENTITY_ENDPOINT).
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from hookyard.adapters.secrets.bearer import Bearer
from hookyard.adapters.secrets.port import SecretDenied
from hookyard.adapters.secrets.rest import Credential, Rest
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError

RESOURCE = "https://vault.azure.net"
LOGIN = "https://login.microsoftonline.com"
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def azure_credential(
    environ: Mapping[str, str],
    clock: Clock,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Credential:
    """AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE with AZURE_TENANT_ID and AZURE_CLIENT_ID;
    without them the machine's managed identity."""
    has_key = any(environ.get(f"AZURE_{n}") for n in ("CLIENT_SECRET", "FEDERATED_TOKEN_FILE"))
    if has_key:
        return Application(environ, clock, transport)
    return ManagedIdentity(environ, clock, transport)


class Application(Bearer):
    """Tokens for an application's own secret, or for a token of a provider it trusts."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(Rest("Azure's sign-in", transport), clock)
        self._environ = environ
        host = environ.get("AZURE_AUTHORITY_HOST", "").strip().rstrip("/") or LOGIN
        tenant, self._client = (environ.get(f"AZURE_{n}_ID", "") for n in ("TENANT", "CLIENT"))
        if not tenant or not self._client or not host.startswith("https://"):
            raise ConfigurationError(
                "AZURE_TENANT_ID and AZURE_CLIENT_ID must be set beside AZURE_CLIENT_SECRET or "
                "AZURE_FEDERATED_TOKEN_FILE, and AZURE_AUTHORITY_HOST be https where it is set"
            )
        self._url = f"{host}/{tenant}/oauth2/v2.0/token"

    async def ask(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client,
            "scope": f"{RESOURCE}/.default",
            **self._proof(),
        }
        return self.read((await self._rest.ask("POST", self._url, form=form)).data)

    def _proof(self) -> dict[str, str]:
        path = self._environ.get("AZURE_FEDERATED_TOKEN_FILE", "").strip()
        if not path:
            return {"client_secret": self._environ.get("AZURE_CLIENT_SECRET", "")}
        try:
            token = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretDenied(f"Azure: cannot read {path}: {type(error).__name__}") from None
        return {"client_assertion_type": _ASSERTION, "client_assertion": token}


class ManagedIdentity(Bearer):
    """Tokens of the machine's identity, or of the one that AZURE_CLIENT_ID names."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(Rest("Azure's managed identity", transport, proxied=False), clock)
        wanted = {"resource": RESOURCE}
        if client := environ.get("AZURE_CLIENT_ID", "").strip():
            wanted["client_id"] = client
        endpoint, header = (
            environ.get(f"IDENTITY_{n}", "").strip() for n in ("ENDPOINT", "HEADER")
        )
        if endpoint and header:
            wanted["api-version"] = "2019-08-01"
            self._headers = {"x-identity-header": header}
        else:
            endpoint, wanted["api-version"] = IMDS, "2018-02-01"
            self._headers = {"metadata": "true"}
        self._url = f"{endpoint}?{urlencode(wanted)}"

    async def ask(self) -> tuple[str, float]:
        found = (await self._rest.ask("GET", self._url, headers=self._headers)).data
        if "expires_in" in found:
            return self.read(found)
        # why: App Service says when a token ends, not how long it lives.
        ends = str(found.get("expires_on", ""))
        lives = int(ends) - self._clock.now_ms() // 1000 if ends.isdigit() else 0
        return self.read({**found, "expires_in": lives})
