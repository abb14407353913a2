"""A fault campaign: kills, freezes, drains and broken parts under load, then the checks."""

import contextlib
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Protocol

from hookyard_sandbox.github.limits import Limits
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from tests.support.chaos_checks import check
from tests.support.chaos_cluster import Cluster
from tests.support.chaos_embedded import EmbeddedFaults
from tests.support.chaos_evidence import known_installations, lost_upkeep, read_history
from tests.support.chaos_instants import Scene
from tests.support.chaos_load import HOMES, Load
from tests.support.chaos_model import Wrong
from tests.support.chaos_pause import pause
from tests.support.chaos_report import Plan, Report
from tests.support.chaos_rows import left_by_kind, work_left
from tests.support.chaos_scaled import ScaledFaults
from tests.support.chaos_sender import Senders
from tests.support.chaos_server import Server
from tests.support.chaos_site import Site

TELL_EVERY = 25
UNLIMITED = 1_000_000_000
# What is under attack: SQLite in one process, or Postgres and this queue with a process a role.
VARIANTS = ("sqlite", "postgres", "redis", "sqs")


class Faults(Protocol):
    """What can be done to a site. `turns` are the faults that are no kill, by name."""

    turns: Mapping[str, object]

    def strike(self) -> None:
        """Kill once or a few times; work goes on afterwards."""
        ...

    def turn(self, name: str) -> None:
        """One other fault; everything serves afterwards."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Campaign:
    """Runs one plan in a folder. Use as a context manager: at the end nothing is left running."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.report = Report(plan)
        self.random = Random(plan.seed)
        limits = Limits(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
        self.sandbox = Sandbox(limits=limits, deliver=self._emitted)
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._load: Load | None = None
        self._early: list[HookDelivery] = []

    def __enter__(self) -> "Campaign":
        # why: every kill breaks connections to the simulated GitHub, which says so at length.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.sandbox.start()
        self._stack.callback(self.sandbox.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self) -> Report:
        """The whole plan, then the checks."""
        with self.report.timed("all"):
            site = self._site()
            self._stack.callback(site.stop)
            senders = Senders(site.port)
            self._stack.callback(senders.stop)
            app = self.sandbox.register_app(webhook_secret=site.secrets["github"])
            load = Load(self.sandbox, app, senders, site.secrets, Random(self.plan.seed + 1))
            self._stack.callback(load.stop)
            scene = Scene(self.plan, self.report, self.random, site, self.sandbox, senders, load)
            self._begin(scene, app)
            faults = self._faults(scene)
            self._stack.callback(faults.close)
            self._break(faults)
            faults.close()
            self._finish(scene, app.id)
        return self.report

    def _site(self) -> Site:
        plan = self.plan
        if plan.variant == "sqlite":
            return Server(self._folder, lease_s=plan.lease_s)
        return Cluster(self._folder, plan.variant, workers=plan.workers, lease_s=plan.lease_s)

    def _faults(self, scene: Scene) -> Faults:
        if isinstance(scene.site, Cluster):
            return ScaledFaults(scene, scene.site)
        assert isinstance(scene.site, Server)
        return EmbeddedFaults(scene, scene.site)

    def _begin(self, scene: Scene, app: RegisteredApp) -> None:
        """Start everything; installations are known before there is any fault."""
        scene.site.configure(app, self.sandbox.base_url, HOMES)
        for delivery in self._early:
            scene.load.emitted.put(delivery)
        self._load = scene.load
        with self.report.timed("start-up"):
            scene.site.start()
        scene.load.set_up()
        self._settle(scene, self.plan.patience_s)
        scene.load.start(self.plan.rate)

    def _break(self, faults: Faults) -> None:
        kills, turns = self.report.kills, [*faults.turns] * self.plan.repeats
        self.random.shuffle(turns)
        count, told, began = len(turns), 0, time.monotonic()
        while kills.total() < self.plan.kills or turns:
            done = min(1.0, kills.total() / self.plan.kills) if self.plan.kills else 1.0
            while turns and count - len(turns) < int(done * count):
                faults.turn(turns.pop())
            if kills.total() < self.plan.kills:
                faults.strike()
            if kills.total() >= told + TELL_EVERY:
                told = kills.total()
                _tell(f"{self.plan.variant}: {told} kills after {time.monotonic() - began:.0f} s")

    def _settle(self, scene: Scene, patience_s: float) -> bool:
        """Wait until all is sent, acknowledged and done; whether it came to that."""
        quiet = 0
        deadline = time.monotonic() + patience_s
        while quiet < 3 and time.monotonic() < deadline:
            pumped = scene.load.pump()
            busy = pumped or not scene.senders.idle() or work_left(scene.site.rows) != 0
            quiet = 0 if busy else quiet + 1
            pause(0.1)
        return quiet >= 3

    def _finish(self, scene: Scene, app_id: int) -> None:
        """Let all work end, stop the site, and check what is left."""
        scene.load.stop()
        self.sandbox.faults.clear()
        report, site, senders = self.report, scene.site, scene.senders
        with report.timed("end"):
            if isinstance(site, Cluster):
                site.wait_ready()
                report.seen["starts without a Postgres, tried again"] += site.supervised
            if not self._settle(scene, self.plan.patience_s):
                left = ", ".join(left_by_kind(site.rows))
                report.find(Wrong.UNFINISHED, f"work was left when the patience was over: {left}")
            for name, code in site.drain().items():
                if code != 0:
                    report.find(Wrong.OUTCOME, f"the last drain of {name} ended with {code}")
        sent = [parcel.sent() for parcel in senders.parcels]
        report.history = read_history(site.rows, self.sandbox, app_id, sent)
        report.findings += check(report.history)
        if lost := lost_upkeep(site.rows):
            report.seen["upkeep ended by its kills"] += lost
        for refusal in senders.refused:
            report.find(Wrong.OUTCOME, f"refused: {refusal}")
        for left in report.restless:
            report.find(Wrong.UNFINISHED, f"work did not come to rest between two faults: {left}")
        if said := site.rows.damage():
            report.find(Wrong.LOST, f"the database is damaged: {said}")
        if missing := set(scene.load.installed) - known_installations(site.rows):
            report.find(Wrong.LOST, f"installations nobody knows: {sorted(missing)}")
        report.requests, report.acked = senders.requests, senders.acked
        report.swallowed, report.turned_away = senders.swallowed, senders.turned_away

    def _emitted(self, delivery: HookDelivery) -> None:
        if self._load is None:
            self._early.append(delivery)
        else:
            self._load.emitted.put(delivery)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
