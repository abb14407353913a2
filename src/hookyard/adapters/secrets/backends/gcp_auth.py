"""How we sign in to Google: a service account's file, or the machine's metadata server.

# spec: cloud.google.com, "Application Default Credentials"; RFC 7523 for the signed assertion.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from hookyard.adapters.secrets.bearer import Bearer
from hookyard.adapters.secrets.port import SecretDamaged
from hookyard.adapters.secrets.rest import Credential, Rest
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import JsonObject, as_object, as_text

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_S = 3600
METADATA_HOST = "metadata.google.internal"
_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_FLAVOR = {"metadata-flavor": "Google"}


def gcp_credential(
    environ: Mapping[str, str],
    clock: Clock,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Credential:
    """The file GOOGLE_APPLICATION_CREDENTIALS names, else the metadata server.

    ConfigurationError for a file that is no service account's key.
    """
    path = environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip()
    if path:
        return ServiceAccount(_read(Path(path)), clock, transport)
    host = environ.get("GCE_METADATA_HOST", "").strip() or METADATA_HOST
    return Metadata(host, clock, transport)


class Metadata(Bearer):
    """Tokens of the machine's own account."""

    def __init__(
        self, host: str, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(Rest("Google's metadata server", transport, proxied=False), clock)
        self._url = f"http://{host}{_PATH}"

    async def ask(self) -> tuple[str, float]:
        found = await self._rest.ask("GET", self._url, headers=_FLAVOR)
        # why: whoever else answers at that name does not know this header.
        if found.headers.get("metadata-flavor") != "Google":
            raise SecretDamaged("what answers as the metadata server is not Google's")
        return self.read(found.data)


class ServiceAccount(Bearer):
    """Tokens for a key of a service account. `given` is its JSON file."""

    def __init__(
        self,
        given: JsonObject,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(Rest("Google's sign-in", transport), clock)
        self._email = as_text(given.get("client_email"))
        self._key_id = as_text(given.get("private_key_id"))
        self._url = as_text(given.get("token_uri"))
        try:
            self._key = RSAKey.import_key(as_text(given.get("private_key")))
        except (JoseError, ValueError, TypeError):
            raise ConfigurationError(
                "GOOGLE_APPLICATION_CREDENTIALS: its private_key cannot be read"
            ) from None
        if not self._email or not self._url.startswith("https://"):
            raise ConfigurationError(
                "GOOGLE_APPLICATION_CREDENTIALS: needs client_email and an https token_uri"
            )

    async def ask(self) -> tuple[str, float]:
        now_s = self._clock.now_ms() // 1000
        claims = {
            "iss": self._email,
            "scope": SCOPE,
            "aud": self._url,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
        }
        header = {"alg": "RS256", "kid": self._key_id}
        assertion = jwt.encode(header, claims, self._key, algorithms=["RS256"])
        form = {"grant_type": GRANT, "assertion": assertion}
        return self.read((await self._rest.ask("POST", self._url, form=form)).data)


def _read(path: Path) -> JsonObject:
    try:
        found = as_object(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"GOOGLE_APPLICATION_CREDENTIALS: cannot read {path}: {type(error).__name__}"
        ) from None
    if found.get("type") != "service_account":
        raise ConfigurationError(
            "GOOGLE_APPLICATION_CREDENTIALS: only the key of a service account is supported; "
            "on Google Cloud leave it unset, and the machine's own account is used"
        )
    return found
