"""The instants at which a campaign kills, and the trouble GitHub makes beside it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.chaos_load import STRICT, Load
from tests.support.chaos_pause import pause
from tests.support.chaos_report import Plan, Report
from tests.support.chaos_rows import can_bear, left_by_kind
from tests.support.chaos_sender import Senders
from tests.support.chaos_site import Site


def until(holds: Callable[[], bool], patience_s: float, every_s: float = 0.002) -> bool:
    """Wait until something holds; whether it came to that."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if holds():
            return True
        pause(every_s)
    return holds()


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a campaign's faults need to know of it."""

    plan: Plan
    report: Report
    random: Random
    site: Site
    sandbox: Sandbox
    senders: Senders
    load: Load

    def wait_calm(self, losses: int) -> None:
        """Wait until every job can lose so many more attempts and still end well."""
        with self.report.timed("calm"):
            calm = until(lambda: can_bear(self.site.rows, losses), self.plan.patience_s, 0.02)
        if not calm:
            self.report.restless.append(", ".join(left_by_kind(self.site.rows)))

    def repeat_some(self, count: int) -> None:
        """What was acknowledged comes once more, as some senders do."""
        acked = [parcel for parcel in self.senders.parcels[-400:] if parcel.acks]
        for parcel in self.random.sample(acked, min(count, len(acked))):
            self.senders.repeat(parcel)


class Instants:
    """Waits for the moments in the life of a delivery that a seed has picked."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen = 0
        self._writes = 0
        self._phases: dict[str, tuple[Callable[[], None], int]] = {
            "receiving": (self._receiving, 6),
            "committing": (self._committing, 6),
            "routing": (self._routing, 6),
            "calling": (self._calling, 6),
            "idle": (self._idle, 1),
        }

    def pick(self) -> str:
        """A phase, by weight; those that have not been yet come first."""
        been = self._scene.report.by_phase()
        names = [name for name in self._phases if not been[name]] or [*self._phases]
        weights = [self._phases[name][1] for name in names]
        return self._scene.random.choices(names, weights)[0]

    def wait_for(self, phase: str) -> None:
        """Make work, and return when it is time to kill."""
        with self._scene.report.timed("work"):
            self._phases[phase][0]()

    def _receiving(self) -> None:
        self._scene.load.burst(self._scene.random.randint(6, 14))
        pause(self._scene.random.uniform(0.0, 0.08))

    def _committing(self) -> None:
        senders = self._scene.senders
        before, wanted = senders.acked, self._scene.random.randint(1, 6)
        self._scene.load.burst(8)
        until(lambda: senders.acked >= before + wanted, 2.0)

    def _routing(self) -> None:
        senders = self._scene.senders
        before = senders.acked
        self._scene.load.burst(8)
        until(lambda: senders.acked >= before + 8, 2.0)
        pause(self._scene.random.uniform(0.0, 0.4))

    def _calling(self) -> None:
        """The instant after GitHub applied a write: its answer is not recorded yet."""
        self._scene.load.burst(8)
        for _ in range(self._scene.random.randint(1, 5)):
            before = self._written()
            until(lambda before=before: self._written() > before, 2.0)  # type: ignore[misc]

    def _idle(self) -> None:
        pause(self._scene.random.uniform(0.0, 1.0))

    def _written(self) -> int:
        """How many writes of the App GitHub has applied."""
        history = self._scene.sandbox.world.history
        end = len(history)
        self._writes += sum(1 for n in range(self._seen, end) if history[n].get("app_id"))
        self._seen = end
        return self._writes


class Mishaps:
    """Something goes wrong at GitHub, too, so that kills land around it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._kinds: dict[str, Callable[[float], object]] = {
            "reset": lambda _: self._fail("reset"),
            "drop": lambda _: self._fail("drop"),
            "error_after": lambda _: self._fail("error_after"),
            "error": lambda _: self._fail("error", status=503),
            "slow": lambda s: self._fail("slow", times=3, delay_s=s),
            "slow edit": lambda s: self._fail("slow", method="PATCH", path="*", delay_s=s),
            "slow look": lambda s: self._fail("slow", method="GET", path="*", delay_s=s),
            "broken look": lambda _: self._fail("drop", method="GET"),
            "secondary limit": lambda _: self._fail(
                "secondary_limit", path=f"/repos/{STRICT}/*", wait_s=2
            ),
        }

    @property
    def names(self) -> list[str]:
        """What can happen."""
        return [*self._kinds]

    def maybe(self) -> None:
        """As often as the plan has it, and where no job is near its end already."""
        scene = self._scene
        if scene.random.random() <= scene.plan.mishaps and can_bear(scene.site.rows, 1):
            self.make(scene.random.choice(self.names))

    def make(self, name: str) -> None:
        """This one."""
        self._kinds[name](self._scene.random.uniform(0.2, self._scene.plan.slow_s))
        self._scene.report.faults[f"github {name}"] += 1

    def _fail(
        self, kind: str, *, method: str = "POST", path: str = "/repos/*", **more: int | float
    ) -> object:
        return self._scene.sandbox.fail(kind, method=method, path=path, **more)
