"""What everything in one simulation shares: the loop, the draws, the trace, the processes."""

import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hookyard.kit.ids import IdMaker
from tests.simulation.clock import SimClock
from tests.simulation.faults import Faults, Plan
from tests.simulation.loop import HOST, OUTSIDE, Host, SimLoop


@dataclass(slots=True)
class Process:
    """One life of a process: its host, its clock, what it draws from, and its tasks."""

    world: "World"
    host: Host
    clock: SimClock
    random: Random
    ids: IdMaker
    ears: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Who it is, over all its lives."""
        return self.host.name

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run as a part of this process; a part that fails is noted."""
        context = contextvars.copy_context()
        context.run(HOST.set, self.host)
        task = self.world.loop.create_task(work, context=context)
        task.add_done_callback(self._ended, context=context)

    def soon(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Have the process do something in a while."""
        context = contextvars.copy_context()
        context.run(HOST.set, self.host)
        self.world.loop.call_later(delay_s, callback, *args, context=context)

    def _ended(self, task: Any) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.world.wrong(f"a part of {self.host} ended with {task.exception()!r}")


class World:
    """See the module. `note` writes the trace; `wrong` a finding that no check would see."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self.seed = seed
        self.plan = plan
        self.loop = SimLoop(self.stream("schedule"), any_order=plan.any_order)
        self.faults = Faults(plan, self.stream("faults"), self)
        self.processes: dict[str, Process] = {}
        self.trace: list[tuple[float, str, str]] = []
        self.troubles: list[str] = []
        self._lives: dict[str, int] = {}
        self._makers: dict[str, Callable[[Process], None]] = {}

    @staticmethod
    def draws(seed: int, name: str) -> Random:
        """Draws of their own, the same for the same seed."""
        return Random(f"{seed}/{name}")

    def stream(self, name: str) -> Random:
        """The draws of this name."""
        return self.draws(self.seed, name)

    # --- the trace ---

    def note(self, who: object, what: str) -> None:
        """One line."""
        self.trace.append((self.loop.time(), str(who), what))

    def wrong(self, what: str) -> None:
        """Something that must not be."""
        self.troubles.append(what)
        self.note("outside", f"WRONG {what}")

    # --- processes ---

    def begin(self, name: str, make: Callable[[Process], None]) -> None:
        """Start a process; `make` puts its parts together, now and after every crash."""
        self._makers[name] = make
        self._start(name)

    def crash(self, name: str, down_s: float) -> None:
        """Kill a process where it stands, and start another life of it later."""
        process = self.processes.get(name)
        if process is None or not process.host.alive:
            return
        self.loop.kill(process.host)
        self.note(process.host, f"is killed, back in {down_s:.1f} s")
        self.outside(down_s, self._start, name)

    def stall(self, name: str, for_s: float) -> None:
        """Stop a process where it stands for a while."""
        host = self.processes[name].host
        if not host.alive or host.frozen:
            return
        self.loop.freeze(host)
        self.note(host, f"stands still for {for_s:.1f} s")
        self.outside(for_s, self._thaw, host)

    def jump(self, name: str, to_s: float) -> None:
        """Set a process's clock to be that far ahead of the true time."""
        process = self.processes[name]
        self.note(process.host, f"has its clock set {to_s - process.clock.offset_s:+.1f} s")
        process.clock.offset_s = to_s

    def outside(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Have something happen outside of all processes in a while."""
        context = contextvars.copy_context()
        context.run(HOST.set, OUTSIDE)
        self.loop.call_later(delay_s, callback, *args, context=context)

    def _thaw(self, host: Host) -> None:
        if host.alive:
            self.note(host, "goes on")
        self.loop.thaw(host)

    def _start(self, name: str) -> None:
        life = self._lives[name] = self._lives.get(name, 0) + 1
        before = self.processes.get(name)
        offset_s = self.plan.skews.get(name, 0.0) if before is None else before.clock.offset_s
        random = self.stream(f"{name}.{life}")
        # why: these two look several times a second, which is most of what there would be to do.
        slack = self.plan.slack if name.startswith(("relay", "scheduler")) else 0.0
        process = Process(
            self,
            Host(name, life),
            SimClock(self.loop, offset_s, slack, self.faults.late_s),
            random,
            IdMaker(random.randbytes),
        )
        self.processes[name] = process
        self.note(process.host, "starts")
        process.soon(0.0, self._makers[name], process)
