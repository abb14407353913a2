"""Symbols that left one file of a pull request and stand in another: moves, not ends. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hookyard.features.manifests import texts
from hookyard.features.manifests.changes import Changed
from hookyard.features.manifests.model import Change, SymbolChange
from hookyard.features.manifests.outline import Version
from hookyard.features.manifests.texts import Body


def across_files(
    found: Sequence[Changed], reread: Callable[[str], Version | None]
) -> list[SymbolChange]:
    """The changes, with pairs of a deleted and an added symbol of the same text made one.

    Only symbols of one kind that share their name or their length are compared; `reread` gives
    the new side of a file for that.
    """
    gone: dict[tuple[str, Body], list[int]] = {}
    likely: set[tuple[str, object]] = set()
    for at, one in enumerate(found):
        body = one.body
        if body is not None and body.size >= texts.TELLING:
            gone.setdefault((one.change.kind, body), []).append(at)
            likely.update(_likely(one))
    moved: dict[int, int] = {}
    for at, one in enumerate(found):
        if one.change.change is Change.ADDED and not likely.isdisjoint(_likely(one)):
            body = _body(one, reread)
            left = gone.get((one.change.kind, body)) if body is not None else None
            if left:
                moved[at] = left.pop(0)
    dropped = set(moved.values())
    return [
        _moved(one.change, found[moved[at]].change) if at in moved else one.change
        for at, one in enumerate(found)
        if at not in dropped
    ]


def _likely(one: Changed) -> set[tuple[str, object]]:
    symbol = one.symbol
    if symbol is None:
        return set()
    return {(symbol.kind, _simple(symbol.name)), (symbol.kind, symbol.end_line - symbol.line)}


def _simple(name: str) -> str:
    return name.rpartition(".")[2]


def _body(one: Changed, reread: Callable[[str], Version | None]) -> Body | None:
    version = reread(one.change.file)
    if one.symbol is None or version is None:
        return None
    return texts.body_of(version, one.symbol)


def _moved(new: SymbolChange, old: SymbolChange) -> SymbolChange:
    is_same = _simple(new.name) == _simple(old.name)
    return replace(
        new,
        change=Change.MOVED if is_same else Change.RENAMED,
        was=f"{old.file}: {old.name}",
        old_lines=old.old_lines,
        deleted=old.deleted,
    )
