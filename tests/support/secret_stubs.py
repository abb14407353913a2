"""Vaults of three clouds as transports: they hold what the real ones hold, speak their protocols,
and refuse requests that the real ones would refuse.

They prove names, paths, shapes, checksums and errors; they cannot prove the services' own rights,
limits or delays.
"""

import base64
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from hookyard.kit.clock import Clock

Answer = tuple[int, dict[str, object]]
_RSA: list[RSAPrivateKey] = []


def rsa_key() -> RSAPrivateKey:
    """One key for every stub: making one takes a while."""
    if not _RSA:
        _RSA.append(generate_private_key(65537, 2048))
    return _RSA[0]


def slow_crc32c(data: bytes) -> int:
    """Bit by bit, so that it shares no table with the code it checks."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def b64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: object) -> bytes:
    assert isinstance(text, str)
    return base64.b64decode(text, validate=True)


def unb64url(text: object) -> bytes:
    assert isinstance(text, str)
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Stub(ABC):
    """What the stubs have in common. `trouble` answers in place of everything but sign-ins."""

    clock: Clock
    tokens: set[str] = field(default_factory=set)
    sign_ins: int = 0
    asked: list[str] = field(default_factory=list)
    trouble: Callable[[httpx2.Request], httpx2.Response] | None = None
    bend: Callable[[dict[str, object]], dict[str, object]] = lambda body: body

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.handle)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        signed_in = self.sign_in(request)
        if signed_in is not None:
            return signed_in
        if self.trouble is not None:
            return self.trouble(request)
        if not self.lets_in(request):
            return httpx2.Response(self.refused_with, json={"error": {"message": "planted-body"}})
        status, body = self.answer(request)
        return httpx2.Response(status, json=self.bend(body) if status == 200 else body)

    refused_with = 401

    def new_token(self) -> str:
        self.sign_ins += 1
        token = f"token-{self.sign_ins}-{os.urandom(8).hex()}"
        self.tokens = {token}
        return token

    def lets_in(self, request: httpx2.Request) -> bool:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        return word == "Bearer" and token in self.tokens

    @abstractmethod
    def sign_in(self, request: httpx2.Request) -> httpx2.Response | None:
        """The answer to a request for a token; None when it is none."""

    @abstractmethod
    def answer(self, request: httpx2.Request) -> Answer:
        """What the vault answers to one that it lets in."""
