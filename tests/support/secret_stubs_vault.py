"""Vault as a transport: secrets, keys, and three ways to sign in."""

import json
import os
from dataclasses import dataclass, field

import httpx2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.secret_stubs import (
    Answer,
    Stub,
    b64,
    rsa_key,
    unb64,
)

VAULT_ENV = {"VAULT_ADDR": "https://vault.example:8200", "VAULT_TOKEN": "planted-vault-token"}


@dataclass
class VaultStub(Stub):
    """KV version 2 at `secret`, Transit at `transit`, and three ways to sign in."""

    secrets: dict[str, list[bytes | None]] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    namespace: str | None = None
    refused_with = 403

    def __post_init__(self) -> None:
        self.tokens = {VAULT_ENV["VAULT_TOKEN"]}

    def sign_in(self, request: httpx2.Request) -> httpx2.Response | None:
        _, _, first, *_ = request.url.path.split("/")
        if first != "auth":
            return None
        assert request.method == "POST"
        sent = json.loads(request.content)
        if request.url.path == "/v1/auth/approle/login":
            good = sent == {"role_id": "role-1", "secret_id": "planted-secret-id"}
        else:
            assert request.url.path == "/v1/auth/kubernetes/login"
            good = sent == {"role": "hookyard", "jwt": "pod-token"}
        if not good:
            return httpx2.Response(400, json={"errors": ["invalid role or secret ID"]})
        auth = {"client_token": self.new_token(), "lease_duration": 3600}
        return httpx2.Response(200, json={"auth": auth})

    def lets_in(self, request: httpx2.Request) -> bool:
        assert request.headers["x-vault-request"] == "true"
        assert request.headers.get("x-vault-namespace") == self.namespace
        return request.headers.get("x-vault-token") in self.tokens

    def answer(self, request: httpx2.Request) -> Answer:
        assert (request.url.scheme, request.url.netloc) == ("https", b"vault.example:8200")
        _, v1, mount, action, *rest = request.url.path.split("/")
        assert v1 == "v1"
        if mount == "secret":
            assert (request.method, action) == ("GET", "data")
            return self._read("/".join(rest), request.url.params.get("version"))
        assert (request.method, mount) == ("POST", "transit")
        sent = json.loads(request.content)
        match [action, *rest]:
            case ["encrypt", "wrap"]:
                return self._encrypt(sent)
            case ["decrypt", "wrap"]:
                return self._decrypt(sent)
            case ["sign", "sign", "sha2-256"]:
                assert sent["signature_algorithm"] == "pkcs1v15"
                made = rsa_key().sign(unb64(sent["input"]), PKCS1v15(), SHA256())
                return 200, {"data": {"signature": f"vault:v1:{b64(made)}"}}
        raise AssertionError(request.url.path)

    def _read(self, path: str, version: str | None) -> Answer:
        versions = self.secrets.get(path, [])
        number = int(version) if version else len(versions)
        if not 1 <= number <= len(versions):
            return 404, {"errors": []}
        value = versions[number - 1]
        if value is None:
            meta: dict[str, object] = {"version": number, "deletion_time": "2026-01-01T00:00:00Z"}
            return 404, {"data": {"data": None, "metadata": meta}}
        return 200, {
            "data": {
                "data": {"value": value.decode()},
                "metadata": {"version": number, "deletion_time": "", "destroyed": False},
            }
        }

    def _encrypt(self, sent: dict[str, object]) -> Answer:
        nonce = os.urandom(12)
        bound = unb64(sent["associated_data"])
        blob = nonce + AESGCM(self.keys[-1]).encrypt(nonce, unb64(sent["plaintext"]), bound)
        text = f"vault:v{len(self.keys)}:{b64(blob)}"
        return 200, {"data": {"ciphertext": text, "key_version": len(self.keys)}}

    def _decrypt(self, sent: dict[str, object]) -> Answer:
        text = sent["ciphertext"]
        assert isinstance(text, str)
        try:
            word, version, body = text.split(":")
            if word != "vault":
                raise ValueError(word)
            blob = unb64(body)
            key = AESGCM(self.keys[int(version[1:]) - 1])
            plain = key.decrypt(blob[:12], blob[12:], unb64(sent["associated_data"]))
        except (ValueError, InvalidTag, IndexError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": b64(plain)}}
