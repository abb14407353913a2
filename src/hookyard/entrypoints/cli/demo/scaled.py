"""The demo at scale: the same scenario on Postgres and Redis, a process for each role."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click
import httpx2

from hookyard.entrypoints.cli.demo import ending
from hookyard.entrypoints.cli.demo.backing import Postgres, Redis
from hookyard.entrypoints.cli.demo.child import SIGNALS, Child, undisturbed
from hookyard.entrypoints.cli.demo.scenario import Scenario
from hookyard.entrypoints.cli.demo.screen import Screen
from hookyard.entrypoints.cli.demo.server import CLOCK, START_LIMIT_S, DemoServer
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox

LEASE_S = 5
STOP_LIMIT_S = 15.0
WORKERS = ("worker-1", "worker-2")
# The gateway goes first: whoever is first brings the database to this version's schema.
ROLES = {
    "gateway": "gateway",
    **dict.fromkeys(WORKERS, "worker"),
    "relay": "relay",
    "scheduler": "scheduler",
}


class ScaledServer(DemoServer):
    """Five processes that share a Postgres and a Redis; webhooks and the API go to the gateway."""

    def __init__(self, folder: Path, port: int, screen: Screen) -> None:
        """ConfigurationError, with the fix, when Postgres or Redis cannot be had."""
        super().__init__(folder, port)
        self.postgres = Postgres(folder)
        self.redis = Redis(folder)
        self._screen = screen
        self._children: dict[str, Child] = {}

    def configure(self, sandbox: Sandbox, app: RegisteredApp) -> None:
        """As for one process, and where Postgres and Redis are."""
        super().configure(sandbox, app)
        self._environment |= {
            "HOOKYARD_DATABASE_URL": self.postgres.url,
            "HOOKYARD_QUEUE_BACKEND": "redis",
            "HOOKYARD_REDIS_URL": self.redis.url,
            "HOOKYARD_LEASE_SECONDS": str(LEASE_S),
            "HOOKYARD_DRAIN_SECONDS": "5",
        }

    def start(self) -> float:
        """Start every part and wait until all can do their work; seconds that took."""
        began = CLOCK.monotonic()
        self.postgres.start()
        self._screen.info(f"Postgres {self.postgres.version} on port {self.postgres.port}")
        self.redis.start()
        self._screen.info(f"Redis (Valkey {self.redis.version}) on port {self.redis.port}")
        self._launch("gateway")
        self._children["gateway"].await_ready(self._answers, START_LIMIT_S)
        self._tell("gateway", f" at {self.url}")
        others = [name for name in ROLES if name != "gateway"]
        for name in others:
            self._launch(name)
        for name in others:
            child = self._children[name]
            child.await_ready(partial(_said_ready, child), START_LIMIT_S)
            self._tell(name)
        return CLOCK.monotonic() - began

    def kill(self) -> None:
        """kill -9 to every process of Hookyard that is left."""
        for child in self._children.values():
            child.kill()

    def stop(self) -> None:
        """End the processes of Hookyard, then what they stand on."""
        self._http.close()
        for child in self._children.values():
            child.ask_to_end()
        for child in self._children.values():
            child.await_end(STOP_LIMIT_S)
        self.redis.stop()
        self.postgres.stop()

    def runner_of(self, job_id: str) -> str | None:
        """The living worker that has begun the job; each keeps its job logs in its own folder."""
        return next((name for name in self.alive_workers() if self._ran(name, job_id)), None)

    def alive_workers(self) -> list[str]:
        """The workers that were not killed."""
        return [name for name in WORKERS if self._children[name].is_alive]

    def kill_one(self, name: str) -> int:
        """kill -9 to one process; the number it had."""
        self._children[name].kill()
        return self._children[name].pid

    def living(self) -> str:
        """The processes that are up, with their numbers."""
        up = [c for c in self._children.values() if c.is_alive]
        return ", ".join(f"{child.name} {child.pid}" for child in up)

    def _launch(self, name: str) -> None:
        own = {"HOOKYARD_TASK_LOGS_DIR": str(self._job_logs(name))}
        argv = [sys.executable, "-m", "hookyard", "serve", ROLES[name]]
        log = self.folder / f"{name}.log"
        with undisturbed():
            self._children[name] = Child(name, argv, log, environ=self._environment | own)

    def _tell(self, name: str, more: str = "") -> None:
        self._screen.info(f"{name}, process {self._children[name].pid}{more}")

    def _answers(self) -> bool:
        try:
            return self._http.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def _ran(self, name: str, job_id: str) -> bool:
        return (self._job_logs(name) / f"{job_id}.jsonl").exists()

    def _job_logs(self, name: str) -> Path:
        return self.folder / "job-logs" / name


def _said_ready(child: Child) -> bool:
    return '"event":"ready"' in child.log_text()


class ScaledScenario(Scenario):
    """The same acts. The kill hits the worker that runs the job; nothing is started again."""

    def __init__(
        self, server: ScaledServer, sandbox: Sandbox, app: RegisteredApp, screen: Screen
    ) -> None:
        super().__init__(server, sandbox, app, screen)
        self._scaled = server

    def _kill(self, job_id: str) -> None:
        self.expect("one of the workers has it", lambda: bool(self._scaled.runner_of(job_id)))
        victim = self._scaled.runner_of(job_id)
        if victim is None:
            raise Unavailable(f"no worker ran the job {job_id}, so none could be killed")
        pid = self._scaled.kill_one(victim)
        heir = " or ".join(self._scaled.alive_workers()) or "another"
        self._screen.info(f"{victim}, process {pid}, is dead; nothing was flushed")
        self._screen.info(
            f"its lease of {LEASE_S}s must run out; {heir} sees that when it next looks, within 10s"
        )

    def _once_each(self) -> None:
        self._others_work()
        super()._once_each()

    def _others_work(self) -> None:
        """What only several processes can show: who finished, and that the broker was used."""
        job_id = str(self._task_of(self.sent[-1].delivery_id).get("id"))
        attempts = self._server.get(f"/api/jobs/{job_id}")["attempts"]
        finisher = self._scaled.runner_of(job_id)
        self._screen.outcome(
            finisher is not None and len({a["worker"] for a in attempts}) == len(attempts) == 2,
            f"{finisher or 'no other worker'} finished what the dead one had begun",
        )
        sent, taken = (self._scaled.redis.calls(name) for name in ("xadd", "xack"))
        self._screen.outcome(
            sent > 0 and taken > 0,
            "the relay told the workers of ready jobs through Redis",
            f"{sent} pointers",
        )


def run(leave: bool, port: int) -> bool:
    """Play it; whether every outcome landed. Whatever happens, everything started is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="hookyard-demo-"))
    keep = True
    try:
        with _interruptible():
            keep = not _play(folder, leave, port)
    except KeyboardInterrupt:
        keep = False
        click.echo("\nInterrupted; everything is stopped and removed.", err=True)
        return False
    except ConfigurationError:
        keep = False
        raise
    finally:
        if keep:
            click.echo(f"\nLogs and data are kept in {folder}", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return not keep


def _play(folder: Path, leave: bool, port: int) -> bool:
    screen = Screen()
    server = ScaledServer(folder, port, screen)
    holder: list[Scenario] = []
    sandbox = Sandbox(deliver=lambda delivery: holder[0].emitted(delivery) if holder else None)
    try:
        screen.act("Postgres, Redis, and a process for each part of Hookyard")
        sandbox.start()
        app = sandbox.register_app()
        app.app.hook.secret = server.secrets["github"]
        server.configure(sandbox, app)
        scenario = ScaledScenario(server, sandbox, app, screen)
        holder.append(scenario)
        took = server.start()
        screen.info(f"all ready after {took:.1f}s, GitHub at {sandbox.base_url}")
        scenario.play()
        ending.show(scenario, screen, server)
        click.echo(f"Processes: {server.living()}")
        if not leave:
            ending.stay("Everything stays up until Ctrl-C.")
            click.echo("\nStopping.")
    finally:
        _ignore_signals()
        server.stop()
        sandbox.stop()
    return not screen.failed


@contextmanager
def _interruptible() -> Iterator[None]:
    """Every signal that ends us is a KeyboardInterrupt, so that all is stopped first."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """While stopping, which ends by itself: a second Ctrl-C must leave nothing running."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
