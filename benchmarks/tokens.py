"""The price of a cached installation token, beside a bare Starlette JSON route of the same size.

Both are asked by wrk over kept connections, in turns. Hookyard's route finds out who calls and
whether they may, on every request; the peer answers everybody. What is compared is processor time
per answer, and answers a second.
"""

import contextlib
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2

from benchmarks import load
from benchmarks.report import Figures, compare
from benchmarks.servers import ADMIN_KEY, Contender, NotMeasured, Server, data_folder
from benchmarks.setup import HERE
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox

CONNECTIONS = 32
GOAL = 1.3
PEER = Contender(
    "starlette",
    "bare Starlette JSON route",
    "uvicorn benchmarks.peers.starlette_json:app --port {port} --no-access-log --log-level warning",
    durable=False,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one contender. CPU in µs per answer."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int


class TokenServer(Server):
    """A contender that is asked for tokens."""

    path = "/tokens/installations/1"

    @property
    def url(self) -> str:
        """Where tokens are asked for."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    def send(self) -> int:
        """One request; its status."""
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        try:
            with httpx2.Client(trust_env=False, timeout=20) as http:
                return http.get(self.url, headers=headers).status_code
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from None


def hookyard(command: str, sandbox: Sandbox, app: RegisteredApp) -> Contender:
    """Hookyard, minting at a simulated GitHub."""
    env = {
        "GITHUB_APP_ID": str(app.id),
        "GITHUB_PRIVATE_KEY": app.private_key,
        "GITHUB_API_BASE_URL": sandbox.base_url,
        "HOOKYARD_RECOVER": "off",
    }
    return Contender("hookyard", "Hookyard, cached token", command, durable=True, env=env)


@contextlib.contextmanager
def running(contender: Contender, path: str) -> Iterator[TokenServer]:
    """A contender that answers; gone with its data afterwards."""
    with data_folder() as data:
        server = TokenServer(contender, data, None)
        server.path = path
        try:
            server.wait_ready()
            yield server
        finally:
            server.kill()


def take_turn(server: TokenServer, seconds: float) -> Turn:
    """Load a server and measure."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "--timeout", "30s"]
    argv += ["-s", str(HERE / "get.lua"), server.url, "--", ADMIN_KEY]
    before = server.cpu_s()
    wrk = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = load.result(wrk)
    used = server.cpu_s() - before
    return Turn(
        rate=seen.rate,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        cpu_us=used / max(1, seen.acks) * 1e6,
        errors=seen.refused + seen.broken,
    )


def row(title: str, turns: Sequence[Turn]) -> dict[str, object]:
    """A contender's medians as a line of the table."""
    return {
        "contender": title,
        "answers/s": statistics.median(turn.rate for turn in turns),
        "p50 ms": statistics.median(turn.p50_ms for turn in turns),
        "p99 ms": statistics.median(turn.p99_ms for turn in turns),
        "CPU µs": statistics.median(turn.cpu_us for turn in turns),
        "errors": sum(turn.errors for turn in turns),
    }


def measure(figures: Figures, command: str, rounds: int, seconds: float) -> None:
    """Both contenders in turns; the table and the goal are added to `figures`."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(deliver=lambda _: None))
        sandbox.create_repository("acme/shop")
        app = sandbox.register_app()
        installation = sandbox.create_installation(app)
        path = f"/tokens/installations/{installation.id}"
        try:
            servers = [
                stack.enter_context(running(contender, path))
                for contender in (hookyard(command, sandbox, app), PEER)
            ]
        except NotMeasured as reason:
            figures.note(f"not measured: {reason}")
            return
        found: dict[str, list[Turn]] = {server.contender.key: [] for server in servers}
        for server in servers:
            take_turn(server, 1)
        for number in range(1, rounds + 1):
            for server in servers:
                turn = take_turn(server, seconds)
                found[server.contender.key].append(turn)
                print(
                    f"  round {number}/{rounds} {server.contender.title}: {turn.rate:,.0f}/s "
                    f"p99 {turn.p99_ms:.1f} ms {turn.cpu_us:.1f} µs",
                    flush=True,
                )
                time.sleep(0.2)
    title = f"Cached tokens: wrk -t1 -c{CONNECTIONS}, {rounds} x {seconds:g} s"
    figures.tables[title] = [
        row(server.contender.title, found[server.contender.key]) for server in servers
    ]
    ours, theirs = found["hookyard"], found["starlette"]
    figures.goals.append(
        compare(
            "CPU per cached token", PEER.title, [turn.cpu_us for turn in ours],
            [turn.cpu_us for turn in theirs], GOAL, at_least=False,
        )
    )  # fmt: skip
    figures.goals.append(
        compare(
            "cached tokens/s", PEER.title, [turn.rate for turn in ours],
            [turn.rate for turn in theirs], 1 / GOAL, at_least=True,
        )
    )  # fmt: skip
