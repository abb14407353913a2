"""What a diff says of one file: hunks, changed lines on both sides, why there are none."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property


class Status(StrEnum):
    """What became of a file."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk. `lines` are the raw lines with their mark (` `, `-`, `+`, `\\`), without newline.

    Line numbers count from 1; with a count of 0, `*_start` is the line after which the other
    side's lines stand. `context` is what follows the second `@@`.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    context: str
    lines: tuple[bytes, ...]

    @property
    def added(self) -> dict[int, bytes]:
        """The added lines by their number in the new file."""
        return _numbered(self.lines, self.new_start, self.new_count, b"+")

    @property
    def deleted(self) -> dict[int, bytes]:
        """The deleted lines by their number in the old file."""
        return _numbered(self.lines, self.old_start, self.old_count, b"-")


def _numbered(lines: tuple[bytes, ...], start: int, count: int, mark: bytes) -> dict[int, bytes]:
    if not count:
        return {}
    found, number = {}, start
    for line in lines:
        first = line[:1]
        if first == mark:
            found[number] = line[1:]
            number += 1
        elif first in (b" ", b""):
            number += 1
    return found


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff. `path` is where it is now (where it was, when it is deleted).

    `problem` says why its lines are not known, or not all of them; "" when they are.
    """

    path: str
    old_path: str
    status: Status
    hunks: tuple[Hunk, ...] = ()
    is_binary: bool = False
    problem: str = ""

    @cached_property
    def added_lines(self) -> dict[int, bytes]:
        """The added lines by their number in the new file, ascending."""
        return {n: line for hunk in self.hunks for n, line in hunk.added.items()}

    @cached_property
    def deleted_lines(self) -> dict[int, bytes]:
        """The deleted lines by their number in the old file, ascending."""
        return {n: line for hunk in self.hunks for n, line in hunk.deleted.items()}

    @cached_property
    def added(self) -> tuple[int, ...]:
        """Numbers of the added lines, ascending."""
        return tuple(sorted(self.added_lines))

    @cached_property
    def deleted(self) -> tuple[int, ...]:
        """Numbers of the deleted lines, ascending."""
        return tuple(sorted(self.deleted_lines))

    def failed(self, problem: str) -> "FileDiff":
        """The same file with a first reason why it is not measured."""
        return self if self.problem else replace(self, problem=problem)


@dataclass(frozen=True, slots=True)
class Span:
    """A run of changed lines: `old_count` lines after row `old_row` became `new_count` lines after
    row `new_row`. Rows count from 0."""

    old_row: int
    old_count: int
    new_row: int
    new_count: int


def spans(hunks: tuple[Hunk, ...]) -> tuple[Span, ...]:
    """The changed runs of all hunks, in order."""
    found: list[Span] = []
    for hunk in hunks:
        old = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        new = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        gone = came = 0
        for line in (*hunk.lines, b" "):
            mark = line[:1]
            if mark == b"-":
                gone += 1
            elif mark == b"+":
                came += 1
            elif mark != b"\\":
                if gone or came:
                    found.append(Span(old, gone, new, came))
                old, new = old + gone + 1, new + came + 1
                gone = came = 0
    return tuple(found)
