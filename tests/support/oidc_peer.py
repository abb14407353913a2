"""An OpenID issuer that is not ours, run by node, and a browser that signs in with it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest

from tests.support.openapi import PACKAGES, require_npm

SCRIPT = Path(__file__).with_name("oidc_peer.mjs")
PACKAGE = PACKAGES / "oidc-provider" / "package.json"
_ACTION = re.compile(r'action="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="(\w+)"')
_STEPS = 12


def require_peer() -> None:
    """Skip, or fail in CI, where the package or node is missing."""
    require_npm(PACKAGE)
    if shutil.which("node") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is missing: it runs the package oidc-provider")
        pytest.skip("node is missing: it runs the package oidc-provider")


class Peer:
    """The issuer as a process; it ends when we do, as its input then ends."""

    def __init__(self, redirect: str) -> None:
        self._child = subprocess.Popen(
            ["node", str(SCRIPT), redirect],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._child.stdout is not None
        line = next((line for line in self._child.stdout if line.startswith("{")), "{}")
        self.issuer: str = json.loads(line)["issuer"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.kill()
        self._child.communicate()


async def sign_in(address: str, redirect: str, login: str = "alice") -> dict[str, str]:
    """Go where the address leads, fill in each form on the way; what comes back at the end."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as browser:
        answer = await browser.get(address)
        for _ in range(_STEPS):
            if answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if there.startswith(redirect):
                    query = parse_qs(urlsplit(there).query)
                    return {name: values[0] for name, values in query.items()}
                answer = await browser.get(there)
                continue
            action = _ACTION.search(answer.text)
            if action is None:
                break
            fields = dict(_HIDDEN.findall(answer.text)) | {"login": login, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=fields)
    raise AssertionError(f"no way back from the issuer: {answer.status_code} {answer.text[:500]}")
