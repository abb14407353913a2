"""Which symbols a file's changed lines belong to, on both sides, and what became of each. Pure."""

from dataclasses import dataclass

from hookyard.features.manifests import texts
from hookyard.features.manifests.diffs import FileDiff, spans
from hookyard.features.manifests.headers import from_headers
from hookyard.features.manifests.languages import is_public
from hookyard.features.manifests.model import TOP_LEVEL, Change, Precision, SymbolChange
from hookyard.features.manifests.outline import Symbol, Version
from hookyard.features.manifests.pairing import Pairing, is_container
from hookyard.features.manifests.sides import Side, side_of
from hookyard.features.manifests.texts import Body, Marks

_COMPARED = 50


@dataclass(frozen=True, slots=True)
class Changed:
    """A change, for comparing files with the symbol where it is now; of one that was deleted,
    where and what it was. Trees are not kept: hundreds of them would fill the memory."""

    change: SymbolChange
    symbol: Symbol | None = None
    body: Body | None = None


def changed_symbols(
    diff: FileDiff, head: Version | None, base: Version | None
) -> tuple[Changed, ...]:
    """The changed symbols of a file, in order of the new side, then of the old.

    With no version at all, the headers of the hunks have to do.
    """
    if head is None and base is None:
        return tuple(Changed(change) for change in from_headers(diff))
    runs = spans(diff.hunks)
    after = [(run.new_row, run.new_row + run.new_count + 1) for run in runs]
    before = [(run.old_row, run.old_row + run.old_count + 1) for run in runs]
    new = side_of(head, diff.added_lines, after)
    old = side_of(base, diff.deleted_lines, before)
    pairing = Pairing(runs, frozenset(diff.added), new, old)
    return _Comparison(diff, new, old, pairing).changes()


class _Comparison:
    """The two sides of one file, paired."""

    def __init__(self, diff: FileDiff, new: Side, old: Side, pairing: Pairing) -> None:
        self._diff = diff
        self._new = new
        self._old = old
        self._pairing = pairing
        lacks_old = old.version is None and bool(diff.deleted)
        lacks_new = new.version is None and bool(diff.added)
        self._only_added = old.version is None and not diff.deleted
        self._precision = Precision.ONE_SIDE if lacks_old or lacks_new else Precision.SYNTAX

    def changes(self) -> tuple[Changed, ...]:
        """Every symbol that owns a changed line, and what became of it."""
        pairs = self._pairing.pairs
        partners = set(pairs.values())
        places: list[tuple[int | None, int | None]] = [
            (index, pairs.get(index))
            for index in range(len(self._new.symbols))
            if index in self._new.owned or pairs.get(index) in self._old.owned
        ]
        places += [(None, index) for index in sorted(self._old.owned) if index not in partners]
        kinds = [self._kind(new, old) for new, old in places]
        marks = self._marks(places, kinds)
        found = [
            self._change(place, kind, marks.get(place, Marks()))
            for place, kind in zip(places, kinds, strict=True)
        ]
        return (*found, *self._loose())

    def _marks(
        self, places: list[tuple[int | None, int | None]], kinds: list[Change]
    ) -> dict[tuple[int | None, int | None], Marks]:
        """Marks of symbols that may lack tests: those that really changed, and hold no others."""
        found: dict[tuple[int | None, int | None], Marks] = {}
        for side, at in ((self._new, 0), (self._old, 1)):
            wanted = {
                index: place
                for place, kind in zip(places, kinds, strict=True)
                for index in [place[at] if at == 0 or place[0] is None else None]
                if index is not None and kind.is_real and not is_container(side.symbols[index])
            }
            if side.version is not None and wanted:
                marks = texts.marks_of(side.version, side.symbols, list(wanted))
                found |= {wanted[index]: one for index, one in marks.items()}
        return found

    def _change(self, place: tuple[int | None, int | None], kind: Change, marks: Marks) -> Changed:
        new = None if place[0] is None else self._new.symbols[place[0]]
        old = None if place[1] is None else self._old.symbols[place[1]]
        side, symbol = (self._new, new) if new is not None else (self._old, old)
        assert symbol is not None and side.version is not None  # noqa: S101  one was given
        signature = texts.signature_of(side.version, symbol)
        change = SymbolChange(
            file=self._diff.path,
            name=symbol.name,
            kind=symbol.kind,
            change=kind,
            precision=self._precision,
            lines=(new.line, new.end_line) if new else None,
            old_lines=(old.line, old.end_line) if old else None,
            added=tuple(self._new.owned.get(-1 if place[0] is None else place[0], ())),
            deleted=tuple(self._old.owned.get(-1 if place[1] is None else place[1], ())),
            was=old.name if new and old and old.name != new.name else "",
            signature_changed=self._signature_changed(new, old),
            is_public=is_public(side.version.language.name, symbol.name, signature),
            boundaries=marks.boundaries,
            complexity=marks.complexity,
        )
        body = None
        if kind is Change.DELETED and place[1] is not None:
            body = self._pairing.body(place[1], is_new=False)
        return Changed(change, symbol, body)

    def _kind(self, new_index: int | None, old_index: int | None) -> Change:
        if new_index is None:
            return Change.DELETED
        new = self._new.symbols[new_index]
        if old_index is None:
            return self._alone(new_index, new)
        old = self._old.symbols[old_index]
        if new.name != old.name:
            return Change.RENAMED
        if self._surely_modified(new_index, old_index) or self._signature_changed(new, old):
            return Change.MODIFIED
        if self._pairing.body(new_index, is_new=True) != self._pairing.body(
            old_index, is_new=False
        ):
            return Change.MODIFIED
        return Change.MOVED if self._pairing.old_line(new.line) != old.line else Change.LAYOUT

    def _alone(self, index: int, new: Symbol) -> Change:
        """What became of a symbol that has no partner, perhaps since no old side was read."""
        if self._precision is Precision.SYNTAX and not self._only_added:
            return Change.ADDED
        added = self._new.owned.get(index, [])
        if self._name_line(new) in added:
            return Change.ADDED
        if self._precision is Precision.SYNTAX and not any(map(self._is_code, added)):
            return Change.LAYOUT
        return Change.MODIFIED

    def _name_line(self, new: Symbol) -> int:
        """The line that the symbol's name is on."""
        source = self._new.version.source if self._new.version else b""
        return new.line + source.count(b"\n", new.start, new.name_start)

    def _is_code(self, number: int) -> bool:
        line = self._new.line(number)
        version = self._new.version
        return (
            bool(line.strip()) and version is not None and texts.is_code(version, number - 1, line)
        )

    def _signature_grew(self, new: Symbol) -> bool:
        """Whether lines were added to a signature, where no old side was read."""
        source = self._new.version.source if self._new.version else b""
        first = new.line + source.count(b"\n", new.start, new.own_start)
        rows = source[new.own_start : new.body_start].split(b"\n")
        added = set(self._diff.added)
        return any(
            number in added and bool(text.strip()) and self._is_code(number)
            for number, text in enumerate(rows, first)
        )

    def _surely_modified(self, new_index: int, old_index: int) -> bool:
        """Whether a changed line of code has no equal among the other side's changed lines.

        What is not sure is found by comparing the texts, which costs more.
        """
        came = self._new.owned.get(new_index, [])[:_COMPARED]
        gone = self._old.owned.get(old_index, [])[:_COMPARED]
        now = {self._new.line(n).strip() for n in came}
        before = {self._old.line(n).strip() for n in gone}
        for side, lines, other in ((self._new, came, before), (self._old, gone, now)):
            for number in lines:
                line = side.line(number)
                bare = line.strip()
                if not bare or bare in other or side.version is None:
                    continue
                if texts.is_code(side.version, number - 1, line):
                    return True
        return False

    def _signature_changed(self, new: Symbol | None, old: Symbol | None) -> bool:
        after, before = self._new.version, self._old.version
        if new is not None and self._only_added:
            return self._name_line(new) not in self._diff.added and self._signature_grew(new)
        if new is None or old is None or after is None or before is None:
            return False
        if texts.raw_signature(after, new) == texts.raw_signature(before, old):
            return False
        simple = [s.name.rpartition(".")[2] for s in (new, old)]
        former = texts.signature_of(before, old).replace(simple[1], simple[0], 1)
        return texts.signature_of(after, new) != former

    def _loose(self) -> list[Changed]:
        """Changed lines outside every symbol, blank and comment lines left out."""
        added, deleted = self._new.telling(), self._old.telling()
        if not added and not deleted:
            return []
        change = SymbolChange(
            file=self._diff.path,
            name=TOP_LEVEL,
            kind="file",
            change=Change.MODIFIED,
            precision=self._precision,
            lines=(added[0], added[-1]) if added else None,
            old_lines=(deleted[0], deleted[-1]) if deleted else None,
            added=tuple(added),
            deleted=tuple(deleted),
        )
        return [Changed(change)]
