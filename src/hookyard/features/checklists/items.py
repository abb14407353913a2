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
from hookyard.features.checklists.model import Item, ItemKind, Purpose
from hookyard.features.checklists.text import (
    fold_author_id,
    fold_label,
    is_consent,
    is_leftover,
    known_label,
    one_line,
    plain,
    split_author_id,
    split_box,
    split_waiver,
)

GROUP_SEPARATOR = " / "
_EARS_STARTS = ("when ", "while ", "if ", "where ", "the ", "as soon as ", "after ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands: its groups, what its items are for, how they are read.

    `hashes`: `#3 text` carries an id (between AC:BEGIN and AC:END). `tasks_only`: a bullet
    without a box is no item.
    """

    groups: tuple[str, ...] = ()
    purpose: Purpose = Purpose.CRITERION
    hashes: bool = False
    tasks_only: bool = False

    def within(self, group: str) -> "Place":
        """The same place one group further in."""
        return replace(self, groups=(*self.groups, group)) if group else self


def of_list(block: ItemList, place: Place) -> list[Item]:
    """Items of a list and of the lists inside it."""
    kind = ItemKind.NUMBERED if block.ordered else ItemKind.BULLET
    steps = [] if place.tasks_only else _steps_of(block)
    if steps:
        return steps_as_items(steps, block, place)
    found: list[Item] = []
    for entry in block.items:
        found.extend(_of_entry(entry, kind, place))
    return found


def _of_entry(entry: ListItem, kind: ItemKind, place: Place) -> list[Item]:
    raw = _own_text(entry)
    item = make_item(raw, entry.line, kind, place)
    if item is None and is_consent(split_box(raw)[1]):
        return []
    label = known_label(raw)
    inner = place if item is None or label else place.within(item.text)
    if label in ("never", "other") and len(entry.blocks) > 1:
        return []
    children = _inside(entry, inner)
    if item is None or (children and item.checked is None):
        return children
    if place.tasks_only and item.checked is None:
        return children
    return [item, *children]


def _inside(entry: ListItem, place: Place) -> list[Item]:
    found: list[Item] = []
    for block in entry.blocks:
        if isinstance(block, ItemList):
            found.extend(of_list(block, place))
        elif isinstance(block, Fence) and not place.tasks_only:
            found.extend(of_fence(block, place))
    return found


def _own_text(entry: ListItem) -> str:
    first = entry.blocks[0] if entry.blocks else None
    return first.text if isinstance(first, Paragraph) else ""


def make_item(raw: str, line: int, kind: ItemKind, place: Place) -> Item | None:
    """One item from its raw text; None when it is empty, a leftover or a consent box."""
    checked, rest = split_box(raw)
    struck, rest = split_waiver(one_line(rest))
    author_id, text = split_author_id(rest, hashes=place.hashes)
    if is_leftover(text) or (checked is not None and is_consent(text)):
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
        struck=struck,
    )


def _steps_of(block: ItemList) -> list[gherkin.Line]:
    """The list's own texts when they are steps of scenarios, else nothing."""
    texts = [split_box(_own_text(entry))[1] for entry in block.items]
    if not gherkin.is_step_list(texts):
        return []
    return [(one_line(text), e.line) for text, e in zip(texts, block.items, strict=True)]


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
        plain(text[:40]).lower().startswith(_EARS_STARTS) and text[:1].isupper()
    )


def _is_ears(text: str) -> bool:
    """# spec: EARS sentences: an optional WHEN/WHILE/IF/WHERE clause, THE … SHALL …"""
    lowered = plain(text).lower()
    return lowered.startswith(_EARS_STARTS) and " shall " in lowered


def of_table(block: Table, place: Place) -> list[Item]:
    """One item a row, from the column named for it; nothing when no column is."""
    header = [fold_label(cell) or cell.strip() for cell in block.rows[0].cells]
    steps = _columns(header, ("given", "when", "then"))
    text_at = next((n for n, name in enumerate(header) if name in words.TEXT_COLUMNS), None)
    id_at = next((n for n, name in enumerate(header) if name in words.ID_COLUMNS), None)
    done_at = next((n for n, name in enumerate(header) if name in words.DONE_COLUMNS), None)
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


def _columns(header: Sequence[str], names: Sequence[str]) -> list[int]:
    return [header.index(name) for name in names if name in header]


def _cell(row: Row, at: int | None) -> str:
    return row.cells[at].strip() if at is not None and at < len(row.cells) else ""


def _with_columns(item: Item, id_cell: str, done_cell: str) -> Item:
    author_id, rest = split_author_id(plain(id_cell))
    if author_id is None and plain(id_cell).lstrip("#").isdecimal() and len(id_cell) <= 6:
        author_id, rest = fold_author_id(f"#{plain(id_cell).lstrip('#')}"), ""
    if author_id is not None and not rest:
        item = replace(item, author_id=author_id)
    done = words.DONE_VALUES.get(done_cell.casefold())
    return item if done is None else replace(item, checked=done)
