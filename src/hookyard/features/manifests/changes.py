"""Which symbols a file's changed lines belong to, on both sides. Pure.

Lines belong to the innermost symbol around them. Symbols of the two sides are the same when name
and kind are; where several share a name, by their signatures, then by order. What is left over is
a rename when its text, or a line that did not change, says so; else it was added or deleted.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.features.manifests import texts
from hookyard.features.manifests.diffs import FileDiff, Span, spans
from hookyard.features.manifests.languages import is_public
from hookyard.features.manifests.model import Change, Precision, SymbolChange
from hookyard.features.manifests.outline import CONTAINERS, Symbol, Version, symbols_near
from hookyard.features.manifests.texts import Text

TOP_LEVEL = "(top level)"
MAX_RANGES = 200


@dataclass(slots=True)
class _Side:
    """One version: its symbols near the changes, and the changed lines each of them owns."""

    version: Version | None
    symbols: tuple[Symbol, ...]
    owned: dict[int, list[int]]
    loose: list[int]


def changed_symbols(
    diff: FileDiff, head: Version | None, base: Version | None, *, cases: bool = False
) -> tuple[SymbolChange, ...]:
    """The changed symbols of a file, in order of the new side, then of the old.

    `cases` also counts test cases that are calls with a title (`it("…", …)`). With no version at
    all, the headers of the hunks have to do.
    """
    if head is None and base is None:
        return from_headers(diff)
    runs = spans(diff.hunks)
    new = _side(head, diff.added, [(s.new_row, s.new_row + s.new_count + 1) for s in runs], cases)
    old = _side(base, diff.deleted, [(s.old_row, s.old_row + s.old_count + 1) for s in runs], cases)
    return _Comparison(diff, runs, new, old).changes()


def _side(
    version: Version | None,
    lines: Sequence[int],
    ranges: Sequence[tuple[int, int]],
    cases: bool,
) -> _Side:
    if version is None:
        return _Side(None, (), {}, [])
    if len(ranges) > MAX_RANGES:
        ranges = [(ranges[0][0], ranges[-1][1])]
    found = symbols_near(version, ranges)
    symbols = tuple(s for s in found if cases or s.kind != "case")
    side = _Side(version, symbols, {}, [])
    for line in lines:
        owner = owner_of(symbols, line)
        if owner is None:
            side.loose.append(line)
        else:
            side.owned.setdefault(owner, []).append(line)
    return side


def owner_of(symbols: Sequence[Symbol], line: int) -> int | None:
    """The index of the innermost symbol around a line."""
    found = None
    for index, symbol in enumerate(symbols):
        if symbol.line > line:
            break
        if symbol.holds(line):
            found = index
    return found


class _Comparison:
    """The two sides of one file."""

    def __init__(self, diff: FileDiff, runs: Sequence[Span], new: _Side, old: _Side) -> None:
        self._diff = diff
        self._runs = runs
        self._new = new
        self._old = old
        self._texts: dict[tuple[bool, int], Text] = {}

    def changes(self) -> tuple[SymbolChange, ...]:
        """Every symbol that owns a changed line, and what became of it."""
        pairs = self._pairs()
        partners = {old: new for new, old in pairs.items()}
        found: list[SymbolChange] = []
        for index in range(len(self._new.symbols)):
            partner = pairs.get(index)
            if index in self._new.owned or (partner is not None and partner in self._old.owned):
                found.append(self._change(index, partner))
        found.extend(self._change(None, i) for i in sorted(self._old.owned) if i not in partners)
        found.extend(self._loose())
        return tuple(found)

    def _pairs(self) -> dict[int, int]:
        pairs: dict[int, int] = {}
        names: dict[tuple[str, bool], list[int]] = {}
        for index, symbol in enumerate(self._old.symbols):
            names.setdefault(_key(symbol), []).append(index)
        for index, symbol in enumerate(self._new.symbols):
            left = names.get(_key(symbol), [])
            if left:
                chosen = self._same_signature(index, left) if len(left) > 1 else left[0]
                if chosen is not None:
                    pairs[index] = chosen
                    left.remove(chosen)
        for index, symbol in enumerate(self._new.symbols):
            left = names.get(_key(symbol), [])
            if left and index not in pairs:
                pairs[index] = left.pop(0)
        self._pair_renamed(pairs)
        return pairs

    def _same_signature(self, index: int, left: Sequence[int]) -> int | None:
        new, old = self._new.version, self._old.version
        if new is None or old is None:
            return None
        wanted = texts.signature_of(new, self._new.symbols[index])
        for place in left:
            if texts.signature_of(old, self._old.symbols[place]) == wanted:
                return place
        return None

    def _pair_renamed(self, pairs: dict[int, int]) -> None:
        """Pair what is left over: containers first, so that what they hold can follow them."""
        taken = set(pairs.values())
        left = [i for i in sorted(self._old.owned) if i not in taken]
        fresh = [i for i in sorted(self._new.owned) if i not in pairs]
        renamed: dict[str, str] = {}
        order = sorted(fresh, key=lambda i: self._new.symbols[i].kind not in CONTAINERS)
        for index in order:
            place = self._renamed_from(index, left, renamed)
            if place is not None:
                pairs[index] = place
                left.remove(place)
                renamed[self._new.symbols[index].name] = self._old.symbols[place].name

    def _renamed_from(self, index: int, left: list[int], renamed: dict[str, str]) -> int | None:
        symbol = self._new.symbols[index]
        like = [p for p in left if _is_container(self._old.symbols[p]) == _is_container(symbol)]
        holder, _, simple = symbol.name.rpartition(".")
        if holder in renamed:
            wanted = f"{renamed[holder]}.{simple}"
            for place in like:
                if self._old.symbols[place].name == wanted:
                    return place
        text = self._text(index, is_new=True)
        for place in like:
            other = self._text(place, is_new=False)
            if text.size >= texts.TELLING and other.body == text.body:
                return place
        came_from = self._kept_line_of(symbol)
        if came_from is None:
            return None
        place_of = owner_of(self._old.symbols, came_from)
        return place_of if place_of in like else None

    def _kept_line_of(self, symbol: Symbol) -> int | None:
        """The old number of a line in the symbol, past its first, that did not change."""
        added = set(self._diff.added)
        for line in range(symbol.line + 1, min(symbol.end_line, symbol.line + 2000)):
            if line not in added:
                return self._old_line(line)
        return None

    def _old_line(self, line: int) -> int:
        at = bisect_right([s.new_row for s in self._runs], line - 1)
        return line + sum(s.old_count - s.new_count for s in self._runs[:at])

    def _text(self, index: int, *, is_new: bool) -> Text:
        known = self._texts.get((is_new, index))
        if known is not None:
            return known
        side = self._new if is_new else self._old
        version, symbol = side.version, side.symbols[index]
        assert version is not None  # noqa: S101  a side without a version has no symbols
        parts: Sequence[Symbol] = side.symbols
        if symbol.kind in CONTAINERS:
            parts = symbols_near(version, [(symbol.line, symbol.end_line)])
        text = texts.text_of(version, symbol, parts)
        self._texts[is_new, index] = text
        return text

    def _change(self, new_index: int | None, old_index: int | None) -> SymbolChange:
        new = None if new_index is None else self._new.symbols[new_index]
        old = None if old_index is None else self._old.symbols[old_index]
        symbol = new or old
        assert symbol is not None  # noqa: S101  one of the two was given
        text = self._text(new_index, is_new=True) if new_index is not None else None
        before = self._text(old_index, is_new=False) if old_index is not None else None
        shown = text or before
        assert shown is not None  # noqa: S101
        version = self._new.version if new else self._old.version
        language = version.language.name if version else ""
        return SymbolChange(
            file=self._diff.path,
            name=symbol.name,
            kind=symbol.kind,
            change=self._kind(new, old, text, before),
            precision=self._precision(),
            lines=(new.line, new.end_line) if new else None,
            old_lines=(old.line, old.end_line) if old else None,
            added=tuple(self._new.owned.get(-1 if new_index is None else new_index, ())),
            deleted=tuple(self._old.owned.get(-1 if old_index is None else old_index, ())),
            was=old.name if new and old and old.name != new.name else "",
            signature_changed=_signature_changed(new, old, text, before),
            is_public=is_public(language, symbol.name, shown.signature),
            boundaries=shown.boundaries,
            complexity=shown.complexity,
            print=shown.body.hex() if shown.size >= texts.TELLING else "",
        )

    def _precision(self) -> Precision:
        lacks_old = self._old.version is None and bool(self._diff.deleted)
        lacks_new = self._new.version is None and bool(self._diff.added)
        return Precision.ONE_SIDE if lacks_old or lacks_new else Precision.SYNTAX

    def _kind(
        self, new: Symbol | None, old: Symbol | None, text: Text | None, before: Text | None
    ) -> Change:
        if new is None:
            return Change.DELETED
        if old is None or text is None or before is None:
            is_known = self._precision() is Precision.SYNTAX
            added = set(self._diff.added)
            whole = all(n in added for n in range(new.line, new.end_line + 1))
            return Change.ADDED if is_known or whole else Change.MODIFIED
        if text.body != before.body or _signature_changed(new, old, text, before):
            return Change.MODIFIED if new.name == old.name else Change.RENAMED
        if new.name != old.name:
            return Change.RENAMED
        return Change.MOVED if self._old_line(new.line) != old.line else Change.LAYOUT

    def _loose(self) -> list[SymbolChange]:
        """Changed lines outside every symbol, blank and comment lines left out."""
        added = _telling(self._new)
        deleted = _telling(self._old)
        if not added and not deleted:
            return []
        return [
            SymbolChange(
                file=self._diff.path,
                name=TOP_LEVEL,
                kind="file",
                change=Change.MODIFIED,
                precision=self._precision(),
                lines=(added[0], added[-1]) if added else None,
                old_lines=(deleted[0], deleted[-1]) if deleted else None,
                added=tuple(added),
                deleted=tuple(deleted),
            )
        ]


def _telling(side: _Side) -> list[int]:
    if side.version is None:
        return []
    comment = side.version.language.comment.encode()
    found = []
    for line in side.loose:
        start, end = side.version.bytes_of(line, line)
        bare = side.version.source[start:end].strip()
        if bare and not bare.startswith((comment, b"*", b"/*")):
            found.append(line)
    return found


def _key(symbol: Symbol) -> tuple[str, bool]:
    return symbol.name, _is_container(symbol)


def _is_container(symbol: Symbol) -> bool:
    return symbol.kind in CONTAINERS


def _signature_changed(
    new: Symbol | None, old: Symbol | None, text: Text | None, before: Text | None
) -> bool:
    if new is None or old is None or text is None or before is None:
        return False
    simple = [s.name.rpartition(".")[2] for s in (new, old)]
    return text.signature != before.signature.replace(simple[1], simple[0], 1)


_NAMED = (
    re.compile(
        r"\b(?:def|class|func|function|fn|fun|sub|proc|struct|enum|trait|interface|module|"
        r"impl|type|namespace|object|protocol|extension)\s+(?:\([^)]{0,80}\)\s*)?"
        r"([A-Za-z_$][\w$.:]{0,100})"
    ),
    re.compile(r"([A-Za-z_$~][\w$.:~]{0,100})\s*(?:=\s*(?:async\s*)?)?\("),
)


def from_headers(diff: FileDiff) -> tuple[SymbolChange, ...]:
    """Symbols as the hunks' headers name them: the last one that began above each hunk."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for hunk in diff.hunks:
        added, deleted = found.setdefault(_header_name(hunk.context), ([], []))
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


def _header_name(context: str) -> str:
    for pattern in _NAMED:
        match = pattern.search(context)
        if match:
            return match[1].rstrip(":.").replace("::", ".")
    return context[:80] or TOP_LEVEL
