"""The scaled site: a process for each role, more of some, on one Postgres and perhaps a broker."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from hookyard_sandbox.github.sandbox import RegisteredApp
from tests.support.chaos_brokers import BrokerSite, RedisSite, SqsSite
from tests.support.chaos_part import Part
from tests.support.chaos_pause import pause
from tests.support.chaos_rows import PostgresRows
from tests.support.chaos_site import environment, free_port, new_secrets
from tests.support.folders import server_folder
from tests.support.postgres import PostgresServer

CONNECTIONS = 80
POOL = 5
# What a process says that cannot start for want of a database, before it ends.
NO_DATABASE = b"check DATABASE_URL, and that its server runs"


class Cluster:
    """Gateway, workers, schedulers, and a relay where there is a broker to tell."""

    def __init__(self, folder: Path, queue: str, *, workers: int, lease_s: float) -> None:
        self.port = free_port()
        self.secrets: Mapping[str, str] = new_secrets()
        self._own = server_folder()
        self.postgres = PostgresServer.start_own(
            self._own, options=["-c", f"max_connections={CONNECTIONS}"]
        )
        self.database = self.postgres.create_database()
        self.rows = PostgresRows(self.postgres.url(self.database))
        self.broker = _broker(queue, folder)
        if self.broker is not None:
            self.broker.start()
        roles = ["gateway", *(f"worker-{n + 1}" for n in range(workers))]
        roles += ["scheduler-1", "scheduler-2", *(["relay"] if self.broker else [])]
        self.parts = {name: Part(name, ["serve", name.partition("-")[0]], folder) for name in roles}
        self.gateway = self.parts["gateway"]
        self.supervised = 0
        self._folder = folder
        self._lease_s = lease_s

    def configure(self, app: RegisteredApp, github: str, homes: Mapping[str, str]) -> None:
        """Write files and settings, the same for every process but for the job logs' folder."""
        shared = environment(self, self._folder, app, github, homes, self._lease_s) | {
            "HOOKYARD_DATABASE_URL": self.postgres.url(self.database),
            "HOOKYARD_DATABASE_POOL": str(POOL),
            **(self.broker.settings() if self.broker is not None else {}),
        }
        for name, part in self.parts.items():
            own = {"HOOKYARD_TASK_LOGS_DIR": str(self._folder / "job-logs" / name)}
            part.environment = shared | own

    def start(self) -> None:
        """Start all at once, on a database nobody has prepared."""
        for part in self.parts.values():
            part.spawn()
        for part in self.parts.values():
            part.wait_ready()
        self.rows.call_witness()

    def of_role(self, role: str) -> list[Part]:
        """The processes that play it."""
        return [part for part in self.parts.values() if part.role == role]

    def ready(self) -> list[Part]:
        """Those that can do their work now."""
        return [part for part in self.parts.values() if part.ended is None and part.is_ready()]

    def supervise(self) -> None:
        """Start again what could not start while its database was away; it says so and ends.

        # spec: docs/operate/postgres.md: whoever supervises a process tries again.
        """
        for part in self.parts.values():
            if part.ended is not None:
                if part.is_ready():
                    raise RuntimeError(f"{part.name} ended by itself:\n{part.tail()}")
                if NO_DATABASE not in part.words():
                    raise RuntimeError(f"{part.name} did not start:\n{part.tail()}")
                self.supervised += 1
                part.spawn()

    def wait_ready(self) -> None:
        """Wait until every process can do its work."""
        while len(self.ready()) < len(self.parts):
            self.supervise()
            late = [part for part in self.parts.values() if part.is_late()]
            if late:
                raise RuntimeError(f"{late[0].name} did not start:\n{late[0].tail()}")
            pause(0.02)

    def drain(self) -> Mapping[str, int]:
        """SIGTERM to all, workers first; the exit code of each by name."""
        for part in self.parts.values():
            part.ask_to_end()
        return {name: part.await_end() for name, part in self.parts.items()}

    def stop(self) -> None:
        """Make sure that nothing is left."""
        for part in self.parts.values():
            part.stop()
        self.rows.close()
        if self.broker is not None:
            self.broker.kill()
        self.postgres.stop()
        shutil.rmtree(self._own, ignore_errors=True)


def _broker(queue: str, folder: Path) -> BrokerSite | None:
    match queue:
        case "redis":
            return RedisSite(folder)
        case "sqs":
            return SqsSite(folder)
        case _:
            return None
