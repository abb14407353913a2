"""Faults of the embedded site: its one process is killed, frozen, drained, its disk filled."""

import contextlib
import http.client
import time

from hookyard_sandbox import senders_jira
from hookyard_sandbox.senders import signed_request
from tests.support.chaos_instants import Instants, Mishaps, Scene, until
from tests.support.chaos_model import Wrong
from tests.support.chaos_pause import pause
from tests.support.chaos_rows import Unreadable, at_last_attempt
from tests.support.chaos_server import CAN_FILL_DISK, Server

KNOCKS = 3


class EmbeddedFaults:
    """Makes things go wrong for one server, as one seed has it."""

    def __init__(self, scene: Scene, server: Server) -> None:
        self.scene = scene
        self.server = server
        self.instants = Instants(scene)
        self.mishaps = Mishaps(scene)
        self.turns = {"freeze": self._freeze, "drain": self._drain}
        if CAN_FILL_DISK:
            self.turns["full disk"] = self._full_disk

    def strike(self) -> None:
        """Kill at one instant of running work, and maybe again while it starts or recovers."""
        scene, random, part = self.scene, self.scene.random, self.server.part
        phase = self.instants.pick()
        self.mishaps.maybe()
        self.instants.wait_for(phase)
        while not self._kill(phase):
            scene.wait_calm(1)
            self.instants.wait_for(phase)
        scene.repeat_some(3)
        part.spawn()
        if random.random() < 0.4:
            if random.random() < 0.5:
                phase, delay_s = "starting", random.uniform(0.0, 0.5)
            else:
                phase, delay_s = "recovering", part.start_s * random.uniform(0.6, 1.1)
            pause(delay_s)
            if self._kill(phase):
                part.spawn()
        with scene.report.timed("start-up"):
            part.wait_ready()

    def turn(self, name: str) -> None:
        """One fault that is no kill, by name; the server serves afterwards."""
        scene = self.scene
        scene.wait_calm(1)
        scene.report.faults[name] += 1
        scene.load.burst(8)
        pause(scene.random.uniform(0.05, 0.4))
        with scene.report.timed(name):
            self.turns[name]()

    def _kill(self, phase: str) -> bool:
        """kill -9, counted under a phase; not where it would be some job's last attempt."""
        if not self.server.part.kill_if(self._is_bearable):
            self.scene.report.put_off += 1
            return False
        self.scene.report.killed("server", phase)
        return True

    def _is_bearable(self) -> bool:
        try:
            return at_last_attempt(self.server.rows) == 0
        except Unreadable:
            # why: only a process that is still opening its file keeps readers out, and it has
            # begun no job yet.
            return True

    def _freeze(self) -> None:
        """SIGSTOP past the lease: the process wakes up and takes its own work for lost."""
        with self.server.part.frozen():
            pause(self.scene.plan.lease_s + self.scene.random.uniform(0.3, 1.5))
        pause(0.5)

    def _drain(self) -> None:
        code = self.server.part.drain()
        if code != 0:
            self.scene.report.find(Wrong.OUTCOME, f"a drain ended with status {code}")
        self.server.start()

    def _full_disk(self) -> None:
        """No byte can be written, not even a log line: 503, and not one acknowledgement."""
        senders, report, part = self.scene.senders, self.scene.report, self.server.part
        part.limit_files(1)
        since = len(senders.parcels)
        for number in range(KNOCKS):
            code, after = self._knock(f"full-{since}-{number}")
            if code != 503 or not after:
                facts = f"a full disk was answered with {code}, Retry-After {after}"
                report.find(Wrong.OUTCOME, facts)
        self.scene.load.burst(6)
        pause(0.2)
        if any(parcel.acks for parcel in senders.parcels[since:]):
            report.find(Wrong.LOST, "acknowledged with no room to keep it")
        acked = senders.acked
        if self.scene.random.random() < 0.5 and self._kill("full disk"):
            self.server.start()
        else:
            part.limit_files(None)
        if not until(lambda: senders.acked > acked, self.scene.plan.patience_s):
            report.find(Wrong.UNFINISHED, "nothing was accepted after the disk had room")

    def _knock(self, name: str) -> tuple[int, str | None]:
        """Send one delivery once, never again; status, and what `Retry-After` says."""
        now_ms = time.time_ns() // 1_000_000
        person = senders_jira.user("5b10ac8d82e05b22cc7d4ef5", "Mia")
        body = senders_jira.issue_updated("SHOP-7", name, person, now_ms=now_ms)
        request = signed_request("jira", body, self.server.secrets["jira"], delivery_id=name)
        wire = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            with contextlib.closing(wire):
                wire.request("POST", request.path, request.body, request.headers)
                answer = wire.getresponse()
                answer.read()
                return answer.status, answer.getheader("retry-after")
        except (OSError, http.client.HTTPException) as error:
            return 0, type(error).__name__

    def close(self) -> None:
        """Nothing is held."""
