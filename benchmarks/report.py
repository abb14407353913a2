"""Goals, figures and how they are printed."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured figure beside what it should reach: `wanted` as "at least" or "at most"."""

    what: str
    against: str
    measured: float
    wanted: float
    at_least: bool
    low: float | None = None
    high: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the figure is on the right side of the goal."""
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted

    def row(self) -> list[str]:
        """As a line of the table."""
        sign = "≥" if self.at_least else "≤"
        spread = "" if self.low is None else f"{self.low:.2f}–{self.high:.2f}"
        verdict = "reached" if self.reached else "MISSED"
        return [
            self.what, self.against, f"{self.measured:.2f}x", spread,
            f"{sign} {self.wanted:.2f}x", verdict,
        ]  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Everything one run found."""

    goals: list[Goal] = field(default_factory=list)
    tables: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    machine: Mapping[str, object] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Say something once."""
        if text not in self.notes:
            self.notes.append(text)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        found = asdict(self) | {"goals": [asdict(g) | {"reached": g.reached} for g in self.goals]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")


def compare(
    what: str,
    against: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    wanted: float,
    *,
    at_least: bool,
) -> Goal:
    """The median of the ratios of neighbouring rounds, with their least and greatest."""
    ratios = [a / max(b, 1e-9) for a, b in zip(ours, theirs, strict=True)]
    middle = statistics.median(ratios)
    return Goal(what, against, middle, wanted, at_least, min(ratios), max(ratios))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is flush left."""
    widths = [max(len(row[n]) for row in [headings, *rows]) for n in range(len(headings))]
    lines = []
    for row in [headings, ["-" * width for width in widths], *rows]:
        cells = [
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def show(value: object) -> str:
    """A cell: numbers with the digits that mean something."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def text(figures: Figures) -> str:
    """The whole report for people."""
    parts = []
    for title, rows in figures.tables.items():
        headings = list(rows[0])
        cells = [[show(row[name]) for name in headings] for row in rows]
        parts.append(f"{title}\n{table(headings, cells)}")
    if figures.goals:
        headings = ["goal", "against", "measured", "min–max", "wanted", ""]
        parts.append("Goals\n" + table(headings, [goal.row() for goal in figures.goals]))
    if figures.notes:
        parts.append("Notes\n" + "\n".join(f"- {note}" for note in figures.notes))
    facts = "\n".join(f"  {name}: {value}" for name, value in figures.machine.items())
    parts.append(f"Machine\n{facts}")
    return "\n\n".join(parts)
