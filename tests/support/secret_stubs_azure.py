"""Azure as a transport: secrets, keys, and three ways to sign in."""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx2
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.secret_stubs import (
    Answer,
    Stub,
    b64url,
    rsa_key,
    unb64url,
)

AZURE_HOST = "acme-vault.vault.azure.net"
AZURE_ENV = {
    "AZURE_TENANT_ID": "tenant-1",
    "AZURE_CLIENT_ID": "client-1",
    "AZURE_CLIENT_SECRET": "planted-client-secret",
}


@dataclass
class AzureStub(Stub):
    """Key Vault, the sign-in of applications, and both kinds of managed identity."""

    secrets: dict[str, list[tuple[bytes, bool]]] = field(default_factory=dict)
    versions: list[str] = field(default_factory=lambda: ["a" * 32])

    def sign_in(self, request: httpx2.Request) -> httpx2.Response | None:
        body = {"token_type": "Bearer", "expires_in": 3599}
        match request.url.host:
            case "login.microsoftonline.com":
                assert (request.method, request.url.scheme) == ("POST", "https")
                assert request.url.path == "/tenant-1/oauth2/v2.0/token"
                form = parse_qs(request.content.decode())
                assert form["grant_type"] == ["client_credentials"]
                assert form["scope"] == ["https://vault.azure.net/.default"]
                proof = form.get("client_secret") or form["client_assertion"]
                if proof[0] not in ("planted-client-secret", "federated"):
                    return httpx2.Response(401, json={"error": "invalid_client"})
            case "169.254.169.254":
                assert request.headers["metadata"] == "true"
                assert request.url.params["resource"] == "https://vault.azure.net"
                assert request.url.params["api-version"] == "2018-02-01"
            case "127.0.0.1":
                assert request.headers["x-identity-header"] == "planted-header"
                assert request.url.params["api-version"] == "2019-08-01"
                body = {"expires_on": str(self.clock.now_ms() // 1000 + 3600)}
            case _:
                return None
        return httpx2.Response(200, json={**body, "access_token": self.new_token()})

    def answer(self, request: httpx2.Request) -> Answer:
        assert (request.url.scheme, request.url.host) == ("https", AZURE_HOST)
        assert request.url.params["api-version"] == "7.4"
        _, kind, name, *rest = request.url.path.split("/")
        if kind == "secrets":
            assert request.method == "GET"
            return (
                self._versions(name, request) if rest == ["versions"] else self._secret(name, rest)
            )
        assert kind == "keys"
        assert name == "wrap"
        if request.method == "GET":
            return 200, {"key": {"kid": f"https://{AZURE_HOST}/keys/wrap/{self.versions[-1]}"}}
        return self._key(rest[0], rest[1], json.loads(request.content))

    def _secret(self, name: str, rest: list[str]) -> Answer:
        versions = self.secrets.get(name, [])
        number = int(rest[0], 16) if rest else len(versions)
        if not 1 <= number <= len(versions):
            return 404, {"error": {"code": "SecretNotFound"}}
        value, enabled = versions[number - 1]
        if not enabled:
            return 403, {"error": {"code": "Forbidden"}}
        return 200, {
            "value": value.decode(),
            "id": f"https://{AZURE_HOST}/secrets/{name}/{number:032x}",
            "attributes": {"enabled": True},
        }

    def _versions(self, name: str, request: httpx2.Request) -> Answer:
        versions = self.secrets.get(name, [])
        # The list is in no order, and comes a page at a time.
        items = [
            {
                "id": f"https://{AZURE_HOST}/secrets/{name}/{n:032x}",
                "attributes": {"enabled": enabled, "created": 1_700_000_000 + n},
            }
            for n, (_, enabled) in enumerate(versions, 1)
        ]
        items.sort(key=lambda item: hashlib.sha256(str(item["id"]).encode()).digest())
        start = int(request.url.params.get("skip", "0"))
        body: dict[str, object] = {"value": items[start : start + 1], "nextLink": None}
        if start + 1 < len(items):
            body["nextLink"] = (
                f"https://{AZURE_HOST}/secrets/{name}/versions?api-version=7.4&skip={start + 1}"
            )
        return 200, body

    def _key(self, version: str, action: str, sent: dict[str, object]) -> Answer:
        if version not in self.versions:
            return 404, {"error": {"code": "KeyNotFound"}}
        value, padding = unb64url(sent["value"]), OAEP(MGF1(SHA256()), SHA256(), None)
        match action:
            case "wrapkey":
                assert sent["alg"] == "RSA-OAEP-256"
                made = rsa_key().public_key().encrypt(value, padding)
            case "unwrapkey":
                assert sent["alg"] == "RSA-OAEP-256"
                try:
                    made = rsa_key().decrypt(value, padding)
                except ValueError:
                    return 400, {"error": {"code": "BadParameter"}}
            case "sign":
                assert sent["alg"] == "RS256"
                made = rsa_key().sign(value, PKCS1v15(), Prehashed(SHA256()))
            case _:
                raise AssertionError(action)
        return 200, {
            "kid": f"https://{AZURE_HOST}/keys/wrap/{version}",
            "value": b64url(made),
        }
