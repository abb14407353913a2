"""A GitHub that answers from a script, and a clock whose sleeps pass at once."""

import functools
from collections.abc import Callable, Mapping
from random import Random

import httpx2
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.dates import http_date_ms
from hookyard.adapters.github.report import CallReport
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.kit.clock import ManualClock, to_rfc3339

BASE = "https://github.test/api"


class HastyClock(ManualClock):
    """Sleeping moves this clock on at once; `slept` lists the seconds."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        super().__init__(now_ms)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)


@functools.cache
def private_key() -> str:
    """One RSA key in PEM for the whole test run."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def public_key() -> str:
    """The public half in PEM."""
    key = serialization.load_pem_private_key(private_key().encode(), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def answer(
    status: int = 200, data: object = None, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """One answer in JSON."""
    body = b"" if data is None else msgspec.json.encode(data)
    return httpx2.Response(status, content=body, headers=dict(headers or {}))


def minted(clock: ManualClock, value: str = "ghs_opaque", **more: object) -> httpx2.Response:
    """GitHub's answer to a mint: a token for one hour."""
    expires = to_rfc3339(clock.now_ms() + 3_600_000)
    data = {"token": value, "expires_at": expires, "permissions": {"issues": "write"}, **more}
    return answer(201, data)


class Script:
    """Answers in order; each is a response, an exception to raise, or a function of the request."""

    def __init__(
        self,
        *steps: httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response],
        base_url: str = BASE,
        clock: ManualClock | None = None,
    ) -> None:
        self.steps = list(steps)
        self.requests: list[httpx2.Request] = []
        self.reports: list[CallReport] = []
        self.clock = clock or HastyClock()
        self.wire = Wire(
            WireOptions(base_url=base_url, trust_env=False), httpx2.MockTransport(self._handle)
        )
        self.client = GitHubClient(
            self.wire,
            AppJwt("42", private_key(), self.clock),
            self.clock,
            random=Random(7),
            on_response=self.reports.append,
        )

    @property
    def asked(self) -> list[str]:
        """Method and path with query of every request, in order."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.requests]

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if not self.steps:
            raise AssertionError(f"nobody expected {request.method} {request.url}")
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx2.Response) else step(request)


def date_header(ms: int) -> dict[str, str]:
    """A `Date` header of this instant, to the second."""
    from email.utils import formatdate

    text = formatdate(ms / 1000, usegmt=True)
    assert http_date_ms(text) == ms // 1000 * 1000
    return {"date": text}
