"""What a campaign is asked to do, and what it tells when it is over."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from tests.support.chaos_model import Finding, History, Wrong


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. Times are seconds; `patience_s` is for the work to end at last.

    `mishaps` is how many of the kills have a fault at GitHub beside them; `slow_s` is how long
    such a one may take to answer.
    """

    seed: int
    kills: int
    freezes: int = 0
    drains: int = 0
    full_disks: int = 0
    rate: float = 5.0
    patience_s: float = 60.0
    lease_s: float = 3.0
    mishaps: float = 0.5
    slow_s: float = 5.0

    def turns(self) -> list[str]:
        """Every fault that is no kill."""
        return ["freeze"] * self.freezes + ["drain"] * self.drains + ["full disk"] * self.full_disks


@dataclass(slots=True)
class Report:
    """What a campaign did and what it found."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    history: History = field(default_factory=History)
    findings: list[Finding] = field(default_factory=list)
    requests: int = 0
    acked: int = 0
    swallowed: int = 0
    turned_away: int = 0
    spent_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def find(self, what: Wrong, facts: str) -> None:
        """Something that must not be."""
        self.findings.append(Finding(what, facts))

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the time inside under a name."""
        began = monotonic()
        try:
            yield
        finally:
            self.spent_s[name] += monotonic() - began

    def text(self) -> str:
        """The summary, one fact a line."""
        wrong = Counter(finding.what for finding in self.findings)
        lost = sum(a.outcome == "lost" for a in self.history.attempts)
        facts: dict[str, object] = {
            "seed": self.seed,
            "kills": f"{self.kills.total()} {dict(sorted(self.kills.items()))}",
            "other faults": dict(sorted(self.faults.items())),
            "deliveries": f"{len(self.history.sent)}, sent {self.requests} times",
            "acknowledged": f"{self.acked}, duplicates swallowed {self.swallowed},"
            f" turned away {self.turned_away}",
            "jobs": f"{len(self.history.jobs)}, attempts {len(self.history.attempts)},"
            f" taken back from dead workers {lost}",
            "effects": f"{len(self.history.effects)}, made on GitHub {len(self.history.landed)}",
            **{what.value: wrong[what] for what in Wrong},
            "seconds": ", ".join(f"{name} {s:.1f}" for name, s in self.spent_s.items()),
        }
        return "\n".join(f"{name:>20}  {value}" for name, value in facts.items())
