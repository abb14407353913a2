"""Google as a transport: secrets, keys, and two ways to sign in."""

import json
import os
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.secret_stubs import (
    Answer,
    Stub,
    b64,
    rsa_key,
    slow_crc32c,
    unb64,
)

GCP_EMAIL = "hookyard@example.iam.gserviceaccount.com"
GCP_KEY = "projects/acme/locations/global/keyRings/ring/cryptoKeys/wrap"
GCP_SIGNING = "projects/acme/locations/global/keyRings/ring/cryptoKeys/sign/cryptoKeyVersions/3"


@dataclass
class GcpStub(Stub):
    """Secret Manager, Cloud KMS, the sign-in of service accounts, and the metadata server."""

    secrets: dict[str, list[bytes | None]] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=lambda: [os.urandom(32)])

    def account_file(self) -> dict[str, str]:
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "client_email": GCP_EMAIL,
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "token_uri": "https://oauth2.googleapis.com/token",
        }

    def sign_in(self, request: httpx2.Request) -> httpx2.Response | None:
        if request.url.host == "metadata.google.internal":
            assert request.url.scheme == "http"
            assert request.headers["metadata-flavor"] == "Google"
            assert request.url.path.endswith("/instance/service-accounts/default/token")
            body = {"access_token": self.new_token(), "expires_in": 3599, "token_type": "Bearer"}
            return httpx2.Response(200, json=body, headers={"metadata-flavor": "Google"})
        if request.url.host != "oauth2.googleapis.com":
            return None
        assert (request.method, request.url.scheme) == ("POST", "https")
        form = parse_qs(request.content.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        public = RSAKey.import_key(rsa_key().public_key())  # type: ignore[arg-type]
        read = jwt.decode(form["assertion"][0], public, algorithms=["RS256"])
        now_s = self.clock.now_ms() // 1000
        claims = read.claims
        assert read.header["kid"] == "k1"
        assert claims["iss"] == GCP_EMAIL
        assert claims["aud"] == "https://oauth2.googleapis.com/token"
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        assert claims["iat"] <= now_s < claims["exp"] <= claims["iat"] + 3600
        return httpx2.Response(
            200, json={"access_token": self.new_token(), "expires_in": 3599, "token_type": "Bearer"}
        )

    def answer(self, request: httpx2.Request) -> Answer:
        assert request.url.scheme == "https"
        path = request.url.path
        assert path.startswith("/v1/projects/acme/")
        if request.url.host == "secretmanager.googleapis.com":
            assert request.method == "GET"
            return self._access(path.removeprefix("/v1/projects/acme/secrets/"))
        assert request.url.host == "cloudkms.googleapis.com"
        assert request.method == "POST"
        name, _, action = path.removeprefix("/v1/").partition(":")
        sent = json.loads(request.content)
        if (name, action) == (GCP_SIGNING, "asymmetricSign"):
            return self._sign(sent)
        assert name == GCP_KEY
        return self._encrypt(sent) if action == "encrypt" else self._decrypt(sent, action)

    def _access(self, path: str) -> Answer:
        name, _, rest = path.partition("/versions/")
        version, _, action = rest.partition(":")
        assert action == "access"
        versions = self.secrets.get(name, [])
        number = len(versions) if version == "latest" else int(version)
        if not 1 <= number <= len(versions):
            return 404, {"error": {"code": 404, "status": "NOT_FOUND"}}
        value = versions[number - 1]
        if value is None:
            return 400, {"error": {"code": 400, "status": "FAILED_PRECONDITION"}}
        return 200, {
            "name": f"projects/123/secrets/{name}/versions/{number}",
            "payload": {"data": b64(value), "dataCrc32c": str(slow_crc32c(value))},
        }

    def _encrypt(self, sent: dict[str, object]) -> Answer:
        plain, bound = unb64(sent["plaintext"]), unb64(sent["additionalAuthenticatedData"])
        assert sent["plaintextCrc32c"] == str(slow_crc32c(plain))
        assert sent["additionalAuthenticatedDataCrc32c"] == str(slow_crc32c(bound))
        number = len(self.keys)
        nonce = os.urandom(12)
        blob = bytes([number]) + nonce + AESGCM(self.keys[-1]).encrypt(nonce, plain, bound)
        return 200, {
            "name": f"{GCP_KEY}/cryptoKeyVersions/{number}",
            "ciphertext": b64(blob),
            "ciphertextCrc32c": str(slow_crc32c(blob)),
            "verifiedPlaintextCrc32c": True,
            "verifiedAdditionalAuthenticatedDataCrc32c": True,
        }

    def _decrypt(self, sent: dict[str, object], action: str) -> Answer:
        assert action == "decrypt"
        blob, bound = unb64(sent["ciphertext"]), unb64(sent["additionalAuthenticatedData"])
        assert sent["ciphertextCrc32c"] == str(slow_crc32c(blob))
        assert sent["additionalAuthenticatedDataCrc32c"] == str(slow_crc32c(bound))
        try:
            plain = AESGCM(self.keys[blob[0] - 1]).decrypt(blob[1:13], blob[13:], bound)
        except (InvalidTag, IndexError):
            return 400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}}
        return 200, {"plaintext": b64(plain), "plaintextCrc32c": str(slow_crc32c(plain))}

    def _sign(self, sent: dict[str, object]) -> Answer:
        digest = sent["digest"]
        assert isinstance(digest, dict)
        raw = unb64(digest["sha256"])
        assert sent["digestCrc32c"] == str(slow_crc32c(raw))
        made = rsa_key().sign(raw, PKCS1v15(), Prehashed(SHA256()))
        return 200, {
            "name": GCP_SIGNING,
            "signature": b64(made),
            "signatureCrc32c": str(slow_crc32c(made)),
            "verifiedDigestCrc32c": True,
        }
