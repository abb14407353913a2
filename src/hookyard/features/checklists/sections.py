"""Walks the blocks of a text and sorts their items by the section they stand in.

A section opens at a label we know (heading, bold line, `Label:` line, summary of a details
block, AC:BEGIN marker) and ends at a heading of equal or higher level or at another label we
know. Labels that are not headings rank below all headings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hookyard.features.checklists import gherkin, items
from hookyard.features.checklists.blocks import (
    Block,
    Fence,
    Heading,
    Html,
    ItemList,
    Paragraph,
    Quote,
    Table,
)
from hookyard.features.checklists.items import Place
from hookyard.features.checklists.labels import known_label, label_of_line
from hookyard.features.checklists.marks import split_author_id, split_box
from hookyard.features.checklists.model import Item, ItemKind, Purpose
from hookyard.features.checklists.text import (
    MAX_DETAIL,
    blank_comments,
    capped,
    one_line,
    plain,
    without_comments,
)

LABEL_RANK = 7
_MARKER = re.compile(r"<!--\s{0,20}AC:(BEGIN|END)\s{0,20}-->", re.IGNORECASE)
_HTML_LABEL = re.compile(
    r"<(summary|h[1-6])\b[^<>]{0,200}>\s{0,20}(?:<(?:b|strong|i|em)>){0,2}([^<]{1,200})",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Section:
    """A labelled part of the text. `kind` is criteria, weak or tests."""

    kind: str
    label: str
    line: int
    rank: int
    hashes: bool = False
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """Every section in order, those inside quotes apart, and the tasks and scenarios that stand
    outside of all."""

    sections: list[Section] = field(default_factory=list)
    quoted: list[Section] = field(default_factory=list)
    tasks: list[Item] = field(default_factory=list)
    scenarios: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class _Heading:
    """A heading with an author's id, until it is clear whether items stand below it."""

    section: Section
    item: Item
    before: int
    below: list[str] = field(default_factory=list)


def find_sections(blocks: Sequence[Block]) -> Findings:
    """Sort the items of a text by section."""
    walk = _Walk()
    walk.read(blocks)
    return walk.found


class _Walk:
    def __init__(self) -> None:
        self.found = Findings()
        self._open: list[Section] = []
        self._groups: dict[int, str] = {}
        self._muted: tuple[int, str] | None = None
        self._heading: _Heading | None = None

    def read(self, blocks: Sequence[Block]) -> None:
        self._read(blocks)
        self._close_heading()

    def _read(self, blocks: Sequence[Block]) -> None:
        for block in _joined(blocks):
            match block:
                case Heading():
                    self._label(block.level, block.text, block.line)
                case Paragraph():
                    self._paragraph(block)
                case Html():
                    self._html(block)
                case Quote():
                    # why: quoted text is somebody else's, unless the section itself is quoted.
                    inner = find_sections(block.blocks)
                    self.found.quoted.extend([*inner.sections, *inner.quoted])
                case ItemList():
                    self._list(block)
                case Fence():
                    self._fence(block)
                case Table():
                    if self._current() is not None:
                        self._add(items.of_table(block, self._place()))

    def _current(self) -> Section | None:
        return self._open[-1] if self._open and self._muted is None else None

    def _place(self) -> Place:
        section = self._current()
        if section is None:
            return Place()
        groups = tuple(self._groups[rank] for rank in sorted(self._groups))
        purpose = Purpose.TEST if section.kind == "tests" else Purpose.CRITERION
        return Place(groups, purpose, section.hashes, in_section=True)

    def _add(self, found: list[Item]) -> None:
        section = self._current()
        if section is not None:
            section.items.extend(found)

    def _label(self, rank: int, text: str, line: int) -> None:
        self._close_heading()
        kind = known_label(text)
        if rank < LABEL_RANK or kind:
            while self._open and rank <= self._open[-1].rank:
                self._open.pop()
        self._groups = {r: group for r, group in self._groups.items() if r < rank}
        if self._muted is not None and rank <= self._muted[0]:
            self._muted = None
        if kind in ("other", "never"):
            self._muted = self._muted or (rank, kind)
        elif kind:
            self._muted = None
            self._start(Section(kind, one_line(plain(text)).strip(" :："), line, rank))
        elif self._current() is not None:
            self._open_heading(text, line)
            self._groups[rank] = one_line(plain(text)).strip(" :：")

    def _open_heading(self, text: str, line: int) -> None:
        """`### AC-1: it saves` is a group when items follow below it, else an item itself."""
        section = self._current()
        if section is None or split_author_id(one_line(text))[0] is None:
            return
        item = items.make_item(text, line, ItemKind.STATEMENT, self._place())
        if item is not None:
            self._heading = _Heading(section, item, len(section.items))

    def _close_heading(self) -> None:
        heading, self._heading = self._heading, None
        if heading is not None and len(heading.section.items) == heading.before:
            detail = capped("\n".join(heading.below), MAX_DETAIL)
            heading.section.items.append(replace(heading.item, detail=detail))

    def _start(self, section: Section) -> None:
        self._groups = {}
        self._open.append(section)
        self.found.sections.append(section)

    def _paragraph(self, block: Paragraph) -> None:
        for part in _parts(block):
            if isinstance(part, tuple):
                self._label(LABEL_RANK, part[0], part[1])
            elif self._current() is not None:
                found = items.of_lines(part, self._place())
                if not found and self._heading is not None:
                    self._heading.below.extend(text for text, _ in part if text.strip())
                self._add(found)
            else:
                self._scenarios(items.of_scenarios(part, Place()))

    def _fence(self, block: Fence) -> None:
        found = items.of_fence(block, self._place())
        if not found and self._heading is not None:
            self._heading.below.append(block.text.rstrip())
        self._scenarios(found)

    def _scenarios(self, found: list[Item]) -> None:
        if self._current() is not None:
            self._add(found)
        elif self._muted is None or self._muted[1] != "never":
            self.found.scenarios.extend(found)

    def _list(self, block: ItemList) -> None:
        if self._current() is not None:
            self._add(items.of_list(block, self._place()))
            return
        for entry in block.items:
            first = entry.blocks[0] if entry.blocks else None
            text = first.text if isinstance(first, Paragraph) else ""
            kind = known_label(split_box(text)[1]) if len(entry.blocks) > 1 else ""
            if kind in ("criteria", "weak", "tests"):
                self._labelled_entry(kind, one_line(plain(text)), entry.line, entry.blocks[1:])
            elif self._muted is None or self._muted[1] != "never":
                single = ItemList(block.ordered, (entry,))
                self.found.tasks.extend(items.of_list(single, Place(tasks_only=True)))
        self._loose_steps(block)

    def _loose_steps(self, block: ItemList) -> None:
        found = items.of_list(block, Place())
        self._scenarios([item for item in found if item.kind == ItemKind.SCENARIO])

    def _labelled_entry(self, kind: str, label: str, line: int, blocks: Sequence[Block]) -> None:
        inner = _Walk()
        inner._start(Section(kind, label.strip(" :："), line, 0))
        inner.read(blocks)
        self.found.sections.extend(inner.found.sections)

    def _html(self, block: Html) -> None:
        marker = _MARKER.search(block.text[:2000])
        if marker is not None:
            self._mark(marker[1].upper() == "BEGIN", block.line)
            return
        text = without_comments(block.text)
        for found in _HTML_LABEL.finditer(text):
            tag = found[1].lower()
            rank = LABEL_RANK if tag == "summary" else int(tag[1])
            self._label(rank, found[2], block.line)
        if "</details>" in text.lower():
            self._open = [section for section in self._open if section.rank < LABEL_RANK]
            self._groups.pop(LABEL_RANK, None)

    def _mark(self, begins: bool, line: int) -> None:
        # spec: Backlog.md keeps criteria between AC:BEGIN and AC:END, each with its `#n`.
        section = self._current()
        if begins and section is None:
            self._muted = None
            self._start(Section("criteria", "AC:BEGIN", line, LABEL_RANK, hashes=True))
        elif section is not None:
            section.hashes = begins
            if not begins and section.label == "AC:BEGIN":
                self._open.pop()


def _joined(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, with a scenario whose steps are paragraphs of their own made one paragraph."""
    run: Paragraph | None = None
    for block in blocks:
        if isinstance(block, Paragraph) and _is_steps(block.text):
            if run is None:
                run = block
                continue
            gap = block.line - run.line - run.text.count("\n")
            run = Paragraph(run.text + "\n" * max(1, gap) + block.text, run.line)
            continue
        if run is not None:
            yield run
            run = None
        yield block
    if run is not None:
        yield run


def _is_steps(text: str) -> bool:
    first = text.split("\n", 1)[0]
    return gherkin.step_of(first) is not None or gherkin.is_head(first)


def _parts(block: Paragraph) -> Iterator[tuple[str, int] | list[gherkin.Line]]:
    """A paragraph cut at its label lines: (label, line) or a run of lines between them."""
    lines = blank_comments(block.text).split("\n")
    run: list[gherkin.Line] = []
    for offset, text in enumerate(lines):
        label = label_of_line(text)
        is_named = len(lines) > 1 and gherkin.is_head(text)
        is_bold = not is_named and text.lstrip().startswith(("**", "__"))
        if label is None or is_named or not (is_bold or len(lines) == 1 or known_label(label)):
            run.append((text, block.line + offset))
            continue
        if run:
            yield run
            run = []
        yield label, block.line + offset
    if run:
        yield run
