"""What a symbol says, without comments and layout: to tell a change from a move or a new comment.

The idea of comparing blocks by a checksum is pytest-testmon's. Two texts that are called equal
are equal token by token; two that differ may still mean the same (`a,b` and `a, b`).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.features.manifests import grammars
from hookyard.features.manifests.outline import Symbol, Version

BOUNDARIES = ("async", "catch", "comparison", "loop", "null", "raise")
# why: bodies like `pass` or `{}` are equal everywhere; they say nothing of a rename.
TELLING = 24

_BLANKS = re.compile(rb"[ \t\f\v]+")


@dataclass(frozen=True, slots=True)
class Text:
    """What is compared of a symbol, and what is counted in it.

    `body` is a hash of all but the name, its parts and its comments; `size` the bytes it is made
    of. `signature` is what stands before the body, on one line.
    """

    body: bytes
    size: int
    signature: str
    boundaries: tuple[str, ...]
    complexity: int


def text_of(it: Version, symbol: Symbol, parts: Sequence[Symbol]) -> Text:
    """The text of a symbol without its `parts`, the symbols inside it."""
    found = grammars.captures(it.grammar.marks, it.tree.root_node, symbol.start, symbol.end)
    inner = [(p.start, p.end) for p in parts if symbol.start < p.start and p.end <= symbol.end]
    inside = _Ranges(inner)
    cuts = [(start, end, b"") for start, end in inside.outer]
    strings: list[bytes] = []
    comments = {(n.start_byte, n.end_byte) for n in found.get("comment", ())}
    cuts += [(start, end, b"") for start, end in comments]
    for node in found.get("string", ()):
        if (node.start_byte, node.end_byte) not in comments:
            cuts.append((node.start_byte, node.end_byte, b"\x01"))
    layout = _cut(it, symbol.start, symbol.end, [*cuts, (symbol.name_start, symbol.name_end, b"")])
    plain = (
        _layout(layout.kept, _indent(it, symbol)) if it.language.indented else _flat(layout.kept)
    )
    strings = layout.strings
    digest = hashlib.blake2b(plain, digest_size=16)
    for string in strings:
        digest.update(b"\x00" + string)
    marks = {
        name
        for name in BOUNDARIES
        for node in found.get(name, ())
        if symbol.own_start <= node.start_byte < symbol.end and not inside.holds(node.start_byte)
    }
    branches = sum(
        1
        for node in found.get("branch", ())
        if symbol.own_start <= node.start_byte < symbol.end and not inside.holds(node.start_byte)
    )
    size = len(plain) + sum(map(len, strings))
    return Text(
        digest.digest(), size, signature_of(it, symbol, cuts), tuple(sorted(marks)), 1 + branches
    )


def signature_of(
    it: Version, symbol: Symbol, cuts: Sequence[tuple[int, int, bytes]] | None = None
) -> str:
    """What stands before a symbol's body, on one line, without comments."""
    if cuts is None:
        found = grammars.captures(
            it.grammar.marks, it.tree.root_node, symbol.own_start, symbol.body_start
        )
        cuts = [(n.start_byte, n.end_byte, b"") for n in found.get("comment", ())]
    comments = [cut for cut in cuts if not cut[2] and cut[1] <= symbol.body_start]
    kept = _cut(it, symbol.own_start, symbol.body_start, comments).kept
    return b" ".join(kept.split()).decode("utf-8", "replace")[:400].rstrip(" {:=")


@dataclass(frozen=True, slots=True)
class _Cut:
    kept: bytes
    strings: list[bytes]


def _cut(it: Version, start: int, end: int, cuts: Sequence[tuple[int, int, bytes]]) -> _Cut:
    """The bytes without the cuts; a string's place is marked, and it is kept beside."""
    parts: list[bytes] = []
    strings: list[bytes] = []
    at = start
    for first, last, mark in sorted(cuts):
        if first < at or last > end:
            continue
        parts.append(it.source[at:first])
        if mark:
            parts.append(mark)
            strings.append(it.source[first:last])
        at = last
    parts.append(it.source[at:end])
    return _Cut(b"".join(parts), strings)


def _flat(kept: bytes) -> bytes:
    """Lines without their indentation, blank ones left out, runs of blanks as one."""
    lines = (_BLANKS.sub(b" ", line.strip()) for line in kept.split(b"\n"))
    return b"\n".join(line for line in lines if line)


def _layout(kept: bytes, indent: int) -> bytes:
    """The same where indentation counts: it is kept, as far as it goes beyond the symbol's own."""
    lines = []
    for line in kept.split(b"\n"):
        bare = line.strip()
        if bare:
            lead = len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
            lines.append(b"%d %s" % (max(lead - indent, 0), _BLANKS.sub(b" ", bare)))
    return b"\n".join(lines)


def _indent(it: Version, symbol: Symbol) -> int:
    line = it.source[it.starts[symbol.line - 1] : symbol.start]
    return len(line.expandtabs(8))


class _Ranges:
    """Ranges that may lie in each other; the outer ones, and whether a byte is in any."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.outer: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if not self.outer or start >= self.outer[-1][1]:
                self.outer.append((start, end))

    def holds(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.outer)
