"""The embedded site: one `hookyard up` on SQLite."""

import resource
from collections.abc import Mapping
from pathlib import Path

from hookyard_sandbox.github.sandbox import RegisteredApp
from tests.support.chaos_part import Part
from tests.support.chaos_rows import SqliteRows
from tests.support.chaos_site import environment, free_port, new_secrets

# why: only Linux can limit the files of a process that runs.
CAN_FILL_DISK = hasattr(resource, "prlimit")


class Server:
    """One process on one data folder; started over and over."""

    def __init__(self, folder: Path, *, lease_s: float = 3.0) -> None:
        self.port = free_port()
        self.secrets: Mapping[str, str] = new_secrets()
        self.part = Part("server", ["up"], folder)
        self.rows = SqliteRows(folder / "data" / "hookyard.db")
        self._folder = folder
        self._lease_s = lease_s

    def configure(self, app: RegisteredApp, github: str, homes: Mapping[str, str]) -> None:
        """Write its files and settings."""
        self.part.environment = environment(self, self._folder, app, github, homes, self._lease_s)

    def start(self) -> None:
        """Start it and wait."""
        self.part.spawn()
        self.part.wait_ready()

    def drain(self) -> Mapping[str, int]:
        """SIGTERM, and its exit code."""
        return {self.part.name: self.part.drain()}

    def stop(self) -> None:
        """Make sure that nothing is left."""
        self.part.stop()
