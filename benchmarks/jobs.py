"""No-op jobs in a second from a full queue, one worker process: Hookyard and other engines.

Every engine gets its queue filled, then one worker starts, and the rate is taken between a fifth
and four fifths of the queue, so that neither its start nor its end counts. Engines take turns,
each round on an empty database or Redis of its own, so that what else the machine does meets all
of them. Hookyard runs as shipped: leases, retries, and each attempt kept as history, which its
worker checks at the end; the peers run on the settings their authors recommend for speed.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, compare
from benchmarks.servers import NotMeasured, Redis, data_folder
from benchmarks.setup import HERE, PYTHON

WORKER_S = 120.0


@dataclass(frozen=True, slots=True)
class Engine:
    """Something that runs jobs. `work` ends by itself when `ends`; others are killed."""

    key: str
    title: str
    store: Literal["sqlite", "postgres", "redis"]
    jobs: int
    fill: tuple[str, ...]
    work: tuple[str, ...]
    ends: bool = False
    log_files: bool = False


def _peer(
    key: str,
    title: str,
    store: Literal["postgres", "redis"],
    jobs: int,
    *work: str,
) -> Engine:
    """A peer whose module fills when told to, or when run, and drains by `work`."""
    own = (str(PYTHON), "-m", f"benchmarks.peers.drain_{key}")
    drains = (str(PYTHON), "-m", *work) if work else (*own, "work")
    return Engine(key, title, store, jobs, (*own, "fill"), drains)


def _ours(
    key: str, title: str, store: Literal["sqlite", "postgres"], jobs: int, *, files: bool = False
) -> Engine:
    own = (sys.executable, "-m", "benchmarks.hookyard_jobs")
    return Engine(
        key, title, store, jobs, (*own, "fill"), (*own, "work"), ends=True, log_files=files
    )


POSTGRES = _ours("hookyard-postgres", "Hookyard, Postgres", "postgres", 40_000)
SQLITE = _ours("hookyard-sqlite", "Hookyard, SQLite", "sqlite", 40_000)
FILED = _ours(
    "hookyard-files", "Hookyard, SQLite, and a log file for each job", "sqlite", 8_000, files=True
)
PGQUEUER = _peer("pgqueuer", "pgqueuer, batches of 100", "postgres", 40_000)
PEERS = (
    PGQUEUER,
    _peer(
        "taskiq", "taskiq-redis, list, not acknowledged", "redis", 9_000,
        "taskiq", "worker", "benchmarks.peers.drain_taskiq:broker", "--workers", "1",
        "--log-level", "ERROR",
    ),
    _peer(
        "dramatiq", "Dramatiq on Redis, 8 threads", "redis", 6_000,
        "dramatiq", "benchmarks.peers.drain_dramatiq", "--processes", "1", "--threads", "8",
    ),
    _peer("saq", "SAQ on Redis, 32 at once", "redis", 5_000),
    _peer(
        "celery", "Celery on Redis, prefork of one", "redis", 3_000,
        "celery", "-A", "benchmarks.peers.drain_celery", "worker", "--pool", "prefork",
        "--concurrency", "1", "--loglevel", "ERROR", "--without-gossip", "--without-mingle",
        "--without-heartbeat",
    ),
    _peer("dbos", "DBOS on Postgres, 32 at once", "postgres", 1_500),
    _peer("procrastinate", "Procrastinate, 32 at once", "postgres", 1_500),
    _peer("rq", "RQ SimpleWorker", "redis", 1_200),
)  # fmt: skip
GOALS = (
    (POSTGRES, "pgqueuer", 1.3), (POSTGRES, "celery", 10.0), (POSTGRES, "saq", 10.0),
    (POSTGRES, "procrastinate", 10.0), (POSTGRES, "dbos", 10.0), (POSTGRES, "dramatiq", 4.0),
    (POSTGRES, "taskiq", 4.0), (POSTGRES, "rq", 40.0), (SQLITE, "pgqueuer", 1.0),
)  # fmt: skip


class Bench:
    """The servers, and one drain after another."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._runs = 0
        self.postgres = Postgres(data)

    def drain(self, engine: Engine, jobs: int) -> dict[str, float]:
        """Fill, run one worker, and read its tally: jobs_s and cpu_us. NotMeasured when it fails.

        A Hookyard worker must end by itself, and well: it then has checked its ledger.
        """
        self._runs += 1
        folder = self._data / f"run-{self._runs}"
        folder.mkdir(mode=0o755)
        redis = Redis(folder) if engine.store == "redis" else None
        url = self.postgres.url() if engine.store == "postgres" else str(folder)
        env = environment(engine, jobs, folder, url, redis)
        try:
            filled = subprocess.run(
                engine.fill, env=env, cwd=HERE.parent, capture_output=True, text=True, check=False
            )
            if filled.returncode:
                raise NotMeasured(f"{engine.title}: {filled.stderr.strip()[-600:]}")
            return self._work(engine, folder, env)
        finally:
            if redis:
                redis.stop()
            if engine.store == "postgres":
                self.postgres.drop(url)

    def _work(self, engine: Engine, folder: Path, env: dict[str, str]) -> dict[str, float]:
        log_path, tally = folder / "worker.log", folder / "tally"
        with log_path.open("wb") as log:
            worker = subprocess.Popen(
                engine.work, env=env, cwd=HERE.parent, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            end = time.monotonic() + WORKER_S
            while time.monotonic() < end:
                over = worker.poll() is not None
                if over or (tally.exists() and not engine.ends):
                    break
                time.sleep(0.05)
            if not tally.exists() or (engine.ends and worker.poll() != 0):
                tail = log_path.read_text("utf-8", "replace").strip()[-600:]
                raise NotMeasured(f"{engine.title} did not finish:\n{tail}")
            found: dict[str, float] = json.loads(tally.read_text("utf-8"))
            return found
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def environment(
    engine: Engine, jobs: int, folder: Path, url: str, redis: Redis | None
) -> dict[str, str]:
    """What a worker is told; nothing of whoever runs this."""
    return {
        "PATH": f"{Path(engine.work[0]).parent}:{os.defpath}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{HERE.parent}",
        "JOBS_URL": url,
        "REDIS_URL": redis.url if redis else "",
        "TALLY_TOTAL": str(jobs),
        "TALLY_FILE": str(folder / "tally"),
        "JOBS_LOG_FILES": "1" if engine.log_files else "",
    }


def rounds_of(
    figures: Figures, engines: Sequence[Engine], rounds: int, share: float
) -> dict[str, list[dict[str, float]]]:
    """Every engine in turn, `rounds` times; one that fails is named and left out."""
    found: dict[str, list[dict[str, float]]] = {engine.key: [] for engine in engines}
    with data_folder() as data:
        bench = Bench(data)
        try:
            figures.note(f"jobs: {bench.postgres.version}, its own defaults, everything durable")
            for number in range(1, rounds + 1):
                for engine in engines:
                    if engine.key not in found:
                        continue
                    try:
                        turn = bench.drain(engine, int(engine.jobs * share))
                    except NotMeasured as reason:
                        figures.note(f"not measured: {reason}")
                        del found[engine.key]
                        continue
                    found[engine.key].append(turn)
                    said = f"{turn['jobs_s']:,.0f} jobs/s"
                    print(f"  jobs round {number}/{rounds}: {engine.title}: {said}", flush=True)
        finally:
            bench.postgres.stop()
    return found


def measure(figures: Figures, rounds: int, *, quick: bool) -> None:
    """All engines; a table and the goals."""
    engines = (POSTGRES, SQLITE, *PEERS, FILED)
    found = rounds_of(figures, engines, rounds, 0.5 if quick else 1.0)
    figures.tables[f"No-op jobs, one worker process, median of {rounds} rounds"] = [
        {
            "engine": engine.title,
            "jobs/s": statistics.median(turn["jobs_s"] for turn in found[engine.key]),
            "least": min(turn["jobs_s"] for turn in found[engine.key]),
            "most": max(turn["jobs_s"] for turn in found[engine.key]),
            "worker CPU µs": statistics.median(turn["cpu_us"] for turn in found[engine.key]),
        }
        for engine in engines
        if engine.key in found
    ]
    titles = {engine.key: engine.title for engine in engines}
    for ours, key, wanted in GOALS:
        if ours.key in found and key in found:
            pair = [[turn["jobs_s"] for turn in found[name]] for name in (ours.key, key)]
            what = f"jobs/s, {'Postgres' if ours is POSTGRES else 'SQLite'}"
            figures.goals.append(compare(what, titles[key], *pair, wanted, at_least=True))
