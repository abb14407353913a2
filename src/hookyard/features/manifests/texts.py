"""What a symbol says, without comments and layout: to tell a change from a move or a new comment.

The idea of comparing blocks by a checksum is pytest-testmon's. Two texts that are called equal
are equal token by token; two that differ may still mean the same (`a,b` and `a, b`).
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.features.manifests import grammars
from hookyard.features.manifests.outline import Symbol, Version, symbols_near

BOUNDARIES = ("async", "catch", "comparison", "loop", "null", "raise")
# why: bodies like `pass` or `{}` are equal everywhere; they say nothing of a rename.
TELLING = 24
# Up to so many symbols are searched one by one; of more, the whole file is searched once.
FEW = 6

_BLANKS = re.compile(rb"[ \t\f\v]+")
_COMMENT_SIGNS = (b"//", b"/*", b"#")
_PROSE = ("comment", "string", "heredoc", "char")


@dataclass(frozen=True, slots=True)
class Body:
    """A hash of all but a symbol's name, its parts and its comments; the bytes it is made of."""

    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Boundary kinds in a symbol's own lines, and one more than the branches."""

    boundaries: tuple[str, ...] = ()
    complexity: int = 1


def body_of(it: Version, symbol: Symbol) -> Body:
    """What a symbol does, without the symbols inside it."""
    found = grammars.captures(it.grammar.layout, it.tree.root_node, symbol.start, symbol.end)
    comments = {(n.start_byte, n.end_byte) for n in found.get("comment", ())}
    cuts = [(start, end, False) for start, end in comments]
    cuts.append((symbol.name_start, symbol.name_end, False))
    texts = {(n.start_byte, n.end_byte) for n in found.get("string", ())}
    cuts.extend((start, end, True) for start, end in texts - comments)
    cuts.extend(
        (part.start, part.end, False)
        for part in symbols_near(it, [(symbol.line, symbol.end_line)])
        if symbol.start < part.start and part.end <= symbol.end
    )
    kept, strings = _cut(it, symbol.start, symbol.end, cuts)
    plain = _layout(kept, _indent(it, symbol)) if it.language.indented else _flat(kept)
    digest = hashlib.blake2b(plain, digest_size=16)
    for string in strings:
        digest.update(b"\x00" + string)
    return Body(digest.digest(), len(plain) + sum(map(len, strings)))


def raw_signature(it: Version, symbol: Symbol) -> bytes:
    """The bytes before a symbol's body, as they stand."""
    return it.source[symbol.own_start : symbol.body_start]


def signature_of(it: Version, symbol: Symbol) -> str:
    """What stands before a symbol's body, on one line, without comments."""
    raw = raw_signature(it, symbol)
    if any(sign in raw for sign in _COMMENT_SIGNS):
        start, end = symbol.own_start, symbol.body_start
        found = grammars.captures(it.grammar.layout, it.tree.root_node, start, end)
        cuts = [(n.start_byte, n.end_byte, False) for n in found.get("comment", ())]
        raw, _ = _cut(it, start, end, cuts)
    return b" ".join(raw.split()).decode("utf-8", "replace")[:400].rstrip(" {:=")


def marks_of(it: Version, symbols: Sequence[Symbol], wanted: Sequence[int]) -> dict[int, Marks]:
    """Marks of some of a version's symbols, each of which has what no inner symbol has."""
    starts = [symbol.start for symbol in symbols]
    kinds: dict[int, set[str]] = {index: set() for index in wanted}
    branches = dict.fromkeys(wanted, 0)
    places = [(symbols[index].start, symbols[index].end, index) for index in wanted]
    if len(wanted) > FEW:
        places = [(0, len(it.source), -1)]
    for start, end, only in places:
        found = grammars.captures(it.grammar.marks, it.tree.root_node, start, end)
        for kind, nodes in found.items():
            for node in nodes if not kind.startswith("_") else ():
                owner = _innermost(symbols, starts, node.start_byte)
                if owner not in kinds or only not in (-1, owner):
                    continue
                if kind == "branch":
                    branches[owner] += 1
                else:
                    kinds[owner].add(kind)
    return {i: Marks(tuple(sorted(kinds[i])), 1 + branches[i]) for i in wanted}


def _innermost(symbols: Sequence[Symbol], starts: Sequence[int], at: int) -> int:
    index = bisect_right(starts, at) - 1
    while index >= 0 and symbols[index].end <= at:
        index -= 1
    return index if index >= 0 and symbols[index].own_start <= at else -1


def is_code(it: Version, row: int, line: bytes) -> bool:
    """Whether what a line (row from 0) begins with is neither comment nor part of a text."""
    column = len(line) - len(line.lstrip())
    point = (row, column)
    node = it.tree.root_node.named_descendant_for_point_range(point, point)
    for _ in range(3):
        if node is None:
            return True
        if any(word in node.type for word in _PROSE):
            return False
        node = node.parent
    return True


def _cut(
    it: Version, start: int, end: int, cuts: Sequence[tuple[int, int, bool]]
) -> tuple[bytes, list[bytes]]:
    """The bytes without the cuts; a cut that is a text leaves a mark, and is kept beside."""
    parts: list[bytes] = []
    strings: list[bytes] = []
    at = start
    for first, last, is_text in sorted(cuts):
        if first < at or last > end:
            continue
        parts.append(it.source[at:first])
        if is_text:
            parts.append(b"\x01")
            strings.append(it.source[first:last])
        at = last
    parts.append(it.source[at:end])
    return b"".join(parts), strings


def _flat(kept: bytes) -> bytes:
    """Lines without their indentation, blank ones left out, runs of blanks as one."""
    return b"\n".join([_spaced(line) for line in map(bytes.strip, kept.split(b"\n")) if line])


def _layout(kept: bytes, indent: int) -> bytes:
    """The same where indentation counts: it is kept, as far as it goes beyond the symbol's own."""
    lines = []
    for line in kept.expandtabs(8).split(b"\n"):
        bare = line.strip()
        if bare:
            lead = len(line) - len(line.lstrip())
            lines.append(b"%d %s" % (max(lead - indent, 0), _spaced(bare)))
    return b"\n".join(lines)


def _spaced(line: bytes) -> bytes:
    return _BLANKS.sub(b" ", line) if b"  " in line or b"\t" in line else line


def _indent(it: Version, symbol: Symbol) -> int:
    start = it.source.rfind(b"\n", 0, symbol.start) + 1
    return len(it.source[start : symbol.start].expandtabs(8))
