"""Types of manifests: what changed, which tests there are, what is missing, what to write."""

from dataclasses import dataclass
from enum import StrEnum

TOP_LEVEL = "(top level)"
"""The name of what a file has outside of every symbol."""


class Change(StrEnum):
    """What became of a symbol. `layout`: only comments or layout; `moved`: the same elsewhere."""

    ADDED = "added"
    MODIFIED = "modified"
    RENAMED = "renamed"
    DELETED = "deleted"
    MOVED = "moved"
    LAYOUT = "layout"

    @property
    def is_real(self) -> bool:
        """Whether what the symbol does may be another than before."""
        return self not in (Change.MOVED, Change.LAYOUT)


class Precision(StrEnum):
    """How a symbol was found: in the syntax of both versions, of one, or in a hunk's header."""

    SYNTAX = "syntax"
    ONE_SIDE = "one_side"
    HUNK = "hunk"


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """A symbol and its change. Line ranges are (first, last), None where there is no such side.

    `was` is the name before a rename or move, with its file where that is another. Boundaries and
    complexity are known of what really changed and holds no other symbols.
    """

    file: str
    name: str
    kind: str
    change: Change
    precision: Precision
    lines: tuple[int, int] | None
    old_lines: tuple[int, int] | None
    added: tuple[int, ...]
    deleted: tuple[int, ...]
    was: str = ""
    signature_changed: bool = False
    is_public: bool = True
    boundaries: tuple[str, ...] = ()
    complexity: int = 1


@dataclass(frozen=True, slots=True)
class OpenCriterion:
    """A criterion without a test: its issue (None where there is only one), id and words."""

    id: str
    text: str
    issue: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A test that may exercise a symbol. `case` is "" for the whole file.

    `reason`: coverage, reference, import, name, mirror, history; `strength` 5 (ran it) to 1.
    """

    test: str
    case: str
    reason: str
    strength: int
    detail: str
