"""Calling the simulated GitHub in this process, with a clock that stands still."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from hookyard.kit.clock import ManualClock
from hookyard.kit.json import Json
from hookyard_sandbox.github.appkeys import new_private_key
from hookyard_sandbox.github.model import Installation
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox

REPOSITORY = "acme/shop"
START_MS = 1_790_000_000_000


@dataclass
class Hub:
    """A sandbox with one App installed on `acme`, and a client for it."""

    sandbox: Sandbox
    clock: ManualClock
    app: RegisteredApp
    installation: Installation
    client: httpx2.AsyncClient
    token: str = field(repr=False)

    @property
    def now_s(self) -> int:
        return self.clock.now_ms() // 1000

    def assertion(self) -> str:
        return self.app.assertion(self.now_s)

    async def call(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """One request with the installation's token, another one, or none ("")."""
        secret = self.token if token is None else token
        sent = {"Authorization": f"Bearer {secret}"} if secret else {}
        content = None if body is None else json.dumps(body).encode()
        return await self.client.request(
            method, path, content=content, headers=sent | dict(headers or {})
        )

    async def repo(
        self, method: str, path: str, body: Json = None, **options: str
    ) -> httpx2.Response:
        """One request about the repository."""
        return await self.call(method, f"/repos/{REPOSITORY}{path}", body, **options)

    async def as_app(self, method: str, path: str, body: Json = None) -> httpx2.Response:
        """One request with the App's JWT."""
        return await self.call(method, path, body, token=self.assertion())


@functools.cache
def one_key() -> str:
    """One RSA key for the whole run: making one takes long."""
    return new_private_key()


def make_hub(**options: bool) -> Hub:
    """A fresh hub with one repository, one collaborator and one issue (number 1)."""
    clock = ManualClock(START_MS)
    sandbox = Sandbox(clock, **options)
    sandbox.create_repository(
        REPOSITORY,
        files={"README.md": "# shop\n", "src/cart.py": "total = 0\n"},
        collaborators={"octocat": "write", "reader": "read"},
    )
    app = sandbox.register_app(private_key=one_key())
    installation = sandbox.create_installation(app)
    sandbox.create_issue(REPOSITORY, "Checkout fails", "It does.")
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=sandbox.app), base_url=sandbox.base_url
    )
    return Hub(sandbox, clock, app, installation, client, sandbox.mint(installation))
