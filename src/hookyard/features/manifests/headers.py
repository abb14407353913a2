"""Symbols as the headers of hunks name them, for files whose syntax is not read. Pure.

git writes there the last line above the hunk that looks like a beginning; it names where the
change most likely is, not where it surely is.
"""

import re

from hookyard.features.manifests.diffs import FileDiff
from hookyard.features.manifests.model import TOP_LEVEL, Change, Precision, SymbolChange

_NAMED = (
    re.compile(
        r"\b(?:def|class|func|function|fn|fun|sub|proc|struct|enum|trait|interface|module|impl|type"
        r"|namespace|object|protocol|extension)\s+(?:\([^)]{0,80}\)\s*)?"
        r"([A-Za-z_$][\w$.:]{0,100})"
    ),
    re.compile(r"([A-Za-z_$~][\w$.:~]{0,100})\s*(?:=\s*(?:async\s*)?)?\("),
)


def from_headers(diff: FileDiff) -> tuple[SymbolChange, ...]:
    """One symbol for each name in the headers, with the lines of its hunks."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for hunk in diff.hunks:
        added, deleted = found.setdefault(name_in(hunk.context), ([], []))
        added.extend(hunk.added)
        deleted.extend(hunk.deleted)
    return tuple(
        SymbolChange(
            file=diff.path,
            name=name,
            kind="file" if name == TOP_LEVEL else "context",
            change=Change.MODIFIED,
            precision=Precision.HUNK,
            lines=(min(added), max(added)) if added else None,
            old_lines=(min(deleted), max(deleted)) if deleted else None,
            added=tuple(added),
            deleted=tuple(deleted),
        )
        for name, (added, deleted) in sorted(found.items())
        if added or deleted
    )


def name_in(context: str) -> str:
    """The name of what a header's line begins; the line itself when it holds none we know."""
    for pattern in _NAMED:
        match = pattern.search(context)
        if match:
            return match[1].rstrip(":.").replace("::", ".")
    return context[:80] or TOP_LEVEL
