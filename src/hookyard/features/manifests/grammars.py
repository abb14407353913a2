"""Grammars, loaded when the first file of their language is read; parses that end in bounds.

# why: tree-sitter and fifteen grammars take tens of megabytes of address space and are needed by
# few processes; importing this room loads none of them.
"""

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookyard.features.manifests import queries
from hookyard.features.manifests.before import Edit
from hookyard.features.manifests.languages import Language

if TYPE_CHECKING:
    from tree_sitter import Language as Parsed
    from tree_sitter import Node, Query, Tree

MAX_SOURCE = 1024 * 1024
MAX_LINE = 20_000
MATCHES_AT_ONCE = 1_024
_CHUNK = 64 * 1024
# why: the parser reports about once in 130 bytes of ordinary code; hostile text makes it repair
# and go back. Counting its reports bounds that work the same way on every machine.
_BYTES_PER_REPORT = 8
_FREE_REPORTS = 1_000
_SMALL = 32 * 1024


@dataclass(frozen=True, slots=True)
class Grammar:
    """A loaded grammar with its queries."""

    parsed: "Parsed"
    symbols: "Query"
    marks: "Query"
    layout: "Query"


@functools.lru_cache(maxsize=64)
def grammar(language: Language) -> Grammar | None:
    """The grammar of a language; None where its package is not installed, or does not fit."""
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        package = importlib.import_module(language.grammar[0])
        parsed = tree_sitter.Language(getattr(package, language.grammar[1])())
        texts = queries.QUERIES[language.queries]
        return Grammar(
            parsed,
            tree_sitter.Query(parsed, texts.symbols),
            tree_sitter.Query(parsed, texts.marks),
            tree_sitter.Query(parsed, texts.layout),
        )
    except (ImportError, ValueError):
        return None


def parse(found: Grammar, source: bytes, old: "Tree | None" = None) -> "Tree | None":
    """The tree of a source; None when it takes more steps than sources of its size do.

    With `old`, a tree that was edited to fit, what did not change is taken over.
    """
    from tree_sitter import Parser

    left = _FREE_REPORTS + len(source) // _BYTES_PER_REPORT

    def read(offset: int, _point: object) -> bytes:
        return source[offset : offset + _CHUNK]

    def report(_offset: int, _has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    parser = Parser(found.parsed)
    try:
        if len(source) <= _SMALL:
            return parser.parse(source) if old is None else parser.parse(source, old)
        if old is None:
            return parser.parse(read, progress_callback=report)
        return parser.parse(read, old, progress_callback=report)
    except ValueError:
        return None


def is_readable(source: bytes) -> str:
    """ "" when a source may be parsed, else why not."""
    if len(source) > MAX_SOURCE:
        return f"larger than {MAX_SOURCE // 1024} KiB"
    if b"\x00" in source[:8192]:
        return "not text"
    if len(source) > MAX_LINE and max(map(len, source.split(b"\n"))) > MAX_LINE:
        return f"a line longer than {MAX_LINE} bytes"
    return ""


def edited(tree: "Tree", new: bytes, edits: Sequence[Edit]) -> "Tree":
    """The tree of the new file, edited to fit the old one; edits start where lines do."""
    copy = tree.copy()
    for edit in reversed(edits):
        copy.edit(
            edit.start,
            edit.end,
            edit.start + len(edit.old),
            (edit.row, 0),
            _end_of(edit.row, new[edit.start : edit.end]),
            _end_of(edit.row, edit.old),
        )
    return copy


def _end_of(row: int, piece: bytes) -> tuple[int, int]:
    """Where a piece ends that starts at the beginning of a row; the last line may be open."""
    return row + piece.count(b"\n"), len(piece) - (piece.rfind(b"\n") + 1)


def matches(
    query: "Query", node: "Node", first: int, last: int
) -> "list[tuple[int, dict[str, list[Node]]]]":
    """Matches of a query that touch lines, counted from 1, both ends included."""
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query, match_limit=MATCHES_AT_ONCE)
    cursor.set_point_range((max(first, 1) - 1, 0), (max(last, first, 1), 0))
    return cursor.matches(node)


def captures(query: "Query", node: "Node", start: int, end: int) -> "dict[str, list[Node]]":
    """Nodes by capture name that touch a range of bytes."""
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query, match_limit=MATCHES_AT_ONCE)
    cursor.set_byte_range(start, end)
    return cursor.captures(node)
