"""Reads the hunks of unified diffs, as git and GitHub write them. Pure, linear time.

Nothing is trusted: numbers and counts may lie. What does not add up is kept as a reason.
"""

import re
from dataclasses import dataclass, field

MAX_HUNKS = 10_000
COMBINED = "a combined diff, as merges have them, names no single base"
SHORT = "a hunk has fewer lines than it says"
MANY_HUNKS = f"more than {MAX_HUNKS} hunks"

# why: eight digits are more lines than any file has, and keep sums far from any limit.
_HUNK = re.compile(rb"@@ -(\d{1,8})(?:,(\d{1,8}))? \+(\d{1,8})(?:,(\d{1,8}))? @@ ?(.*)", re.DOTALL)
_COMBINED_HUNK = re.compile(rb"@@@+ -")
_MAX_CONTEXT = 200


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


@dataclass(slots=True, kw_only=True)
class Hunks:
    """The hunks of one file while it is read, and the first thing wrong with them ("" so far)."""

    hunks: list[Hunk] = field(default_factory=list)
    problem: str = ""

    def take(self, lines: list[bytes], at: int) -> int:
        """Read the hunk that starts at a line, or skip the line; where to go on."""
        if _COMBINED_HUNK.match(lines[at]):
            self.problem = self.problem or COMBINED
            return at + 1
        match = _HUNK.match(lines[at].rstrip(b"\r"))
        if match is None:
            return at + 1
        if len(self.hunks) >= MAX_HUNKS:
            self.problem = self.problem or MANY_HUNKS
            return at + 1
        counts = [int(match[2] or 1), int(match[4] or 1)]
        end = _hunk_end(lines, at + 1, counts)
        if any(counts):
            self.problem = self.problem or SHORT
        context = match[5][:_MAX_CONTEXT].decode("utf-8", "replace").replace("\x00", "")
        self.hunks.append(
            Hunk(
                int(match[1]),
                int(match[2] or 1) - counts[0],
                int(match[3]),
                int(match[4] or 1) - counts[1],
                context.strip(),
                tuple(lines[at + 1 : end]),
            )
        )
        return end


def read_patch(patch: str | bytes) -> tuple[tuple[Hunk, ...], str]:
    """(hunks, problem) of a patch that starts at its first `@@`, as GitHub's file lists have it."""
    raw = patch.encode("utf-8", "surrogatepass") if isinstance(patch, str) else patch
    lines = raw.split(b"\n")
    found, at = Hunks(), 0
    while at < len(lines):
        at = found.take(lines, at)
    if not found.hunks and raw.strip():
        found.problem = found.problem or "the patch has no hunk"
    return tuple(found.hunks), found.problem


def _hunk_end(lines: list[bytes], at: int, left: list[int]) -> int:
    """Where a hunk's lines end; `left` is counted down to what is missing of old and new."""
    while at < len(lines):
        mark = lines[at][:1]
        if mark == b"\\":
            at += 1
            continue
        if not any(left):
            break
        # why: some mailers and editors take the space off an empty context line.
        is_context = mark == b" " or (lines[at] in (b"", b"\r") and at + 1 < len(lines))
        if is_context and all(left):
            left[0] -= 1
            left[1] -= 1
        elif mark == b"-" and left[0]:
            left[0] -= 1
        elif mark == b"+" and left[1]:
            left[1] -= 1
        else:
            break
        at += 1
    return at
