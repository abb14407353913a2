"""Acceptance criteria in the words of an issue: Markdown in, items with a reason out. Pure.

Order of trust: a section under a label for criteria; one for tests; one for expected behaviour;
a task list anywhere; Given/When/Then anywhere; nothing. Nothing is ever made up.
"""

from hookyard.features.checklists.align import number_items
from hookyard.features.checklists.blocks import parse_blocks
from hookyard.features.checklists.model import Confidence, Extraction, Item
from hookyard.features.checklists.sections import Findings, Section, find_sections
from hookyard.features.checklists.text import bounded

MAX_ITEMS = 200


def extract(body: str) -> Extraction:
    """The criteria of a text. Never raises; reads no more than `bounded` leaves of it."""
    text, was_cut = bounded(body)
    blocks, is_too_deep = parse_blocks(text)
    confidence, reason, items = _choose(find_sections(blocks))
    if was_cut:
        reason += f"; only the first {len(text.encode()):,} bytes were read"
    if is_too_deep:
        reason += "; the deepest of the nested lists were not read"
    if len(items) > MAX_ITEMS:
        reason += f"; the first {MAX_ITEMS} of {len(items):,} items are kept"
    cut = was_cut or is_too_deep or len(items) > MAX_ITEMS
    return Extraction(confidence, reason, number_items(items[:MAX_ITEMS]), cut)


def _choose(found: Findings) -> tuple[Confidence, str, list[Item]]:
    full = [section for section in found.sections if section.items]
    full = full or [section for section in found.quoted if section.items]
    tests = [section for section in full if section.kind == "tests"]
    for kind, confidence in (("criteria", Confidence.HIGH), ("weak", Confidence.LOW)):
        if any(section.kind == kind for section in full):
            used = [section for section in full if section.kind in (kind, "tests")]
            return confidence, f"under {_named(used)}", _items(used)
    if tests:
        return Confidence.MEDIUM, f"no criteria, but tests under {_named(tests)}", _items(tests)
    if found.tasks:
        reason = "no section of criteria; taken from the task list in the text"
        return Confidence.MEDIUM, reason, found.tasks
    if found.scenarios:
        reason = "no section of criteria; taken from Given/When/Then in the text"
        return Confidence.MEDIUM, reason, found.scenarios
    return Confidence.NONE, _why_none(found.sections or found.quoted), []


def _items(sections: list[Section]) -> list[Item]:
    found = [item for section in sections for item in section.items]
    return sorted(found, key=lambda item: item.line)


def _named(sections: list[Section]) -> str:
    names = [f"“{section.label[:60]}” (line {section.line})" for section in sections[:3]]
    more = f" and {len(sections) - 3} more" if len(sections) > 3 else ""
    return ", ".join(names) + more


def _why_none(sections: list[Section]) -> str:
    if sections:
        return f"{_named(sections)} holds no list, table, scenario or numbered statement"
    return (
        "no section such as “Acceptance criteria”, no task list and no Given/When/Then in the text"
    )
