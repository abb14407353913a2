"""One simulation, from its seed to its findings."""

import gc
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.testing import capture_logs

from hookyard.adapters.queues.backends.memory import MemoryBroker
from tests.simulation import roles
from tests.simulation.book import Book
from tests.simulation.checks import check_all
from tests.simulation.clock import SimClock
from tests.simulation.database import Sea, Store
from tests.simulation.evidence import is_quiet, read_evidence
from tests.simulation.faults import Event, Plan, plan_of
from tests.simulation.github import SimGitHub
from tests.simulation.roles import Parts, Shared
from tests.simulation.work import People, Senders
from tests.simulation.world import World
from tests.support.chaos_model import Finding

LOOK_S = 1.0
AFTERWARDS_S = 900.0
Mutation = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation found, and what it went through."""

    seed: int
    plan: Plan
    findings: tuple[Finding, ...]
    trace: tuple[tuple[float, str, str], ...]
    faults: dict[str, int]
    turns: int
    units: int
    ended_s: float


class _Ear(logging.Handler):
    """Takes errors that the product logs as findings: none of the faults should cause one."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else ""
        self._world.wrong(f"logged {record.getMessage()} {error!r}")


class Simulation:
    """The parts of one run."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed, plan_of(World.draws(seed, "plan")))
        world, plan = self.world, self.world.plan
        broker = None
        if plan.has_broker:
            broker = MemoryBroker(SimClock(world.loop), visible_after_s=15.0)
        self.sea = Sea(world, Store.empty())
        self.shared = Shared(world, self.sea, SimGitHub(world), broker, Book())
        self.gateways: dict[str, Parts] = {}
        self.senders = Senders(self.shared, self.gateways, world.stream("senders"))
        self.people = People(self.shared, self.gateways, world.stream("people"))
        self.is_over = False

    def run(self) -> Result:
        """Everything, to the end."""
        world, plan = self.world, self.world.plan
        for name in plan.names:
            world.begin(name, self._maker(name))
        self.senders.schedule()
        self.people.schedule()
        for event in plan.events:
            world.outside(event.at_s, self._befall, event)
        world.outside(plan.horizon_s, self._heal)
        world.loop.run(lambda: self.is_over, plan.horizon_s + AFTERWARDS_S)
        evidence = read_evidence(self.shared)
        world.loop.close()
        findings = check_all(evidence, self.shared)
        return Result(
            world.seed, plan, tuple(findings), tuple(world.trace), world.faults.counts,
            world.loop.turns, self.sea.units, world.loop.time(),
        )  # fmt: skip

    def _maker(self, name: str) -> Callable[[Any], None]:
        role = name.partition("-")[0]
        if role == "gateway":
            return partial(roles.start_gateway, self.shared, gateways=self.gateways)
        start = {
            "worker": roles.start_worker,
            "relay": roles.start_relay,
            "scheduler": roles.start_scheduler,
        }
        return partial(start[role], self.shared)

    def _befall(self, event: Event) -> None:
        match event.what:
            case "crash":
                self.world.crash(event.whom, event.amount)
            case "stall":
                self.world.stall(event.whom, event.amount)
            case _:
                self.world.jump(event.whom, event.amount)

    def _heal(self) -> None:
        world = self.world
        world.note("outside", "nothing goes wrong any more")
        world.faults.are_on = False
        for name, process in world.processes.items():
            if abs(process.clock.offset_s) > 1:
                world.jump(name, world.plan.skews[name])
        self._watch()

    def _watch(self) -> None:
        self.is_over = self.senders.open == 0 and is_quiet(self.shared)
        if not self.is_over:
            self.world.outside(LOOK_S, self._watch)


def simulate(seed: int, mutation: Mutation = nullcontext) -> Result:
    """Run a seed, with something broken where a mutation is given."""
    simulation = Simulation(seed)
    ear = _Ear(simulation.world)
    was_enabled = gc.isenabled()
    gc.disable()
    logging.getLogger().addHandler(ear)
    try:
        with capture_logs() as said, mutation():
            result = simulation.run()
    finally:
        logging.getLogger().removeHandler(ear)
        if was_enabled:
            gc.enable()
    errors = [entry for entry in said if entry.get("log_level") in ("error", "critical")]
    assert not errors, errors
    return result


def told(result: Result) -> Sequence[str]:
    """The trace as lines."""
    return [f"{at_s:11.6f}  {who:<14} {what}" for at_s, who, what in result.trace]
