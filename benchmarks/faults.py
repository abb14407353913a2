"""Five faults on Postgres under load: what a worker gets done before, during and after each.

One worker process, 32 slots, jobs that wait 50 ms as if for GitHub, more of them in line than it
can do in the time. So the slots are what limits it, and a slot that a fault costs for good shows
in the rate afterwards. Whoever supervises a worker starts it again a second after it died; the
lease is five seconds instead of sixty, which only shortens the wait.

Beside it a second worker does the same on a Postgres of its own, which nothing befalls: what it
gets done says what the machine gave, and the ratio is taken against it.

Rates are read from the history of attempts, by the instant each ended. The ledger is then asked
whether anything was lost, or ended well twice.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import asyncpg

from benchmarks.pgserver import Postgres
from benchmarks.report import Figures, Goal
from benchmarks.servers import NotMeasured, data_folder
from benchmarks.setup import HERE

WAIT_MS = 50
SLOTS = 32
LEASE_S = 5.0
WARM_S = 1.5
GOAL = 0.95
RESTART_S = 1.0
DOWN_S = 2.0
KILLS = 5
READY_S = 60.0
PROGRAM = (sys.executable, "-m", "benchmarks.hookyard_jobs")
TWICE = (
    "SELECT count(*) FROM (SELECT job_id FROM job_attempts WHERE outcome = 'succeeded'"
    " GROUP BY job_id HAVING count(*) > 1) AS twice"
)
UNACCOUNTED = (
    "SELECT count(*) FROM jobs WHERE (state = 'succeeded') <> EXISTS (SELECT 1 FROM job_attempts"
    " WHERE job_id = id AND outcome = 'succeeded')"
)


class Scene:
    """A Postgres, a database in it with a long queue, and a worker."""

    def __init__(self, postgres: Postgres, jobs: int) -> None:
        self.postgres = postgres
        self.jobs = jobs
        self.url = postgres.url()
        self.database = self.url.rpartition("/")[2]
        self._env = os.environ | {
            "JOBS_URL": self.url, "JOBS_WAIT_MS": str(WAIT_MS), "JOBS_LEASE_S": str(LEASE_S),
            "TALLY_TOTAL": str(jobs), "TALLY_FILE": os.devnull,
        }  # fmt: skip
        self._run("fill").wait()
        self.worker = self._run("serve")

    def _run(self, way: str) -> "subprocess.Popen[bytes]":
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            [*PROGRAM, way], cwd=HERE.parent, env=self._env, stdout=quiet, stderr=quiet
        )

    def ask(self, sql: str) -> int:
        """A number out of the ledger."""
        return int(self.postgres.sql(sql, database=self.database))

    def wait_for_work(self) -> None:
        """Until the worker has ended jobs that it began after now."""
        since_ms = int(time.time() * 1000)
        sql = f"SELECT count(*) FROM job_attempts WHERE started_at_ms > {since_ms}"
        end = time.monotonic() + READY_S
        while self.ask(sql) < SLOTS:
            if time.monotonic() > end or self.worker.poll() is not None:
                raise NotMeasured("the worker does not work")
            time.sleep(0.1)

    def kill_worker(self) -> None:
        """Kill -9."""
        self.worker.kill()
        self.worker.wait()

    def start_worker(self) -> None:
        """As its supervisor does, a second later; until it works, however slow the machine."""
        time.sleep(RESTART_S)
        self.worker = self._run("serve")
        self.wait_for_work()

    def rate(self, from_s: float, to_s: float) -> float:
        """Jobs that ended well, a second, between two instants."""
        ended = self.ask(
            "SELECT count(*) FROM job_attempts WHERE outcome = 'succeeded'"
            f" AND finished_at_ms >= {from_s * 1000:.0f} AND finished_at_ms < {to_s * 1000:.0f}"
        )
        return ended / (to_s - from_s)

    def ended_by_second(self, from_s: float) -> dict[int, int]:
        """How many jobs ended well in each second after an instant."""
        lines = self.postgres.sql(
            f"SELECT (finished_at_ms - {from_s * 1000:.0f}) / 1000, count(*) FROM job_attempts"
            f" WHERE outcome = 'succeeded' AND finished_at_ms >= {from_s * 1000:.0f} GROUP BY 1",
            database=self.database,
        )
        pairs = (line.split("|") for line in lines.splitlines())
        return {int(step): int(count) for step, count in pairs}

    def stop(self) -> None:
        """Let the worker drain."""
        if self.worker.poll() is None:
            self.worker.send_signal(signal.SIGTERM)
            try:
                self.worker.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_worker()


def restart_database(scene: Scene) -> None:
    """Kill -9 of all of Postgres; two seconds of nothing, then it recovers from its log."""
    scene.postgres.crash()
    time.sleep(DOWN_S)
    scene.postgres.start_again()


def kill_backends(scene: Scene) -> None:
    """End every session of the worker, five times in a row."""
    for _ in range(KILLS):
        scene.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        time.sleep(0.5)


def exhaust_pool(scene: Scene) -> None:
    """Somebody takes every connection the server has, the worker's too, for five seconds."""
    asyncio.run(_hoard(scene.url, 5.0))


async def _hoard(url: str, hold_s: float) -> None:
    held: list[asyncpg.Connection] = []
    end = time.monotonic() + hold_s
    while time.monotonic() < end:
        with suppress(asyncpg.PostgresError, OSError):
            held.append(await asyncpg.connect(url, server_settings={"application_name": "hoard"}))
            continue
        await held[0].fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'hookyard'"
        )
        await asyncio.sleep(0.02)
    for connection in held:
        await connection.close()


def crash_worker(scene: Scene) -> None:
    """Kill -9 of the worker in the middle of its jobs; it is started again."""
    scene.kill_worker()
    scene.start_worker()


def kill_worker_again_and_again(scene: Scene) -> None:
    """The same five times, each as soon as it works again."""
    for _ in range(KILLS):
        crash_worker(scene)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done, and how it is called."""

    title: str
    strike: Callable[[Scene], None]


FAULTS = (
    Fault("Postgres killed and started again", restart_database),
    Fault("all sessions ended, 5 times", kill_backends),
    Fault("no connection left for 5 s", exhaust_pool),
    Fault("worker killed", crash_worker),
    Fault("worker killed 5 times", kill_worker_again_and_again),
)


def measured(scene: Scene, spared: Scene, fault: Fault, seconds: float) -> dict[str, object]:
    """A row of the table."""
    for one in (scene, spared):
        one.wait_for_work()
    time.sleep(WARM_S + seconds)
    struck = time.time()
    fault.strike(scene)
    over = time.time()
    # why: what a killed worker held comes back when its leases run out; that is part of recovery.
    time.sleep(LEASE_S + 2.0 + seconds)
    ended = time.time()
    for one in (scene, spared):
        one.stop()
    (before, after), (then, now) = (
        (one.rate(struck - seconds, struck), one.rate(ended - seconds, ended))
        for one in (scene, spared)
    )
    found: dict[str, object] = {
        "fault": fault.title,
        "before, jobs/s": before,
        "during": scene.rate(struck, over),
        "after": after,
        "spared: before": then,
        "spared: after": now,
        "ratio": after * then / max(before * now, 1e-9),
        "back after s": recovered_s(scene, spared, struck, ended, before / max(then, 1e-9)),
        "dead": scene.ask("SELECT count(*) FROM jobs WHERE state = 'dead'"),
    }
    check(scene)
    return found


def recovered_s(scene: Scene, spared: Scene, struck: float, ended: float, share: float) -> float:
    """Seconds from the blow to the end of the last second that got less than 85 % of its share of
    what the spared worker got done."""
    ours, theirs = (one.ended_by_second(struck) for one in (scene, spared))
    seconds = range(int(ended - struck))
    slow = [n for n in seconds if ours.get(n, 0) < 0.85 * share * theirs.get(n, 0)]
    return slow[-1] + 1.0 if slow else 0.0


def check(scene: Scene) -> None:
    """Nothing lost, nothing twice; NotMeasured says what."""
    left = scene.ask("SELECT count(*) FROM jobs WHERE state = 'queued'")
    wrong = {
        "jobs are gone": scene.jobs - scene.ask("SELECT count(*) FROM jobs"),
        "ended well twice": scene.ask(TWICE),
        "say they ended and have no attempt, or the reverse": scene.ask(UNACCOUNTED),
    }
    for what, count in wrong.items():
        if count:
            raise NotMeasured(f"faults: {count} jobs {what}")
    if not left:
        raise NotMeasured("faults: the queue ran dry, so the rate afterwards says nothing")


def measure(figures: Figures, seconds: float) -> None:
    """Each fault on a database of its own; a table and a goal for each."""
    rows: list[dict[str, object]] = []
    with ExitStack() as stack:
        try:
            servers = []
            for _ in range(2):
                servers.append(Postgres(stack.enter_context(data_folder())))
                stack.callback(servers[-1].stop)
            for fault in FAULTS:
                row = _struck(figures, servers, fault, seconds)
                if row is not None:
                    rows.append(row)
        except NotMeasured as reason:
            figures.note(f"not measured: faults: {reason}")
    if rows:
        title = f"Faults on Postgres: one worker, {SLOTS} slots, jobs of {WAIT_MS} ms"
        figures.tables[title] = rows


def _struck(
    figures: Figures, servers: Sequence[Postgres], fault: Fault, seconds: float
) -> dict[str, object] | None:
    """One fault: its row, and a goal; a note when there is nothing to say."""
    jobs = int(SLOTS / WAIT_MS * 1000 * (2 * seconds + 90))
    scenes = [Scene(server, jobs) for server in servers]
    try:
        row = measured(*scenes, fault, seconds)
    except NotMeasured as reason:
        figures.note(f"not measured: {fault.title}: {reason}")
        return None
    finally:
        for scene in scenes:
            scene.stop()
            scene.postgres.drop(scene.url)
    ratio = float(str(row["ratio"]))
    what = f"jobs/s after: {fault.title}"
    figures.goals.append(Goal(what, "before it", ratio, GOAL, at_least=True))
    print(f"  faults: {fault.title}: {ratio:.2f}", flush=True)
    return row
