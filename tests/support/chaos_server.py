"""The server under fault: `hookyard up` as a process that is killed, frozen, drained, started."""

import contextlib
import os
import resource
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import yaml

from hookyard_sandbox.github.sandbox import RegisteredApp
from tests.support.chaos_pause import pause

PROVIDERS = ("github", "jira", "slack", "sentry")
AGENT = """#!/bin/sh
task=$(cat)
sleep 0.2
printf 'done %s' "$task"
"""
START_LIMIT_S = 60.0
# why: only Linux can limit the files of a process that runs.
CAN_FILL_DISK = hasattr(resource, "prlimit")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server on one data folder; started over and over. Agents it leaves end by themselves."""

    def __init__(self, folder: Path, *, lease_s: float = 3.0) -> None:
        self.folder = folder
        self.port = free_port()
        self.database = folder / "data" / "hookyard.db"
        self.log = folder / "server.log"
        self.secrets = {name: secrets.token_hex(16) for name in PROVIDERS}
        self.start_s = 2.0
        self._admin_key = secrets.token_hex(20)
        self._lease_s = lease_s
        self._environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=5.0,
            trust_env=False,
            headers={"authorization": f"Bearer {self._admin_key}"},
        )

    def configure(self, app: RegisteredApp, github: str, homes: Mapping[str, str]) -> None:
        """Write the sources file, the agent, and the settings for this GitHub App.

        `homes` is the repository of each source.
        """
        sources = [
            {
                "id": name,
                "provider": name,
                "secrets": [secret],
                "allow": ["*"],
                "repository": homes[name],
                "options": {"app_slug": app.slug},
            }
            for name, secret in self.secrets.items()
        ]
        file, agent = self.folder / "sources.yml", self.folder / "agent.sh"
        file.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
        agent.write_text(AGENT, encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOOKYARD_", "GITHUB_"))}
        self._environment = kept | {
            "HOOKYARD_DATA_DIR": str(self.folder / "data"),
            "HOOKYARD_SOURCES_FILE": str(file),
            "HOOKYARD_ADMIN_KEY": self._admin_key,
            "HOOKYARD_GITHUB_APP_ID": str(app.id),
            "HOOKYARD_GITHUB_APP_SLUG": app.slug,
            "HOOKYARD_GITHUB_PRIVATE_KEY": app.private_key,
            "HOOKYARD_GITHUB_API_BASE_URL": github,
            "HOOKYARD_GITHUB_WRITES_PER_MINUTE": "100000",
            "HOOKYARD_GITHUB_WRITES_PER_HOUR": "1000000",
            "HOOKYARD_AGENT_COMMAND": f"/bin/sh {agent}",
            "HOOKYARD_LEASE_SECONDS": str(self._lease_s),
            "HOOKYARD_DRAIN_SECONDS": "5",
            "HOOKYARD_HOST": "127.0.0.1",
            "HOOKYARD_PORT": str(self.port),
        }

    @property
    def pid(self) -> int:
        """The process that runs now."""
        if self._process is None:
            raise LookupError("no server runs")
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was spawned."""
        return time.monotonic() - self._began

    def spawn(self) -> None:
        """Start it, and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hookyard", "up"],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._began = time.monotonic()

    def wait_ready(self) -> None:
        """Wait until it can serve; remembers how long that takes."""
        while self.age_s < START_LIMIT_S:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(httpx2.TransportError):
                if self._http.get("/readyz").status_code == 200:
                    self.start_s = self.age_s
                    return
            pause(0.02)
        raise RuntimeError("the server did not start:\n" + self.tail())

    def kill(self) -> None:
        """kill -9: no goodbye, nothing flushed. Fails when it had ended by itself."""
        process = self._process
        if process is None:
            raise LookupError("no server runs")
        if process.poll() is not None:
            raise RuntimeError(f"the server ended by itself ({process.returncode}):\n{self.tail()}")
        process.kill()
        process.wait()
        self._process = None

    def drain(self) -> int:
        """SIGTERM, and its exit code."""
        process = self._process
        if process is None:
            raise LookupError("no server runs")
        process.terminate()
        code = process.wait(30)
        self._process = None
        return code

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP; SIGCONT at the end."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def limit_files(self, size: int | None) -> None:
        """Let no file it writes grow over `size` bytes: a disk that is full. None lifts it."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        soft = hard if size is None else size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def stop(self) -> None:
        """Make sure that nothing is left."""
        self._http.close()
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def get(self, path: str, **query: str | int) -> Mapping[str, Any]:
        """An object of the API, as the admin."""
        answer = self._http.get(path, params=query).raise_for_status()
        return dict(answer.json())

    def unfinished(self) -> list[dict[str, Any]]:
        """Jobs that have not ended, 200 of each state at most, upkeep aside."""
        return [
            job
            for state in ("running", "queued", "waiting")
            for job in self.get("/api/jobs", state=state, limit=200)["items"]
            if not job["kind"].startswith("upkeep.")
        ]

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
