"""From one block to the items it holds: lists, tables, scenarios, statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookyard.features.checklists import gherkin, words
from hookyard.features.checklists.blocks import (
    Fence,
    ItemList,
    ListItem,
    Paragraph,
    Row,
    Table,
)
from hookyard.features.checklists.labels import fold_label, known_label
from hookyard.features.checklists.marks import (
    fold_author_id,
    has_hash_ids,
    is_consent,
    is_leftover,
    split_author_id,
    split_box,
    split_waiver,
)
from hookyard.features.checklists.model import Item, ItemKind, Purpose
from hookyard.features.checklists.text import MAX_DETAIL, capped, one_line, plain, without_comments

GROUP_SEPARATOR = " / "
_EARS_STARTS = ("when ", "while ", "if ", "where ", "the ", "as soon as ", "after ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands: its groups, what its items are for, how they are read.

    `hashes`: `#3 text` carries an id (between AC:BEGIN and AC:END). `tasks_only`: a bullet
    without a box is no item. `in_section`: it stands under a label we know. `struck`: a parent
    is struck out. `depth` counts the lists around it.
    """

    groups: tuple[str, ...] = ()
    purpose: Purpose = Purpose.CRITERION
    hashes: bool = False
    tasks_only: bool = False
    in_section: bool = False
    struck: bool = False
    depth: int = 0

    def within(self, group: str) -> "Place":
        """The same place one group further in."""
        return replace(self, groups=(*self.groups, group)) if group else self


def of_list(block: ItemList, place: Place) -> list[Item]:
    """Items of a list and of the lists inside it."""
    kind = ItemKind.NUMBERED if block.ordered else ItemKind.BULLET
    texts = [_own_text(entry) for entry in block.items]
    if not place.tasks_only and gherkin.is_step_list([split_box(text)[1] for text in texts]):
        return steps_as_items(_steps_of(block), block, place)
    if place.in_section and not place.hashes and has_hash_ids(texts):
        place = replace(place, hashes=True)
    found: list[Item] = []
    for entry, text in zip(block.items, texts, strict=True):
        found.extend(_of_entry(entry, text, kind, place))
    return found


def _of_entry(entry: ListItem, raw: str, kind: ItemKind, place: Place) -> list[Item]:
    item = make_item(raw, entry.line, kind, place)
    if len(entry.blocks) == 1:
        is_wanted = item is not None and not (place.tasks_only and item.checked is None)
        return [item] if item is not None and is_wanted else []
    if item is None and not place.in_section and is_consent(split_box(raw)[1]):
        return []
    label = known_label(raw)
    if label in ("never", "other"):
        return []
    inner = replace(place, depth=place.depth + 1)
    if item is not None and not label:
        inner = replace(inner.within(item.text), struck=item.struck)
    children = _inside(entry, inner)
    if item is None or (children and item.checked is None):
        return children
    if place.tasks_only and item.checked is None:
        return children
    return [replace(item, detail=_detail(entry)), *children]


def _inside(entry: ListItem, place: Place) -> list[Item]:
    found: list[Item] = []
    for block in entry.blocks:
        if isinstance(block, ItemList):
            found.extend(of_list(block, place))
        elif isinstance(block, Fence) and not place.tasks_only:
            found.extend(of_fence(block, place))
    return found


def _detail(entry: ListItem) -> str:
    """Paragraphs, code and tables below an item's own text."""
    parts: list[str] = []
    for block in entry.blocks[1:]:
        match block:
            case Paragraph():
                parts.append(without_comments(block.text).strip())
            case Fence() if block.info not in gherkin.LANGUAGES:
                parts.append(block.text.rstrip())
            case Table():
                parts.extend(" | ".join(row.cells) for row in block.rows)
            case _:
                pass
    return capped("\n".join(part for part in parts if part), MAX_DETAIL)


def _own_text(entry: ListItem) -> str:
    first = entry.blocks[0] if entry.blocks else None
    return first.text if isinstance(first, Paragraph) else ""


def make_item(raw: str, line: int, kind: ItemKind, place: Place) -> Item | None:
    """One item from its raw text; None when it is empty, a leftover or a consent box.

    # why: a form's consent boxes stand under labels of their own; what stands under a label for
    # criteria is meant as one, however it begins.
    """
    checked, rest = split_box(raw)
    struck, rest = split_waiver(one_line(rest))
    author_id, text = split_author_id(rest, hashes=place.hashes)
    if author_id is not None and not struck:
        struck, text = split_waiver(text)
    if is_leftover(text):
        return None
    if checked is not None and not place.in_section and is_consent(text):
        return None
    return Item(
        id="",
        text=text,
        checked=checked,
        group=GROUP_SEPARATOR.join(place.groups),
        line=line,
        kind=ItemKind.TASK if checked is not None else kind,
        author_id=author_id,
        purpose=place.purpose,
        struck=struck or place.struck,
        depth=place.depth,
    )


def _steps_of(block: ItemList) -> list[gherkin.Line]:
    """The texts of a list whose items are steps of scenarios."""
    return [(one_line(split_box(_own_text(entry))[1]), entry.line) for entry in block.items]


def steps_as_items(steps: Sequence[gherkin.Line], block: ItemList, place: Place) -> list[Item]:
    """One item for each scenario a step list tells; ticked when every step is."""
    boxes = {entry.line: split_box(_own_text(entry))[0] for entry in block.items}
    found = of_scenarios(steps, place)
    lines = [item.line for item in found]
    for index, item in enumerate(found):
        end = lines[index + 1] if index + 1 < len(lines) else max(boxes) + 1
        own = [boxes[line] for line in boxes if item.line <= line < end]
        if None not in own:
            found[index] = replace(item, checked=all(own))
    return found


def of_scenarios(lines: Sequence[gherkin.Line], place: Place) -> list[Item]:
    """One item for each whole scenario."""
    found: list[Item] = []
    for scenario in gherkin.scenarios(lines):
        where = place.within(scenario.feature)
        item = make_item(scenario.text(), scenario.line, ItemKind.SCENARIO, where)
        if item is not None:
            found.append(replace(item, author_id=scenario.author_id or item.author_id))
    return found


def of_fence(block: Fence, place: Place) -> list[Item]:
    """Scenarios of a Gherkin fence; any other fence holds none."""
    if block.info not in gherkin.LANGUAGES:
        return []
    lines = block.text.split("\n")
    return of_scenarios([(text, block.line + 1 + n) for n, text in enumerate(lines)], place)


def of_lines(lines: Sequence[gherkin.Line], place: Place) -> list[Item]:
    """Items of prose inside a section: scenarios, `AC-1: …` lines, EARS sentences."""
    found = of_scenarios(lines, place)
    if found:
        return found
    statements: list[list[gherkin.Line]] = []
    for text, line in lines:
        if _opens_statement(text, place) or not statements:
            statements.append([(text, line)])
        else:
            statements[-1].append((text, line))
    for statement in statements:
        raw = " ".join(text for text, _ in statement)
        item = make_item(raw, statement[0][1], ItemKind.STATEMENT, place)
        if item is not None and (item.author_id or _is_ears(item.text)):
            found.append(item)
    return found


def _opens_statement(text: str, place: Place) -> bool:
    return split_author_id(text.strip(), hashes=place.hashes)[0] is not None or (
        plain(text[:40]).lower().startswith(_EARS_STARTS) and plain(text[:40])[:1].isupper()
    )


def _is_ears(text: str) -> bool:
    """# spec: EARS sentences: an optional WHEN/WHILE/IF/WHERE clause, THE … SHALL …"""
    lowered = plain(text).lower()
    return lowered.startswith(_EARS_STARTS) and " shall " in lowered


def of_table(block: Table, place: Place) -> list[Item]:
    """One item a row, from the column that holds the words; nothing when none can be told."""
    header = [fold_label(cell) or cell.strip() for cell in block.rows[0].cells]
    steps = _columns(header, ("given", "when", "then"))
    id_at = next((n for n, name in enumerate(header) if name in words.ID_COLUMNS), None)
    done_at = next((n for n, name in enumerate(header) if name in words.DONE_COLUMNS), None)
    text_at = _text_column(header, id_at, done_at)
    found: list[Item] = []
    for row in block.rows[1:]:
        if len(steps) == 3:
            given, when, then = (_cell(row, at) for at in steps)
            text, kind = f"Given {given} when {when} then {then}", ItemKind.SCENARIO
        elif text_at is not None:
            text, kind = _cell(row, text_at), ItemKind.ROW
        else:
            return []
        item = make_item(text, row.line, kind, place)
        if item is not None:
            found.append(_with_columns(item, _cell(row, id_at), _cell(row, done_at)))
    return found


def _text_column(header: Sequence[str], id_at: int | None, done_at: int | None) -> int | None:
    """The first column named for words; else the only one that is neither ids nor marks."""
    for n, name in enumerate(header):
        if name in words.TEXT_COLUMNS and n not in (id_at, done_at):
            return n
    others = [n for n in range(len(header)) if n not in (id_at, done_at)]
    return others[0] if len(others) == 1 else None


def _columns(header: Sequence[str], names: Sequence[str]) -> list[int]:
    return [header.index(name) for name in names if name in header]


def _cell(row: Row, at: int | None) -> str:
    return row.cells[at].strip() if at is not None and at < len(row.cells) else ""


def _with_columns(item: Item, id_cell: str, done_cell: str) -> Item:
    struck, id_text = split_waiver(id_cell)
    id_cell = id_text
    author_id, rest = split_author_id(plain(id_cell))
    if author_id is None and plain(id_cell).lstrip("#").isdecimal() and len(id_cell) <= 6:
        author_id, rest = fold_author_id(f"#{plain(id_cell).lstrip('#')}"), ""
    if author_id is not None and not rest:
        item = replace(item, author_id=author_id)
    done = words.DONE_VALUES.get(plain(done_cell).casefold())
    item = replace(item, struck=item.struck or struck)
    return item if done is None else replace(item, checked=done)
