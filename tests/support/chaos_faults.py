"""The faults of a campaign: the instants at which it kills, and what else goes wrong."""

import contextlib
import http.client
import time
from collections.abc import Callable
from random import Random

from hookyard_sandbox import senders_jira
from hookyard_sandbox.github.sandbox import Sandbox
from hookyard_sandbox.senders import signed_request
from tests.support.chaos_load import STRICT, Load
from tests.support.chaos_model import Wrong
from tests.support.chaos_pause import pause
from tests.support.chaos_report import Plan, Report
from tests.support.chaos_sender import Senders
from tests.support.chaos_server import Server

KNOCKS = 3


def until(holds: Callable[[], bool], patience_s: float, every_s: float = 0.002) -> bool:
    """Wait until something holds; whether it came to that."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if holds():
            return True
        pause(every_s)
    return holds()


class Faults:
    """Makes things go wrong for one running server, as one seed has it."""

    def __init__(
        self,
        plan: Plan,
        report: Report,
        random: Random,
        server: Server,
        sandbox: Sandbox,
        senders: Senders,
        load: Load,
    ) -> None:
        self.plan = plan
        self.report = report
        self.random = random
        self.server = server
        self.sandbox = sandbox
        self.senders = senders
        self.load = load
        self.phases: dict[str, tuple[Callable[[], None], int]] = {
            "receiving": (self._receiving, 6),
            "committing": (self._committing, 6),
            "routing": (self._routing, 6),
            "calling": (self._calling, 6),
            "idle": (self._idle, 1),
        }
        self.turns: dict[str, Callable[[], None]] = {
            "freeze": self._freeze,
            "drain": self._drain,
            "full disk": self._full_disk,
        }
        self._seen = 0
        self._writes = 0

    def kill(self, phase: str) -> None:
        """kill -9, counted under a phase."""
        self.server.kill()
        self.report.kills[phase] += 1

    # --- instants: each returns when it is time to kill ---

    def _receiving(self) -> None:
        self.load.burst(self.random.randint(6, 14))
        pause(self.random.uniform(0.0, 0.08))

    def _committing(self) -> None:
        before, wanted = self.senders.acked, self.random.randint(1, 6)
        self.load.burst(8)
        until(lambda: self.senders.acked >= before + wanted, 2.0)

    def _routing(self) -> None:
        before = self.senders.acked
        self.load.burst(8)
        until(lambda: self.senders.acked >= before + 8, 2.0)
        pause(self.random.uniform(0.0, 0.4))

    def _calling(self) -> None:
        """The instant after GitHub applied a write: its answer is not recorded yet."""
        self.load.burst(8)
        for _ in range(self.random.randint(1, 5)):
            before = self._written()
            until(lambda before=before: self._written() > before, 2.0)  # type: ignore[misc]

    def _idle(self) -> None:
        pause(self.random.uniform(0.0, 1.0))

    def _written(self) -> int:
        """How many writes of the App GitHub has applied."""
        history = self.sandbox.world.history
        end = len(history)
        self._writes += sum(1 for n in range(self._seen, end) if history[n].get("app_id"))
        self._seen = end
        return self._writes

    # --- GitHub's own trouble ---

    def mishap(self) -> None:
        """Something goes wrong at GitHub, too, so that kills land around it."""
        if self.random.random() > self.plan.mishaps:
            return
        writes = {"method": "POST", "path": "/repos/*"}
        pause_s = self.random.uniform(0.2, self.plan.slow_s)
        kinds: dict[str, Callable[[], object]] = {
            "reset": lambda: self.sandbox.fail("reset", **writes),
            "drop": lambda: self.sandbox.fail("drop", **writes),
            "error_after": lambda: self.sandbox.fail("error_after", **writes),
            "error": lambda: self.sandbox.fail("error", status=503, **writes),
            "slow": lambda: self.sandbox.fail("slow", times=3, delay_s=pause_s, **writes),
            "slow edit": lambda: self.sandbox.fail("slow", method="PATCH", delay_s=pause_s),
            "slow look": lambda: self.sandbox.fail("slow", method="GET", delay_s=pause_s),
            "broken look": lambda: self.sandbox.fail("drop", method="GET", path="/repos/*"),
            "secondary limit": lambda: self.sandbox.fail(
                "secondary_limit", method="POST", path=f"/repos/{STRICT}/*", wait_s=2
            ),
        }
        kind = self.random.choice([*kinds])
        kinds[kind]()
        self.report.faults[f"github {kind}"] += 1

    # --- turns: faults that are no kill ---

    def turn(self, name: str) -> None:
        """One fault by name; the server serves afterwards."""
        self.report.faults[name] += 1
        self.load.burst(8)
        pause(self.random.uniform(0.05, 0.4))
        with self.report.timed(name):
            self.turns[name]()

    def _freeze(self) -> None:
        """SIGSTOP past the lease: the process wakes up and takes its own work for lost."""
        with self.server.frozen():
            pause(self.plan.lease_s + self.random.uniform(0.3, 1.5))
        pause(0.5)

    def _drain(self) -> None:
        code = self.server.drain()
        if code != 0:
            self.report.find(Wrong.OUTCOME, f"a drain ended with status {code}")
        self.server.spawn()
        self.server.wait_ready()

    def _full_disk(self) -> None:
        """No byte can be written, not even a log line: 503, and not one acknowledgement."""
        self.server.limit_files(1)
        pause(0.2)
        acked = self.senders.acked
        for number in range(KNOCKS):
            code, after = self._knock(f"full-{acked}-{number}")
            if code != 503 or not after:
                facts = f"a full disk was answered with {code}, Retry-After {after}"
                self.report.find(Wrong.OUTCOME, facts)
        self.load.burst(6)
        pause(0.2)
        if self.senders.acked != acked:
            self.report.find(Wrong.LOST, "acknowledged with no room to keep it")
        if self.random.random() < 0.5:
            self.kill("full disk")
            self.server.spawn()
            self.server.wait_ready()
        else:
            self.server.limit_files(None)
            until(lambda: self.senders.acked > acked, 20.0)
        if self.senders.acked == acked and not until(lambda: self.senders.acked > acked, 20.0):
            self.report.find(Wrong.UNFINISHED, "nothing was accepted after the disk had room")

    def _knock(self, name: str) -> tuple[int, str | None]:
        """Send one delivery once, never again; status, and what `Retry-After` says."""
        now_ms = time.time_ns() // 1_000_000
        person = senders_jira.user("5b10ac8d82e05b22cc7d4ef5", "Mia")
        body = senders_jira.issue_updated("SHOP-7", name, person, now_ms=now_ms)
        request = signed_request("jira", body, self.server.secrets["jira"], delivery_id=name)
        wire = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            with contextlib.closing(wire):
                wire.request("POST", request.path, request.body, request.headers)
                answer = wire.getresponse()
                answer.read()
                return answer.status, answer.getheader("retry-after")
        except (OSError, http.client.HTTPException) as error:
            return 0, type(error).__name__
