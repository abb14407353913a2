"""Which symbol of the new side is which of the old one. Pure.

Symbols are the same when name and kind are; where several share a name, by their signatures, then
by order. Of what is left, a new one is an old one renamed when what holds them was renamed, when
their texts are equal, or when a line in the new one is an unchanged line of the old one.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from hookyard.features.manifests import texts
from hookyard.features.manifests.diffs import Span
from hookyard.features.manifests.outline import CONTAINERS, Symbol
from hookyard.features.manifests.sides import Side, owner_of
from hookyard.features.manifests.texts import Body

_LOOKED_AT = 2_000


class Pairing:
    """The pairs of two sides: index of the new symbol → index of the old one."""

    def __init__(self, runs: Sequence[Span], added: frozenset[int], new: Side, old: Side) -> None:
        self._runs = runs
        self._rows = [run.new_row for run in runs]
        self._added = added
        self._new = new
        self._old = old
        self._bodies: dict[tuple[bool, int], Body] = {}
        self.pairs: dict[int, int] = {}
        self._by_name()
        self._by_rename()

    def old_line(self, line: int) -> int:
        """Where an unchanged line of the new side was on the old one."""
        at = bisect_right(self._rows, line - 1)
        return line + sum(run.old_count - run.new_count for run in self._runs[:at])

    def body(self, index: int, *, is_new: bool) -> Body:
        """The text of a symbol, worked out once."""
        found = self._bodies.get((is_new, index))
        if found is None:
            side = self._new if is_new else self._old
            assert side.version is not None  # noqa: S101  without one there are no symbols
            found = texts.body_of(side.version, side.symbols[index])
            self._bodies[is_new, index] = found
        return found

    def _by_name(self) -> None:
        names: dict[tuple[str, bool], list[int]] = {}
        for index, symbol in enumerate(self._old.symbols):
            names.setdefault(_key(symbol), []).append(index)
        count = Counter(_key(symbol) for symbol in self._new.symbols)
        for index, symbol in enumerate(self._new.symbols):
            left = names.get(_key(symbol), [])
            is_overloaded = count[_key(symbol)] > 1 or len(left) > 1
            chosen = self._same_signature(index, left) if is_overloaded and left else None
            if chosen is not None:
                self.pairs[index] = chosen
                left.remove(chosen)
        for index, symbol in enumerate(self._new.symbols):
            left = names.get(_key(symbol), [])
            if left and index not in self.pairs:
                self.pairs[index] = left.pop(0)

    def _same_signature(self, index: int, left: Sequence[int]) -> int | None:
        new, old = self._new.version, self._old.version
        if new is None or old is None:
            return None
        wanted = texts.signature_of(new, self._new.symbols[index])
        for place in left:
            if texts.signature_of(old, self._old.symbols[place]) == wanted:
                return place
        return None

    def _by_rename(self) -> None:
        """Containers first, so that what they hold can follow them."""
        taken = set(self.pairs.values())
        left = [i for i in sorted(self._old.owned) if i not in taken]
        fresh = [i for i in sorted(self._new.owned) if i not in self.pairs]
        renamed: dict[str, str] = {}
        for index in sorted(fresh, key=lambda i: not is_container(self._new.symbols[i])):
            place = self._renamed_from(index, left, renamed) if left else None
            if place is not None:
                self.pairs[index] = place
                left.remove(place)
                renamed[self._new.symbols[index].name] = self._old.symbols[place].name

    def _renamed_from(self, index: int, left: list[int], renamed: dict[str, str]) -> int | None:
        symbol = self._new.symbols[index]
        like = [p for p in left if is_container(self._old.symbols[p]) == is_container(symbol)]
        holder, _, simple = symbol.name.rpartition(".")
        if holder in renamed:
            wanted = f"{renamed[holder]}.{simple}"
            for place in like:
                if self._old.symbols[place].name == wanted:
                    return place
        for place in like:
            body = self.body(index, is_new=True)
            if body.size >= texts.TELLING and self.body(place, is_new=False) == body:
                return place
        kept = self._kept_line_of(symbol)
        found = None if kept is None else owner_of(self._old.symbols, kept)
        return found if found in like else None

    def _kept_line_of(self, symbol: Symbol) -> int | None:
        """The old number of a line in the symbol, past its first, that did not change."""
        for line in range(symbol.line + 1, min(symbol.end_line, symbol.line + _LOOKED_AT)):
            if line not in self._added:
                return self.old_line(line)
        return None


def is_container(symbol: Symbol) -> bool:
    """Whether a symbol holds others, as classes do."""
    return symbol.kind in CONTAINERS


def _key(symbol: Symbol) -> tuple[str, bool]:
    return symbol.name, is_container(symbol)
