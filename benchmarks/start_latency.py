"""How soon work starts on an idle machine: Hookyard's jobs beside taskiq's and pgqueuer's.

taskiq: from the call of `kiq` in one process to the first line of the task in another, on
CLOCK_MONOTONIC, which is one for the whole machine. Nothing is on disk when the task starts.

pgqueuer on Postgres: from the call of `enqueue` to the first line of the entrypoint, whose worker
hears of it by NOTIFY on a connection of its own in the same process.

Hookyard's own ledger and runner (`hookyard_start.py`): from the commit of the job to the first line
of its handler, which is the figure the goal beside taskiq is about; and from the call that
enqueues it, so with both commits to disk, the job's and its claim's, which taskiq does not make;
that is the figure beside pgqueuer's, which has both as well.

Hookyard whole: signed deliveries over HTTP to an idle `hookyard up`. The ledger says when: a job's
`started_at` less its `created_at`, which is before the commit. It counts in milliseconds; the
median is the grouped one, which spreads equal values over the millisecond they stand for.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.bodies import SMALL, signed
from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, compare
from benchmarks.servers import (
    ADMIN_KEY,
    WEBHOOKS,
    Contender,
    NotMeasured,
    Redis,
    Server,
    data_folder,
    start_all,
)
from benchmarks.setup import HERE, PYTHON, VENV

JOBS = 60
SPACING_S = 0.02
TASKIQ = "taskiq, Redis list: call to start"
COMMITTED = "Hookyard, SQLite: commit to start"
CALLED = "Hookyard, SQLite: call to start, two commits"
PGQUEUER = "pgqueuer, Postgres: call to start, two commits"
ON_POSTGRES = "Hookyard, Postgres: call to start, two commits"
WHOLE = "Hookyard over HTTP: created to started (whole ms)"


def instant_ms(text: str) -> float:
    """Milliseconds since the epoch of an RFC 3339 instant."""
    return round(datetime.fromisoformat(text).timestamp() * 1000, 3)


def started(server: Server) -> list[float]:
    """Milliseconds from creation to start of the jobs in the ledger that have started."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with closing(connection):
        given = {"Authorization": f"Bearer {ADMIN_KEY}"}
        connection.request("GET", f"/api/jobs?limit={JOBS}", headers=given)
        answer = connection.getresponse()
        if answer.status != 200:
            raise NotMeasured(f"GET /api/jobs answered {answer.status}")
        items = json.loads(answer.read())["items"]
    return [
        instant_ms(job["started_at"]) - instant_ms(job["created_at"])
        for job in items
        if job["started_at"]
    ]


def over_http(server: Server) -> list[float]:
    """60 deliveries at 20 ms spacing; what the ledger says of the newest 60 jobs."""
    server.settle()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with closing(connection):
        for (given, body), _ in zip(signed(SMALL), range(JOBS), strict=False):
            connection.request("POST", WEBHOOKS, body, given)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 202:
                raise NotMeasured(f"a delivery was answered {answer.status}")
            time.sleep(SPACING_S)
    server.settle()
    return started(server)


def in_process(where: str) -> tuple[list[float], list[float]]:
    """Milliseconds from call to start, and from commit to start, in a process of its own."""
    program = [sys.executable, "-m", "benchmarks.hookyard_start"]
    argv = [*program, where, str(JOBS), str(SPACING_S)]
    done = subprocess.run(argv, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"hookyard's runner: {done.stderr[-800:]}")
    pairs = [line.split() for line in done.stdout.splitlines()]
    return [int(called) / 1e6 for called, _ in pairs], [int(commit) / 1e6 for _, commit in pairs]


def pgqueuer(url: str) -> list[float]:
    """Milliseconds from call to start on an idle worker of its own process."""
    env = {"PATH": os.defpath, "PYTHONPATH": str(HERE.parent), "JOBS_URL": url}
    argv = [str(PYTHON), "-m", "benchmarks.peers.drain_pgqueuer", "start"]
    argv += [str(JOBS), str(SPACING_S)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"pgqueuer: {done.stderr[-800:]}")
    return [int(line) / 1e6 for line in done.stdout.split()]


@contextmanager
def taskiq() -> Iterator[Callable[[], list[float]]]:
    """A worker waiting on Redis; the value measures once."""
    with data_folder() as data:
        redis = Redis(data)
        env = {"REDIS_URL": redis.url, "PATH": f"{VENV}/bin:{os.defpath}"}
        env["PYTHONPATH"] = str(HERE.parent)
        argv = [f"{VENV}/bin/taskiq", "worker", "benchmarks.peers.taskiq_jobs:broker"]
        argv += ["--workers", "1", "--log-level", "ERROR"]
        quiet = subprocess.DEVNULL
        worker = subprocess.Popen(argv, env=env, stdout=quiet, stderr=quiet)

        def once() -> list[float]:
            produce: list[str | Path] = [
                PYTHON,
                "-m",
                "benchmarks.peers.taskiq_jobs",
                str(JOBS),
                str(SPACING_S),
            ]
            done = subprocess.run(produce, env=env, capture_output=True, text=True, check=True)
            return [int(line) / 1e6 for line in done.stdout.split()]

        try:
            time.sleep(2)
            once()
            yield once
        finally:
            worker.terminate()
            worker.wait(20)
            redis.stop()


def middle(run: list[float]) -> float:
    """The median; the grouped one where values are whole milliseconds."""
    whole = all(value == round(value) for value in run)
    return max(statistics.median_grouped(run), 0.0) if whole else statistics.median(run)


def row(title: str, runs: list[list[float]]) -> dict[str, object]:
    """A line of the table."""
    every = sorted(value for run in runs for value in run)
    return {
        "engine": title,
        "p50 ms": statistics.median(middle(run) for run in runs),
        "p95 ms": every[int(0.95 * len(every))],
        "jobs": len(every),
    }


def measure(figures: Figures, contender: Contender, rounds: int) -> None:
    """All in turn, on an otherwise idle machine."""
    order = (TASKIQ, COMMITTED, CALLED, PGQUEUER, ON_POSTGRES, WHOLE)
    found: dict[str, list[list[float]]] = {title: [] for title in order}
    with ExitStack() as stack:
        data = stack.enter_context(data_folder())
        postgres = Postgres(data)
        stack.callback(postgres.stop)
        measure_taskiq = stack.enter_context(taskiq())
        servers = start_all(stack, [contender], figures.note)
        try:
            for number in range(1, rounds + 1):
                found[TASKIQ].append(measure_taskiq())
                folder = data / f"round-{number}"
                folder.mkdir()
                called, committed = in_process(str(folder))
                found[CALLED].append(called)
                found[COMMITTED].append(committed)
                found[PGQUEUER].append(pgqueuer(postgres.url()))
                found[ON_POSTGRES].append(in_process(postgres.url())[0])
                for server in servers:
                    found[WHOLE].append(over_http(server))
                said = ", ".join(f"{middle(runs[-1]):.2f}" for runs in found.values() if runs)
                print(f"  start latency round {number}/{rounds}, ms: {said}", flush=True)
        except NotMeasured as reason:
            figures.note(f"not measured: {reason}")
    heading = f"Asked for to started, idle: {rounds} x {JOBS} jobs at {SPACING_S * 1000:g} ms"
    figures.tables[heading] = [row(title, runs) for title, runs in found.items() if runs]
    for what, against, title, other, wanted in (
        ("SQLite, committed to started, p50", "taskiq-redis", COMMITTED, TASKIQ, 0.8),
        ("Postgres, called to started, p50", "pgqueuer", ON_POSTGRES, PGQUEUER, 0.7),
    ):
        ours, theirs = ([middle(run) for run in found[name]] for name in (title, other))
        if ours and len(ours) == len(theirs):
            figures.goals.append(compare(what, against, ours, theirs, wanted, at_least=False))
