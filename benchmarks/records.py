"""Records beside the stack one would assemble: FastAPI, SQLAlchemy's ORM, Pydantic.

Look-ups by id, lists of 50, and new records, on SQLite and on Postgres, by wrk over kept
connections in turns. Hookyard finds out who calls, for which tenant and by which right, and counts;
its new records have an idempotency key, a change and an audit entry in the same transaction. The
peer does nothing of that. Both are durable: synchronous=FULL, and Postgres as it comes.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from benchmarks import load, machine
from benchmarks.bodies import RUNS
from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, compare
from benchmarks.servers import (
    ADMIN_KEY,
    HOOKYARD_COMMAND,
    Contender,
    NotMeasured,
    Server,
    data_folder,
)
from benchmarks.setup import HERE, PYTHON, VENV

CONNECTIONS = 32
ROWS = 100_000
GOALS = {
    ("sqlite", "get"): 10.0,
    ("sqlite", "list"): 8.0,
    ("sqlite", "create"): 4.0,
    ("postgres", "get"): 5.0,
    ("postgres", "list"): 5.0,
    ("postgres", "create"): 4.0,
}
WHAT = {"get": "GET by id/s", "list": "lists of 50/s", "create": "new records/s"}
OURS = Contender("hookyard", "Hookyard records", HOOKYARD_COMMAND, durable=True)
PEER = Contender(
    "orm",
    "FastAPI + SQLAlchemy ORM + Pydantic",
    f"{VENV}/bin/uvicorn benchmarks.peers.orm_records:app --port {{port}} --no-access-log "
    "--log-level warning",
    durable=True,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one contender. CPU in µs per answer: the server's, and that of Postgres."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    database_us: float
    errors: int


class RecordServer(Server):
    """A contender that has records; `path` is there once it is ready, `database` is the process of
    its Postgres, if any."""

    path = "/v1/artifacts/a0000001"
    database: int | None = None

    def send(self) -> int:
        """One look-up; its status."""
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        try:
            with httpx2.Client(trust_env=False, timeout=20) as http:
                url = f"http://127.0.0.1:{self.port}{self.path}"
                return http.get(url, headers=headers).status_code
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from None


def fill(contender: Contender, data: Path, rows: int) -> None:
    """Put rows into a contender's database."""
    env = {"PATH": os.environ["PATH"], "HOME": str(data), "PYTHONPATH": str(HERE.parent),
           "HOOKYARD_DATA_DIR": str(data)}  # fmt: skip
    env |= {key: value.format(data=data) for key, value in contender.env.items()}
    python = str(PYTHON) if contender.key == PEER.key else sys.executable
    argv = [python, "-m", "benchmarks.records_fill", contender.key, str(rows)]
    done = subprocess.run(argv, env=env, cwd=data, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{contender.title} could not be filled: {done.stderr[-600:]}")


def started(stack: ExitStack, contender: Contender, rows: int) -> RecordServer:
    """A contender with its rows, ready; gone with its data afterwards."""
    data = stack.enter_context(data_folder())
    fill(contender, data, rows)
    server = RecordServer(contender, data, None)
    stack.callback(server.kill)
    server.wait_ready()
    return server


def take_turn(server: RecordServer, mode: str, rows: int, seconds: float) -> Turn:
    """Load a server and measure."""
    case = "snake" if server.contender.key == PEER.key else "camel"
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "--timeout", "30s"]
    argv += ["-s", str(HERE / "records.lua"), f"http://127.0.0.1:{server.port}/", "--"]
    argv += [mode, ADMIN_KEY, str(rows), str(RUNS.next()), case]
    before, database = server.cpu_s(), _database_s(server)
    seen = load.result(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
    used = server.cpu_s() - before
    return Turn(
        seen.rate, seen.p50_ms, seen.p99_ms, used / max(1, seen.acks) * 1e6,
        (_database_s(server) - database) / max(1, seen.acks) * 1e6, seen.refused + seen.broken,
    )  # fmt: skip


def _database_s(server: RecordServer) -> float:
    """CPU seconds of a contender's Postgres so far."""
    return 0.0 if server.database is None else machine.cpu_s([server.database])


def row(title: str, turns: Sequence[Turn]) -> dict[str, object]:
    """A contender's medians as a line of the table."""
    return {
        "contender": title,
        "answers/s": statistics.median(turn.rate for turn in turns),
        "p50 ms": statistics.median(turn.p50_ms for turn in turns),
        "p99 ms": statistics.median(turn.p99_ms for turn in turns),
        "CPU µs": statistics.median(turn.cpu_us for turn in turns),
        "Postgres µs": statistics.median(turn.database_us for turn in turns),
        "errors": sum(turn.errors for turn in turns),
    }


def measure(
    figures: Figures,
    command: str,
    rounds: int,
    seconds: float,
    modes: Sequence[str] = ("get", "list", "create"),
    engines: Sequence[str] = ("sqlite", "postgres"),
    rows: int = ROWS,
) -> None:
    """Both contenders in turns on each engine; tables and goals are added to `figures`."""
    ours = replace(OURS, command=command)
    for engine in engines:
        with ExitStack() as stack:
            try:
                both, database = pair(stack, engine, ours)
                servers = [started(stack, contender, rows) for contender in both]
            except NotMeasured as reason:
                figures.note(f"not measured: records on {engine}: {reason}")
                continue
            for server in servers:
                server.database = database
            for mode in modes:
                _compare(figures, engine, mode, servers, rounds, seconds, rows)


def pair(stack: ExitStack, engine: str, ours: Contender) -> tuple[list[Contender], int | None]:
    """Both contenders on an engine, and the process of the Postgres they share."""
    if engine == "sqlite":
        peer = replace(PEER, env={"DATABASE_URL": "sqlite+aiosqlite:///{data}/orm.db"})
        return [ours, peer], None
    postgres = Postgres(stack.enter_context(data_folder()))
    stack.callback(postgres.stop)
    other = postgres.url().replace("postgresql://", "postgresql+asyncpg://")
    both = [
        replace(ours, env={"DATABASE_URL": postgres.url()}),
        replace(PEER, env={"DATABASE_URL": other}),
    ]
    return both, postgres.process.pid


def _compare(
    figures: Figures,
    engine: str,
    mode: str,
    servers: Sequence[RecordServer],
    rounds: int,
    seconds: float,
    rows: int,
) -> None:
    found: dict[str, list[Turn]] = {server.contender.key: [] for server in servers}
    for server in servers:
        take_turn(server, mode, rows, 1)
    for number in range(1, rounds + 1):
        for server in servers:
            turn = take_turn(server, mode, rows, seconds)
            found[server.contender.key].append(turn)
            print(
                f"  {engine} {mode} {number}/{rounds} {server.contender.title}: "
                f"{turn.rate:,.0f}/s p50 {turn.p50_ms:.1f} p99 {turn.p99_ms:.1f} ms "
                f"{turn.cpu_us:.0f} + {turn.database_us:.0f} µs, {turn.errors} errors",
                flush=True,
            )
            time.sleep(0.2)
    title = f"Records on {engine}, {WHAT[mode]}: wrk -t1 -c{CONNECTIONS}, {rounds} x {seconds:g} s"
    figures.tables[title] = [
        row(server.contender.title, found[server.contender.key]) for server in servers
    ]
    rates = [[turn.rate for turn in found[server.contender.key]] for server in servers]
    what = f"{WHAT[mode]} on {engine}"
    goal = compare(what, PEER.title, rates[0], rates[1], GOALS[engine, mode], at_least=True)
    figures.goals.append(goal)
