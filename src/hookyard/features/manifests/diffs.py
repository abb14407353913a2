"""What a diff says of one file: changed lines on both sides, why there are none."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from hookyard.kit.hunks import Hunk


class Status(StrEnum):
    """What became of a file."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    MODE = "mode"


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
