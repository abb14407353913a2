"""What a campaign is asked to do, and what it tells when it is over."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from tests.support.chaos_model import Finding, History, Wrong


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. Times are seconds; `patience_s` is for the work to end at last.

    `variant` says what is attacked. `repeats` is how often each fault that is no kill comes;
    `mishaps` is how many of the kills have a fault at GitHub beside them; `slow_s` is how long
    such a one may take to answer. `workers` counts for scaled variants.
    """

    seed: int
    kills: int
    variant: str = "sqlite"
    repeats: int = 1
    rate: float = 5.0
    patience_s: float = 60.0
    lease_s: float = 3.0
    mishaps: float = 0.5
    slow_s: float = 5.0
    workers: int = 3


@dataclass(slots=True)
class Report:
    """What a campaign did and what it found.

    `kills` are counted by role and phase, `pointers` by what was done to them. `put_off` counts
    kills that would have been some job's last attempt and did not happen then.
    """

    plan: Plan
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    pointers: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    history: History = field(default_factory=History)
    findings: list[Finding] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    put_off: int = 0
    requests: int = 0
    acked: int = 0
    swallowed: int = 0
    turned_away: int = 0
    spent_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def find(self, what: Wrong, facts: str) -> None:
        """Something that must not be."""
        self.findings.append(Finding(what, facts))

    def killed(self, role: str, phase: str) -> None:
        """One more process was killed with -9."""
        self.kills[role, phase] += 1

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the time inside under a name."""
        began = monotonic()
        try:
            yield
        finally:
            self.spent_s[name] += monotonic() - began

    def by_role(self) -> Counter[str]:
        """Kills of each role."""
        return _summed(self.kills, 0)

    def by_phase(self) -> Counter[str]:
        """Kills at each kind of instant."""
        return _summed(self.kills, 1)

    def wrong(self) -> Counter[Wrong]:
        """Findings of each sort."""
        return Counter(finding.what for finding in self.findings)

    def text(self) -> str:
        """The summary, one fact a line."""
        wrong, ends = self.wrong(), Counter(a.outcome for a in self.history.attempts)
        facts: dict[str, object] = {
            "variant": self.plan.variant,
            "seed": self.plan.seed,
            "kill -9": f"{self.kills.total()} {_told(self.by_role())}",
            "at the instants": _told(self.by_phase()),
            "put off": f"{self.put_off}, which would have been a job's last attempt",
            "other faults": _told(self.faults),
            "pointers": _told(self.pointers),
            "seen": _told(self.seen),
            "deliveries": f"{len(self.history.sent)}, sent {self.requests} times",
            "acknowledged": f"{self.acked}, duplicates swallowed {self.swallowed},"
            f" turned away {self.turned_away}",
            "jobs": f"{len(self.history.jobs)}, attempts {len(self.history.attempts)},"
            f" by their ends: {_told(ends)}",
            "effects": f"{len(self.history.effects)}, made on GitHub {len(self.history.landed)}",
            **{what.value: wrong[what] for what in Wrong},
            "seconds": ", ".join(f"{name} {s:.1f}" for name, s in self.spent_s.items()),
        }
        return "\n".join(f"{name:>20}  {value}" for name, value in facts.items())


def matrix(reports: Sequence[Report]) -> str:
    """The faults of several campaigns beside each other, and what came of them: Markdown."""
    head = ["fault", *(report.plan.variant for report in reports)]
    lines = [_row(head), _row(["---", *("---:" for _ in reports)])]
    lines += _counted("kill -9, {}", [report.by_role() for report in reports])
    lines += _counted("… at the instant: {}", [report.by_phase() for report in reports])
    lines += _counted("{}", [report.faults for report in reports])
    lines += _counted("pointers in all: {}", [report.pointers for report in reports])
    lines += _counted("seen: {}", [report.seen for report in reports])
    facts = {
        "kills in all": [report.kills.total() for report in reports],
        "deliveries": [len(report.history.sent) for report in reports],
        "acknowledged": [report.acked for report in reports],
        "turned away": [report.turned_away for report in reports],
        "jobs": [len(report.history.jobs) for report in reports],
        "attempts": [len(report.history.attempts) for report in reports],
        "effects on GitHub": [len(report.history.landed) for report in reports],
        **{what.value: [report.wrong()[what] for report in reports] for what in Wrong},
    }
    lines += [_row([name, *map(str, counts)]) for name, counts in facts.items()]
    return "\n".join(lines)


def _counted(words: str, counters: Sequence[Counter[str]]) -> list[str]:
    names = sorted({name for counter in counters for name in counter})
    return [
        _row([words.format(name), *(str(counter[name] or "–") for counter in counters)])
        for name in names
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _summed(kills: Counter[tuple[str, str]], part: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for key, count in kills.items():
        found[key[part]] += count
    return found


def _told(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"
