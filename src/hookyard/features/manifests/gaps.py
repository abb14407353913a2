"""What is missing: changed symbols that no test exercises, ranked. Pure.

The score is uncovered changed lines (all changed lines, where coverage is not known) times the
number of paths, twice that where no test is known at all: whole numbers, so that they print alike
everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.features.manifests.coverage_json import FileCoverage
from hookyard.features.manifests.model import Change, Edge, SymbolChange
from hookyard.features.manifests.outline import CONTAINERS

_NEVER = (CONTAINERS - {"case"}) | {"file", "case"}
SURE = 3


@dataclass(frozen=True, slots=True)
class Covered:
    """Of a symbol's added lines: how many can run, how many did, which did not, and branches."""

    measurable: int
    covered: int
    uncovered: tuple[int, ...]
    partial: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A changed symbol that lacks tests. `reasons` have a code and what they rest on."""

    symbol: SymbolChange
    reasons: tuple[tuple[str, str], ...]
    score: int


def covered_of(symbol: SymbolChange, file: FileCoverage | None) -> Covered | None:
    """What coverage says of a symbol's added lines; None where it does not know the file."""
    if file is None:
        return None
    ran = [n for n in symbol.added if n in file.executed]
    missed = [n for n in symbol.added if n in file.missing]
    partial = tuple(n for n in symbol.added if n in file.partial)
    return Covered(len(ran) + len(missed), len(ran), tuple(missed), partial)


def gap_of(symbol: SymbolChange, tests: Sequence[Edge], covered: Covered | None) -> Gap | None:
    """What a symbol lacks; None when nothing is known to be missing."""
    if symbol.kind in _NEVER or not symbol.change.is_real:
        return None
    if symbol.change is Change.DELETED:
        return _deleted(symbol, tests)
    reasons: list[tuple[str, str]] = []
    if covered is not None and covered.uncovered:
        of = f"{len(covered.uncovered)} of {covered.measurable} changed lines did not run"
        reasons.append(("uncovered_lines", of))
    if covered is not None and covered.partial:
        reasons.append(("untaken_branch", f"in {_counted(len(covered.partial), 'changed line')}"))
    if not tests:
        reasons.append(("no_test", "no test is known for it"))
    elif covered is None and max(edge.strength for edge in tests) < SURE:
        reasons.append(("weak_tests", "tests are known by name or history only"))
    if symbol.signature_changed and symbol.is_public:
        reasons.append(("signature_changed", "callers see another signature"))
    if not reasons:
        return None
    lines = len(symbol.added) + len(symbol.deleted)
    if covered is not None:
        lines = len(covered.uncovered) + len(covered.partial)
    score = max(lines, 1) * symbol.complexity * (1 if tests else 2)
    return Gap(symbol, tuple(sorted(reasons)), score)


def _deleted(symbol: SymbolChange, tests: Sequence[Edge]) -> Gap | None:
    """A symbol that is gone is a gap only where tests still name it."""
    named = [edge for edge in tests if edge.reason == "reference"]
    if not named:
        return None
    return Gap(symbol, (("deleted_but_named", f"{named[0].test} still names it"),), len(named))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def ranked(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Largest score first; then by file, line and name."""
    return tuple(sorted(gaps, key=_order))


def _order(gap: Gap) -> tuple[int, str, int, str, str]:
    one = gap.symbol
    line = (one.lines or one.old_lines or (0, 0))[0]
    return -gap.score, one.file, line, one.name, one.change.value
