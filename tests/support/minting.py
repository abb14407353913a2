"""A simulated GitHub with an App installed, and a Hookyard that mints its tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from hookyard_sandbox.github.model import Installation
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from tests.support.github import private_key

RIGHTS = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}
REPOSITORIES = ("acme/shop", "acme/web", "acme/api-one")


@dataclass(frozen=True)
class Hub:
    """The simulated GitHub, its App, and the App on acme with all three repositories."""

    sandbox: Sandbox
    app: RegisteredApp
    installation: Installation

    @property
    def path(self) -> str:
        """Where tokens of the installation are asked for."""
        return f"/tokens/installations/{self.installation.id}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings that name this GitHub and its App."""
        return {
            "GITHUB_APP_ID": str(self.app.id),
            "GITHUB_APP_SLUG": self.app.slug,
            "GITHUB_PRIVATE_KEY": self.app.private_key,
            "GITHUB_API_BASE_URL": self.sandbox.base_url,
            "HOOKYARD_RECOVER": "off",
        }

    def minted(self) -> int:
        """How many tokens GitHub was asked for and gave."""
        return self.calls("POST", "/access_tokens", 201)

    def calls(self, method: str, pattern: str, status: int) -> int:
        """How many calls whose path holds this got this status."""
        seen = self.sandbox.gateway.seen
        return sum(1 for m, p, s in seen if m == method and pattern in p and s == status)

    def status(self, token: str, path: str = "/installation/repositories") -> int:
        """What GitHub answers to this token."""
        headers = {"authorization": f"Bearer {token}"}
        with httpx2.Client(trust_env=False) as http:
            return http.get(self.sandbox.base_url + path, headers=headers).status_code


@contextmanager
def hub() -> Iterator[Hub]:
    """One that runs on the machine's clock."""
    with Sandbox(deliver=lambda _: None) as sandbox:
        for name in REPOSITORIES:
            sandbox.create_repository(name)
        sandbox.create_repository("evil/shop")
        app = sandbox.register_app(private_key=private_key(), permissions=dict(RIGHTS))
        yield Hub(sandbox, app, sandbox.create_installation(app))


def policy_file(folder: Path, text: str) -> str:
    """A mint policy on disk."""
    path = folder / "policy.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)
