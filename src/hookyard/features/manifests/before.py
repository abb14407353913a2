"""The old file out of the new one and the hunks between them. Pure, linear in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from hookyard.kit.hunks import Hunk


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` of the new file stand where the old file has `old`.

    `row` is the line, from 0, at which the edit starts; edits start at the beginning of a line.
    """

    start: int
    end: int
    row: int
    old: bytes


@dataclass(frozen=True, slots=True)
class Before:
    """The old file, and the edits that lead from the new file to it, ascending."""

    content: bytes
    edits: tuple[Edit, ...]


def undo(new: bytes, hunks: Sequence[Hunk]) -> Before | None:
    """The file as it was before the hunks; None when they do not fit the new file.

    The hunks have to be in order, and every context and added line has to be where it says.
    """
    lines = new.split(b"\n")
    ends = accumulate(map(len, lines))
    offsets = [0, *(end + row for row, end in enumerate(ends, 1))]
    edits: list[Edit] = []
    row = 0
    for hunk in hunks:
        start = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        if start < row or start + hunk.new_count > len(lines):
            return None
        row = start
        for group in _groups(hunk):
            kept, added, deleted, is_open = group
            if tuple(lines[row : row + len(kept)]) != kept:
                return None
            row += len(kept)
            if tuple(lines[row : row + len(added)]) != added:
                return None
            if added or deleted:
                edits.append(_edit(new, offsets, row, len(added), deleted, is_open=is_open))
            row += len(added)
    return Before(_apply(new, edits), tuple(edits))


_Group = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...], bool]


def _groups(hunk: Hunk) -> list[_Group]:
    """Runs of (context, added, deleted, whether the last deleted line had no newline)."""
    groups: list[_Group] = []
    kept: list[bytes] = []
    added: list[bytes] = []
    deleted: list[bytes] = []
    is_open, last = False, b""
    for line in hunk.lines:
        mark, rest = line[:1], line[1:]
        if mark == b"\\":
            is_open = is_open or last == b"-"
            continue
        if mark in (b" ", b"") and (added or deleted):
            groups.append((tuple(kept), tuple(added), tuple(deleted), is_open))
            kept, added, deleted = [], [], []
        if mark == b"+":
            added.append(rest)
        elif mark == b"-":
            deleted.append(rest)
        else:
            kept.append(rest)
        last = mark
    groups.append((tuple(kept), tuple(added), tuple(deleted), is_open))
    return groups


def _edit(
    new: bytes,
    offsets: list[int],
    row: int,
    count: int,
    deleted: tuple[bytes, ...],
    *,
    is_open: bool,
) -> Edit:
    start, end = min(offsets[row], len(new)), min(offsets[row + count], len(new))
    old = b"".join(line + b"\n" for line in deleted)
    if is_open:
        old = old[:-1]
    return Edit(start, end, row, old)


def _apply(new: bytes, edits: Sequence[Edit]) -> bytes:
    parts: list[bytes] = []
    at = 0
    for edit in edits:
        parts.append(new[at : edit.start])
        parts.append(edit.old)
        at = edit.end
    parts.append(new[at:])
    return b"".join(parts)
