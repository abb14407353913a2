"""One side of a changed file: its symbols near the changes, and the lines each of them owns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.features.manifests.outline import Symbol, Version, symbols_near

MAX_RANGES = 200


@dataclass(slots=True)
class Side:
    """A version (None where it could not be had). `loose` are changed lines outside of symbols."""

    version: Version | None
    symbols: tuple[Symbol, ...] = ()
    owned: dict[int, list[int]] = field(default_factory=dict)
    loose: list[int] = field(default_factory=list)
    lines: Mapping[int, bytes] = field(default_factory=dict)

    def line(self, number: int) -> bytes:
        """A changed line of this side, counted from 1."""
        return self.lines.get(number, b"")

    def telling(self) -> list[int]:
        """The loose lines that are neither blank nor look like comments."""
        if self.version is None:
            return []
        comment = self.version.language.comment.encode()
        found = []
        for number in self.loose:
            bare = self.line(number).strip()
            if bare and not bare.startswith((comment, b"*", b"/*")):
                found.append(number)
        return found


def side_of(
    version: Version | None,
    lines: Mapping[int, bytes],
    ranges: Sequence[tuple[int, int]],
) -> Side:
    """A side with its changed lines given to the innermost symbol around each.

    `ranges` are the lines to look near. Calls with a title, as tests are, do not count here.
    """
    if version is None:
        return Side(None)
    found = symbols_near(version, _joined(ranges))
    side = Side(version, tuple(s for s in found if s.kind != "case"), lines=lines)
    for line in sorted(lines):
        owner = owner_of(side.symbols, line)
        if owner is None:
            side.loose.append(line)
        else:
            side.owned.setdefault(owner, []).append(line)
    return side


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that touch, or almost do, as one; past MAX_RANGES, all of them as one."""
    found: list[tuple[int, int]] = []
    for first, last in ranges:
        if found and first <= found[-1][1] + 5:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found if len(found) <= MAX_RANGES else [(found[0][0], found[-1][1])]


def owner_of(symbols: Sequence[Symbol], line: int) -> int | None:
    """The index of the innermost symbol around a line."""
    found = None
    for index, symbol in enumerate(symbols):
        if symbol.line > line:
            break
        if symbol.end_line >= line:
            found = index
    return found
