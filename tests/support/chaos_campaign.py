"""A fault campaign on embedded storage: kills, freezes, drains and full disks under load."""

import logging
import sys
import time
from pathlib import Path
from random import Random

import httpx2

from hookyard_sandbox.github.limits import Limits
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from tests.support.chaos_checks import check
from tests.support.chaos_evidence import integrity, known_installations, read_history
from tests.support.chaos_faults import Faults, until
from tests.support.chaos_load import HOMES, Load
from tests.support.chaos_model import Wrong
from tests.support.chaos_pause import pause
from tests.support.chaos_report import Plan, Report
from tests.support.chaos_sender import Senders
from tests.support.chaos_server import Server

TELL_EVERY = 25
UNLIMITED = 1_000_000_000


class Campaign:
    """Runs one plan in a folder. Use as a context manager: at the end nothing is left running."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.report = Report(plan.seed)
        self.random = Random(plan.seed)
        self.server = Server(folder, lease_s=plan.lease_s)
        limits = Limits(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
        self.sandbox = Sandbox(limits=limits, deliver=self._emitted)
        self.senders = Senders(self.server.port)
        self._load: Load | None = None
        self._early: list[HookDelivery] = []

    def __enter__(self) -> "Campaign":
        # why: every kill breaks connections to the simulated GitHub, which says so at length.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.sandbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._load is not None:
            self._load.stop()
        self.senders.stop()
        self.server.stop()
        self.sandbox.stop()

    def run(self) -> Report:
        """The whole plan, then the checks."""
        with self.report.timed("all"):
            app = self.sandbox.register_app(webhook_secret=self.server.secrets["github"])
            load = self._begin(app)
            faults = Faults(
                self.plan, self.report, self.random, self.server, self.sandbox, self.senders, load
            )
            self._break(faults)
            self._finish(load, app.id)
        return self.report

    def _begin(self, app: RegisteredApp) -> Load:
        """Start everything; installations are known before there is any fault."""
        self.server.configure(app, self.sandbox.base_url, HOMES)
        random = Random(self.plan.seed + 1)
        load = Load(self.sandbox, app, self.senders, self.server.secrets, random)
        for delivery in self._early:
            load.emitted.put(delivery)
        self._load = load
        self.server.spawn()
        self.server.wait_ready()
        load.set_up()
        self._settle(load, 30)
        load.start(self.plan.rate)
        return load

    def _break(self, faults: Faults) -> None:
        kills, turns = self.report.kills, self.plan.turns()
        self.random.shuffle(turns)
        count, told, began = len(turns), 0, time.monotonic()
        while kills.total() < self.plan.kills or turns:
            done = min(1.0, kills.total() / self.plan.kills) if self.plan.kills else 1.0
            while turns and count - len(turns) < int(done * count):
                self._calm(1)
                faults.turn(turns.pop())
            if kills.total() < self.plan.kills:
                self._kill_once_or_twice(faults)
            if kills.total() >= told + TELL_EVERY:
                told = kills.total()
                _tell(f"{told} kills after {time.monotonic() - began:.0f} s")

    def _kill_once_or_twice(self, faults: Faults) -> None:
        """Kill at one instant of running work, and maybe again while it starts or recovers."""
        random, server = self.random, self.server
        twice = random.random() < 0.4
        self._calm(2 if twice else 1)
        names = [*faults.phases]
        phase = random.choices(names, [faults.phases[name][1] for name in names])[0]
        faults.mishap()
        with self.report.timed("work"):
            faults.phases[phase][0]()
        faults.kill(phase)
        self._late_duplicates(3)
        server.spawn()
        if twice:
            if random.random() < 0.5:
                phase, delay_s = "starting", random.uniform(0.0, 0.5)
            else:
                phase, delay_s = "recovering", server.start_s * random.uniform(0.6, 1.1)
            pause(delay_s)
            faults.kill(phase)
            server.spawn()
        with self.report.timed("start-up"):
            server.wait_ready()

    def _late_duplicates(self, count: int) -> None:
        """What was acknowledged comes once more, as some senders do."""
        acked = [parcel for parcel in self.senders.parcels[-400:] if parcel.acks]
        for parcel in self.random.sample(acked, min(count, len(acked))):
            self.senders.repeat(parcel)

    def _calm(self, losses: int) -> None:
        """Wait until every job can lose so many more workers and still end well.

        # why: an attempt counts even if its worker died; work that kills workers must end.
        """
        with self.report.timed("calm"):
            calm = until(lambda: self._is_calm(losses), 90.0, 0.05)
        if not calm:
            left = [f"{job['kind']} {job['attempt']}" for job in self.server.unfinished()]
            self.report.find(Wrong.UNFINISHED, f"no calm within 90 s: {left}")

    def _is_calm(self, losses: int) -> bool:
        try:
            jobs = self.server.unfinished()
        except httpx2.TransportError:
            return False
        return all(
            job["attempt"] + (job["state"] != "running") + losses <= job["max_attempts"]
            for job in jobs
        )

    def _settle(self, load: Load, patience_s: float) -> bool:
        """Wait until all is sent, acknowledged and done; whether it came to that."""
        quiet = 0
        deadline = time.monotonic() + patience_s
        while quiet < 3 and time.monotonic() < deadline:
            pumped = load.pump()
            busy = pumped or not self.senders.idle() or self.server.unfinished()
            quiet = 0 if busy else quiet + 1
            pause(0.1)
        return quiet >= 3

    def _finish(self, load: Load, app_id: int) -> None:
        """Let all work end, stop the server, and check what is left."""
        load.stop()
        self.sandbox.faults.clear()
        report = self.report
        with report.timed("end"):
            if not self._settle(load, self.plan.patience_s):
                report.find(Wrong.UNFINISHED, "work was left when the patience was over")
        code = self.server.drain()
        if code != 0:
            report.find(Wrong.OUTCOME, f"the last drain ended with status {code}")
        sent = [parcel.sent() for parcel in self.senders.parcels]
        database = self.server.database
        report.history = read_history(database, self.sandbox, app_id, sent)
        report.findings += check(report.history)
        for refusal in self.senders.refused:
            report.find(Wrong.OUTCOME, f"refused: {refusal}")
        if (said := integrity(database)) != "ok":
            report.find(Wrong.LOST, f"the database is damaged: {said}")
        if missing := set(load.installed) - known_installations(database):
            report.find(Wrong.LOST, f"installations nobody knows: {sorted(missing)}")
        report.requests, report.acked = self.senders.requests, self.senders.acked
        report.swallowed = self.senders.swallowed
        report.turned_away = self.senders.turned_away

    def _emitted(self, delivery: HookDelivery) -> None:
        if self._load is None:
            self._early.append(delivery)
        else:
            self._load.emitted.put(delivery)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
