"""The server of the demo: `hookyard up` as a process of its own, to be killed and started again."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import yaml

from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Unavailable
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from hookyard_sandbox.senders import SignedRequest

START_LIMIT_S = 60.0
REPOSITORY = "acme/shop"
MINT_POLICY = f"""
version: 1
rules:
  - name: demo-readers
    who: [{{kind: admin_key}}]
    repositories: [{REPOSITORY}]
    permissions: {{contents: read, issues: read}}
"""


CLOCK = SystemClock()


class DemoServer:
    """Starts, kills and talks to the server. Every secret is made afresh."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_key = secrets.token_hex(20)
        self.secrets = {
            name: secrets.token_hex(20) for name in ("github", "jira", "slack", "sentry")
        }
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}
        self._http = httpx2.Client(base_url=self.url, timeout=10.0, trust_env=False)

    def configure(self, sandbox: Sandbox, app: RegisteredApp) -> None:
        """Write the sources file and the settings for this GitHub App."""
        sources = [
            {
                "id": name,
                "provider": name,
                "secrets_env": [f"DEMO_{name.upper()}_SECRET"],
                "allow": ["*"] if name != "github" else [],
                "repository": REPOSITORY,
                "options": {"app_slug": app.slug},
            }
            for name in self.secrets
        ]
        file = self.folder / "sources.yml"
        file.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
        policy = self.folder / "mint-policy.yml"
        policy.write_text(MINT_POLICY, encoding="utf-8")
        # why: nothing that is set for a real installation may reach the demo.
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV")
        self._environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOOKYARD_DATA_DIR": str(self.folder / "data"),
            "HOOKYARD_SOURCES_FILE": str(file),
            "HOOKYARD_MINT_POLICY_FILE": str(policy),
            "HOOKYARD_ADMIN_KEY": self.admin_key,
            "HOOKYARD_GITHUB_APP_ID": str(app.id),
            "HOOKYARD_GITHUB_APP_SLUG": app.slug,
            "HOOKYARD_GITHUB_PRIVATE_KEY": app.private_key,
            "HOOKYARD_GITHUB_API_BASE_URL": sandbox.base_url,
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1,localhost",
            "HOOKYARD_AGENT_COMMAND": f"{sys.executable} -m hookyard_sandbox.agent",
            "HOOKYARD_PORT": str(self.port),
            "HOOKYARD_HOST": "127.0.0.1",
            **{f"DEMO_{name.upper()}_SECRET": value for name, value in self.secrets.items()},
        }

    def start(self) -> float:
        """Start it and wait until it can serve; seconds that took."""
        began = CLOCK.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hookyard", "up"],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while CLOCK.monotonic() - began < START_LIMIT_S:
            if self._process.poll() is not None:
                break
            try:
                if self._http.get("/readyz").status_code == 200:
                    return CLOCK.monotonic() - began
            except httpx2.TransportError:
                time.sleep(0.05)  # why: the port is not open yet
        tail = self.log.read_text(errors="replace")[-2000:]
        raise Unavailable(f"the demo's server did not start. The end of its log:\n{tail}")

    def kill(self) -> None:
        """kill -9: no goodbye, nothing flushed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and make sure."""
        self._http.close()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def deliver(self, request: SignedRequest) -> tuple[int, dict[str, Any]]:
        """Send a webhook through the front door; status and decoded answer."""
        answer = self._http.post(request.path, content=request.body, headers=request.headers)
        try:
            body = answer.json()
        except json.JSONDecodeError:
            body = {}
        return answer.status_code, body if isinstance(body, dict) else {}

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """A request of the API, as the admin; status and decoded answer."""
        headers = {"authorization": f"Bearer {self.admin_key}"}
        answer = self._http.post(path, headers=headers, json=body)
        return answer.status_code, dict(answer.json())

    def get(self, path: str) -> dict[str, Any]:
        """An object of the API, as the admin."""
        headers = {"authorization": f"Bearer {self.admin_key}"}
        found = self._http.get(path, headers=headers).raise_for_status().json()
        return dict(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
