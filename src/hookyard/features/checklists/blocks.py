"""Markdown as a small tree of blocks with source lines; inline markup stays raw text.

Inline parsing is left out on purpose: nothing here needs it, and it is where hostile text costs
most. Nesting deeper than MAX_NESTING is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` 1–6."""

    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Raw text, its lines kept."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block; `info` is its language, lower case."""

    info: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Html:
    """A block of raw HTML: comments, details, headings."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What stands behind `>`."""

    blocks: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of one table row."""

    cells: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """The first row is the header."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ListItem:
    """What stands behind one bullet or number."""

    blocks: "tuple[Block, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class ItemList:
    """A bullet list or a numbered one."""

    ordered: bool
    items: tuple[ListItem, ...]


Block: TypeAlias = Heading | Paragraph | Fence | Html | Quote | Table | ItemList


def parse_blocks(text: str) -> tuple[tuple[Block, ...], bool]:
    """(blocks in order, was cut) of a bounded Markdown text; lines count from 1.

    It is cut where lists nest deeper than MAX_NESTING levels of blocks.
    """
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable("table")
    parser.core.ruler.enableOnly(["block"])
    parser.block.ruler.disable("reference")
    tokens = parser.parse(text)
    blocks, _ = _read(tokens, 0)
    return blocks, any(
        token.type == "list_item_open" and token.level + 1 >= MAX_NESTING for token in tokens
    )


def _read(tokens: Sequence[Token], at: int) -> tuple[tuple[Block, ...], int]:
    """Blocks from `at` to the closing token of the container, and the place after it."""
    blocks: list[Block] = []
    while at < len(tokens) and tokens[at].nesting >= 0:
        block, at = _read_one(tokens, at)
        if block is not None:
            blocks.append(block)
    return tuple(blocks), at + 1


def _read_one(tokens: Sequence[Token], at: int) -> tuple[Block | None, int]:
    token = tokens[at]
    line = _line(token)
    match token.type:
        case "heading_open":
            return Heading(int(token.tag[1]), tokens[at + 1].content, line), at + 3
        case "paragraph_open":
            return Paragraph(tokens[at + 1].content, line), at + 3
        case "fence" | "code_block":
            info = token.info.split()
            return Fence(info[0].lower() if info else "", token.content, line), at + 1
        case "html_block":
            return Html(token.content, line), at + 1
        case "blockquote_open":
            inner, after = _read(tokens, at + 1)
            return Quote(inner), after
        case "bullet_list_open" | "ordered_list_open":
            return _read_list(tokens, at)
        case "table_open":
            return _read_table(tokens, at)
        case _:
            return None, at + 1


def _read_list(tokens: Sequence[Token], at: int) -> tuple[ItemList, int]:
    ordered = tokens[at].type == "ordered_list_open"
    items: list[ListItem] = []
    at += 1
    while tokens[at].type == "list_item_open":
        line = _line(tokens[at])
        inner, at = _read(tokens, at + 1)
        items.append(ListItem(inner, line))
    return ItemList(ordered, tuple(items)), at + 1


def _read_table(tokens: Sequence[Token], at: int) -> tuple[Table, int]:
    rows: list[Row] = []
    cells: list[str] = []
    line = _line(tokens[at])
    while tokens[at].type != "table_close":
        token = tokens[at]
        if token.type == "tr_open":
            cells, line = [], _line(token)
        elif token.type == "inline":
            cells.append(token.content)
        elif token.type == "tr_close":
            rows.append(Row(tuple(cells), line))
        at += 1
    return Table(tuple(rows)), at + 1


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1
