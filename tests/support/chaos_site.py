"""What every campaign attacks: an installation of Hookyard with sources, a GitHub App, an agent."""

import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import yaml

from hookyard_sandbox.github.sandbox import RegisteredApp
from tests.support.chaos_rows import Rows

PROVIDERS = ("github", "jira", "slack", "sentry")
AGENT = """#!/bin/sh
task=$(cat)
sleep 0.2
printf 'done %s' "$task"
"""
FOREIGN = ("HOOKYARD_", "GITHUB_", "AWS_", "DATABASE_", "REDIS_", "QUEUE_")


class Site(Protocol):
    """An installation: one process, or several that share a database."""

    port: int
    rows: Rows
    secrets: Mapping[str, str]

    def configure(self, app: RegisteredApp, github: str, homes: Mapping[str, str]) -> None:
        """Prepare everything for this GitHub App; nothing runs yet."""
        ...

    def start(self) -> None:
        """Start all of it; returns when all can do their work."""
        ...

    def drain(self) -> Mapping[str, int]:
        """SIGTERM to all; the exit code of each by name."""
        ...

    def stop(self) -> None:
        """Make sure that nothing is left."""
        ...


def new_secrets() -> dict[str, str]:
    """A secret for each provider."""
    return {name: secrets.token_hex(16) for name in PROVIDERS}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(
    site: Site,
    folder: Path,
    app: RegisteredApp,
    github: str,
    homes: Mapping[str, str],
    lease_s: float,
) -> dict[str, str]:
    """The settings of a site, its sources file and its agent written to `folder`.

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
        for name, secret in site.secrets.items()
    ]
    file, agent = folder / "sources.yml", folder / "agent.sh"
    file.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    agent.write_text(AGENT, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    return kept | {
        "HOOKYARD_DATA_DIR": str(folder / "data"),
        "HOOKYARD_SOURCES_FILE": str(file),
        "HOOKYARD_ADMIN_KEY": secrets.token_hex(20),
        "HOOKYARD_GITHUB_APP_ID": str(app.id),
        "HOOKYARD_GITHUB_APP_SLUG": app.slug,
        "HOOKYARD_GITHUB_PRIVATE_KEY": app.private_key,
        "HOOKYARD_GITHUB_API_BASE_URL": github,
        "HOOKYARD_GITHUB_WRITES_PER_MINUTE": "100000",
        "HOOKYARD_GITHUB_WRITES_PER_HOUR": "1000000",
        "HOOKYARD_AGENT_COMMAND": f"/bin/sh {agent}",
        "HOOKYARD_LEASE_SECONDS": str(lease_s),
        "HOOKYARD_DRAIN_SECONDS": "5",
        "HOOKYARD_HOST": "127.0.0.1",
        "HOOKYARD_PORT": str(site.port),
    }
