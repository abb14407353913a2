"""The symbols of one version of a file near some lines: names, extents, texts as compared.

Only what encloses or touches the lines is looked at, so a small change in a large file costs
little more than the parse.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookyard.features.manifests import grammars
from hookyard.features.manifests.grammars import Grammar
from hookyard.features.manifests.languages import Language

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

MAX_SYMBOLS = 20_000
CONTAINERS = frozenset(
    {"class", "interface", "struct", "enum", "trait", "impl", "module", "type", "case"}
)
_HOLDERS = CONTAINERS - {"module", "case"}
_MAX_NAME = 200
# why: what is written around a definition belongs to it: decorators, `export`, `template<…>`.
_WRAPPERS = frozenset(
    {"decorated_definition", "export_statement", "template_declaration", "lexical_declaration"}
)
_WORD = re.compile(r"[\w$#~?!=]+", re.ASCII)
_OWNER = re.compile(rb"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?\)\s*$")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named part of a file. Lines count from 1, both ends included; bytes are half open.

    `start` is where decorators and the like begin, `own_start` where the definition does.
    """

    name: str
    kind: str
    line: int
    end_line: int
    start: int
    end: int
    own_start: int
    name_start: int
    name_end: int
    body_start: int

    def holds(self, line: int) -> bool:
        """Whether a line is between its first and last."""
        return self.line <= line <= self.end_line


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file: bytes and tree."""

    language: Language
    grammar: Grammar
    source: bytes
    tree: "Tree"

    @property
    def has_errors(self) -> bool:
        """Whether parts of it could not be parsed."""
        return self.tree.root_node.has_error


def version(
    language: Language, grammar: Grammar, source: bytes, old: "Tree | None" = None
) -> Version | None:
    """A parsed version; None when the parse was given up."""
    tree = grammars.parse(grammar, source, old)
    return None if tree is None else Version(language, grammar, source, tree)


def symbols_near(it: Version, ranges: Sequence[tuple[int, int]]) -> tuple[Symbol, ...]:
    """Symbols that touch any of the ranges of lines, outermost first, in order of the file."""
    found: dict[tuple[int, int, str], tuple[Node, dict[str, list[Node]]]] = {}
    root = it.tree.root_node
    for first, last in ranges:
        for _, captured in grammars.matches(it.grammar.symbols, root, first, last):
            for kind, nodes in captured.items():
                if kind in _PARTS or len(found) >= MAX_SYMBOLS:
                    continue
                node = nodes[0]
                found.setdefault((node.start_byte, -node.end_byte, kind), (node, captured))
    return _nested(it, [(key[2], *found[key]) for key in sorted(found)])


_PARTS = frozenset({"name", "body", "declarator", "owner", "case_word"})


def _nested(
    it: Version, found: "Iterable[tuple[str, Node, dict[str, list[Node]]]]"
) -> tuple[Symbol, ...]:
    symbols: list[Symbol] = []
    open_: list[tuple[int, str, str]] = []
    for caught, node, captured in found:
        while open_ and open_[-1][0] <= node.start_byte:
            open_.pop()
        name_node = _name_node(captured, node)
        name = _clean_name(it, name_node, captured)
        is_method = caught == "function" and bool(open_) and open_[-1][2] in _HOLDERS
        kind = "method" if is_method else caught
        prefix = f"{open_[-1][1]}." if open_ else ""
        full = f"{prefix}{name}"[-_MAX_NAME:]
        symbols.append(_symbol(it, full, kind, node, name_node, captured))
        open_.append((node.end_byte, full, kind))
    return tuple(symbols)


def _symbol(
    it: Version,
    name: str,
    kind: str,
    node: "Node",
    name_node: "Node",
    captured: "dict[str, list[Node]]",
) -> Symbol:
    outer = node
    parent = node.parent if _may_be_wrapped(it.source, node.start_byte) else None
    while parent is not None and parent.type in _WRAPPERS and parent.child_count < 64:
        outer, parent = parent, parent.parent
    body = captured.get("body")
    end_row = outer.end_point[0] + (1 if outer.end_point[1] or outer.end_byte == 0 else 0)
    return Symbol(
        name=name,
        kind=kind,
        line=outer.start_point[0] + 1,
        end_line=max(end_row, outer.start_point[0] + 1),
        start=outer.start_byte,
        end=outer.end_byte,
        own_start=node.start_byte,
        name_start=name_node.start_byte,
        name_end=name_node.end_byte,
        body_start=body[0].start_byte if body else _default_body(it, node, name_node),
    )


def _may_be_wrapped(source: bytes, start: int) -> bool:
    """Whether anything but a blank line stands right before a definition.

    # why: a node finds its parent by going down from the root.
    """
    line = source.rfind(b"\n", 0, start) + 1
    above = source[source.rfind(b"\n", 0, max(line - 1, 0)) + 1 : max(line - 1, 0)]
    return bool(source[line:start].strip() or above.strip())


def _default_body(it: Version, node: "Node", name_node: "Node") -> int:
    """Where the signature ends when no body was found: with the line of the name."""
    line_end = it.source.find(b"\n", name_node.end_byte, node.end_byte)
    return node.end_byte if line_end < 0 else line_end


def _name_node(captured: "dict[str, list[Node]]", node: "Node") -> "Node":
    if "name" in captured:
        return captured["name"][0]
    if "declarator" not in captured:
        return node.child(0) if node.child_count else node
    found = captured["declarator"][0]
    for _ in range(32):
        inner = found.child_by_field_name("declarator")
        if inner is None:
            # why: C++ gives the declarator of a reference no field name
            inner = next((c for c in found.named_children if c.type.endswith("declarator")), None)
        if inner is None:
            return found
        found = inner
    return found


def _clean_name(it: Version, node: "Node", captured: "dict[str, list[Node]]") -> str:
    raw = it.source[node.start_byte : min(node.end_byte, node.start_byte + 400)]
    if "case_word" in captured:
        return _SPACES.sub(" ", raw.decode("utf-8", "replace")).strip("'\"` ")
    text = raw.decode("utf-8", "replace")
    text = text if text.startswith("operator") else text.split("<", 1)[0]
    name = ".".join(_WORD.findall(text.replace("::", " "))) or "?"
    owner = captured.get("owner")
    if owner:
        found = _OWNER.search(it.source[owner[0].start_byte : owner[0].end_byte])
        name = f"{found[1].decode()}.{name}" if found else name
    return name
