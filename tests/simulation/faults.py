"""What goes wrong in a simulation, drawn from its seed: how often, where, and to whom.

Every seed has its own mixture: of the kinds of faults about half are off, and the rates of the
others differ, so that some seeds are all crashes and others all late answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import Process, World

DATABASE = (
    *("slow", "refused", "lost", "again", "crash-before", "crash-after", "stall-before"),
    "stall-after",
)
BROKER = ("slow", "refused", "lost", "drop", "double", "late", "crash-before", "crash-after")
GITHUB = (
    *("slow", "limited", "failed", "undone", "done", "late", "crash-before", "crash-after"),
    *("stall-before", "stall-after"),
)
NETWORK = ("slow", "drop", "lost", "double")
SLEEP = ("late",)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "database": DATABASE,
    "broker": BROKER,
    "github": GITHUB,
    "network": NETWORK,
    "sleep": SLEEP,
}
WEIGHT: Mapping[str, float] = {
    "crash-before": 0.15,
    "crash-after": 0.25,
    "stall-before": 3.0,
    "stall-after": 0.3,
}
WORST: Mapping[str, float] = {
    "database": 0.06,
    "broker": 0.2,
    "github": 0.6,
    "network": 0.4,
    "sleep": 0.1,
}
LEASE_S, SHORT_LEASE_S = 60.0, 6.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befalls a process at an instant, whatever it does then."""

    at_s: float
    what: str
    whom: str
    amount: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a simulation that is settled before it begins.

    With a short lease attempts meet their successors often, and nothing is put on GitHub, where
    the product counts on leases of a minute. `rates` are chances of a fault at one use of an
    adapter, by group and name. `wild` says that clocks are set by more than the second or so that
    those of processes may be apart.
    """

    workers: int
    gateways: int
    schedulers: int
    has_broker: bool
    lease_s: float
    horizon_s: float
    deliveries: int
    jobs: int
    poll_s: float
    any_order: bool
    wild: bool
    slack: float
    skews: Mapping[str, float]
    rates: Mapping[str, Mapping[str, float]]
    events: tuple[Event, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Every process there is."""
        return names_of(self.gateways, self.workers, self.schedulers, has_broker=self.has_broker)


def names_of(gateways: int, workers: int, schedulers: int, *, has_broker: bool) -> tuple[str, ...]:
    """The processes of such a set-up."""
    return (
        *(f"gateway-{n + 1}" for n in range(gateways)),
        *(f"worker-{n + 1}" for n in range(workers)),
        *(("relay",) if has_broker else ()),
        *(f"scheduler-{n + 1}" for n in range(schedulers)),
    )


def plan_of(random: Random) -> Plan:
    """A plan, drawn."""
    gateways, workers = random.choice((1, 2)), random.choice((2, 2, 3))
    schedulers, has_broker = random.choice((0, 0, 1, 2)), random.random() < 0.5
    names = names_of(gateways, workers, schedulers, has_broker=has_broker)
    horizon_s = random.choice((3.0, 8.0, 8.0, 20.0, 50.0))
    wild = random.random() < 0.25
    intensity = random.choice((0.0, 0.2, 0.5, 1.0, 1.0))
    lease_s = random.choice((LEASE_S, SHORT_LEASE_S))
    return Plan(
        workers=workers,
        gateways=gateways,
        schedulers=schedulers,
        has_broker=has_broker,
        lease_s=lease_s,
        horizon_s=horizon_s,
        deliveries=random.randint(1, 5),
        jobs=random.randint(2, 9),
        poll_s=random.choice((2.0, 5.0, 10.0)) if has_broker else random.uniform(1.0, 5.0),
        any_order=random.random() < 0.3,
        wild=wild,
        slack=random.choice((1.0, 4.0, 10.0)),
        skews={name: random.uniform(-0.9, 0.9) for name in names},
        rates=_rates(random, intensity),
        events=_events(random, names, horizon_s, intensity, lease_s, wild=wild),
    )


def _rates(random: Random, intensity: float) -> Mapping[str, Mapping[str, float]]:
    found: dict[str, Mapping[str, float]] = {}
    for group, faults in GROUPS.items():
        worst = WORST[group] * intensity / 3
        found[group] = {
            name: random.uniform(0.1, 1.0) * worst * WEIGHT.get(name, 1.0)
            for name in faults
            if random.random() < 0.5
        }
    return found


def _events(
    random: Random,
    names: tuple[str, ...],
    horizon_s: float,
    intensity: float,
    lease_s: float,
    *,
    wild: bool,
) -> tuple[Event, ...]:
    found: list[Event] = []
    workers = [name for name in names if name.startswith("worker")]
    for _ in range(random.randint(0, round(6 * intensity))):
        what = random.choice(("crash", "crash", "stall", "jump") if wild else ("crash", "stall"))
        draw = {"crash": down_s, "stall": lambda r: stall_s(r, lease_s), "jump": _jump_s}[what]
        whom = random.choice((random.choice(names), random.choice(workers)))
        found.append(Event(random.uniform(0, horizon_s), what, whom, draw(random)))
    return tuple(sorted(found, key=lambda event: event.at_s))


def down_s(random: Random) -> float:
    """For how long a process is gone."""
    return random.choice((random.uniform(0.01, 0.5), random.uniform(0.5, 15.0)))


def stall_s(random: Random, lease_s: float) -> float:
    """For how long a process stands still: a moment, some seconds, or past its leases."""
    past = (lease_s * 1.02, lease_s * 1.8)
    return random.uniform(*random.choice(((0.05, 1.0), (1.0, 14.0), past, past)))


def _jump_s(random: Random) -> float:
    return random.choice((-1, 1)) * random.choice((3.0, 30.0, 90.0, 600.0)) * random.random()


class Faults:
    """Draws at every use of an adapter whether something goes wrong there."""

    def __init__(self, plan: Plan, random: Random, world: "World") -> None:
        self.random = random
        self.are_on = True
        self.counts: dict[str, int] = {}
        self._world = world
        self._table = {
            group: (sum(rates.values()), tuple(rates.items()))
            for group, rates in plan.rates.items()
        }

    def pick(self, group: str) -> str:
        """The fault that befalls this use; "" for none."""
        if not self.are_on:
            return ""
        total, rates = self._table[group]
        drawn = self.random.random()
        if drawn >= total:
            return ""
        for name, rate in rates:
            drawn -= rate
            if drawn < 0:
                self.counts[f"{group} {name}"] = self.counts.get(f"{group} {name}", 0) + 1
                return name
        return ""

    def crash(self, process: "Process") -> None:
        """Kill it here and now, unless it is dead by now."""
        if process.host.alive:
            self._world.crash(process.name, down_s(self.random))

    def stall(self, process: "Process") -> None:
        """Have it stand still from here on."""
        if process.host.alive:
            self._world.stall(process.name, stall_s(self.random, self._world.plan.lease_s))

    def late_s(self) -> float:
        """By how much a wait takes longer than was asked."""
        return self.random.uniform(0.0, 5.0) if self.pick("sleep") else 0.0

    def latency_s(self, usual_s: float, fault: str) -> float:
        """How long something takes: about the usual, or far longer when it is slow."""
        if fault == "slow":
            return self.random.uniform(usual_s, self.random.choice((0.2, 2.0, 8.0)))
        return usual_s * (0.5 + self.random.random())
