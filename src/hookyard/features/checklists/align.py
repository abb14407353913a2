"""Ids that survive edits: matches the items of an edited text to the criteria already kept. Pure.

An id (`T1`, `T2`, …) belongs to one criterion of one issue for ever and is never given again.
Matching goes by (1) the id the author wrote, (2) the same words, first in the same group, then
anywhere, (3) similarity of at least 0.75 in the same group, keeping the order, (4) else the item
is new and the criterion that found no item is retired. Each change of words, of the group they
stand in or of their details raises the criterion's revision; `meaning` says what that does to
its evidence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookyard.features.checklists.meaning import is_reworded
from hookyard.features.checklists.model import Criterion, Item
from hookyard.features.checklists.similarity import Likeness, likeness
from hookyard.features.checklists.text import normal

SIMILAR = 0.75
# why: comparing every pair of two long lists would hold up other work; order is kept anyway, so
# pairs far from the diagonal are the least likely.
MAX_PAIRS = 10_000

_OWN_ID = re.compile(r"T-?([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Alignment:
    """The list as it stands now, in order of the text, and what changed.

    `retired` are the criteria that were dropped; `changed` says whether anything a reader of the
    list could see is different from before.
    """

    criteria: tuple[Criterion, ...]
    retired: tuple[Criterion, ...]
    added: tuple[str, ...]
    revised: tuple[str, ...]
    next_id: int
    changed: bool


def number_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items with the ids they get where nothing is kept yet."""
    fresh, _ = _fresh_ids(items, range(len(items)), 1)
    return tuple(replace(item, id=fresh[index]) for index, item in enumerate(items))


def align(standing: Sequence[Criterion], items: Sequence[Item], next_id: int) -> Alignment:
    """The criteria of the edited text. `next_id` is the lowest number never given so far."""
    pairs = _match(standing, items)
    unmatched = [index for index in range(len(items)) if index not in pairs]
    fresh, next_id = _fresh_ids(items, unmatched, next_id)
    criteria: list[Criterion] = []
    revised: list[str] = []
    for index, item in enumerate(items):
        before = standing[pairs[index]] if index in pairs else None
        criterion = _carry(before, item, fresh.get(index, ""))
        if before is not None and criterion.revision != before.revision:
            revised.append(criterion.id)
        criteria.append(criterion)
    kept = set(pairs.values())
    return Alignment(
        criteria=tuple(criteria),
        retired=tuple(c for n, c in enumerate(standing) if n not in kept),
        added=tuple(fresh[index] for index in unmatched),
        revised=tuple(revised),
        next_id=next_id,
        changed=[_seen(c) for c in criteria] != [_seen(c) for c in standing],
    )


def _seen(criterion: Criterion) -> Criterion:
    return replace(criterion, line=0)


def _carry(before: Criterion | None, item: Item, fresh_id: str) -> Criterion:
    now = Criterion(
        id=fresh_id,
        text=item.text,
        checked=item.checked,
        group=item.group,
        line=item.line,
        kind=item.kind,
        author_id=item.author_id,
        purpose=item.purpose,
        struck=item.struck,
        detail=item.detail,
        depth=item.depth,
    )
    if before is None:
        return now
    reworded = is_reworded(before, (item.text, item.group, item.detail))
    return replace(
        now,
        id=before.id,
        revision=before.revision + reworded,
        meaning=before.meaning,
        evidence_from=before.evidence_from,
        earlier=before.earlier,
        decided=before.decided,
    )


def _fresh_ids(
    items: Sequence[Item], unmatched: Sequence[int], next_id: int
) -> tuple[dict[int, str], int]:
    """Ids for new items: the author's own `T7` where it was never given, else the next number."""
    taken: dict[int, int] = {}
    for index in unmatched:
        own = _OWN_ID.fullmatch(items[index].author_id or "")
        number = int(own[1]) if own else 0
        if number >= next_id:
            taken.setdefault(number, index)
    ids = {index: f"T{number}" for number, index in taken.items()}
    number = next_id
    for index in unmatched:
        if index not in ids:
            while number in taken:
                number += 1
            ids[index] = f"T{number}"
            number += 1
    return ids, max([number, *(n + 1 for n in taken)])


def _match(standing: Sequence[Criterion], items: Sequence[Item]) -> dict[int, int]:
    """Index of item → index of the criterion it is."""
    pairs: dict[int, int] = {}
    _match_author_ids(standing, items, pairs)
    norms = [normal(c.text) for c in standing], [normal(item.text) for item in items]
    groups = [normal(c.group) for c in standing], [normal(item.group) for item in items]
    in_group = [list(zip(g, n, strict=True)) for g, n in zip(groups, norms, strict=True)]
    _match_equal(in_group[0], in_group[1], pairs)
    _match_equal(norms[0], norms[1], pairs)
    _match_similar(_Side(*(s[0] for s in (norms, groups))), _Side(norms[1], groups[1]), pairs)
    return pairs


def _match_author_ids(
    standing: Sequence[Criterion], items: Sequence[Item], pairs: dict[int, int]
) -> None:
    names: dict[str, int] = {}
    for n, criterion in enumerate(standing):
        if criterion.author_id is not None:
            names.setdefault(criterion.author_id, n)
    for n, criterion in enumerate(standing):
        names.setdefault(criterion.id, n)
    for index, item in enumerate(items):
        found = names.get(item.author_id) if item.author_id is not None else None
        if found is not None and found not in pairs.values():
            pairs[index] = found


def _match_equal(before: Sequence[object], after: Sequence[object], pairs: dict[int, int]) -> None:
    """Pair equal values in order, each at most once."""
    used = set(pairs.values())
    waiting: dict[object, list[int]] = {}
    for n in reversed(range(len(before))):
        if n not in used:
            waiting.setdefault(before[n], []).append(n)
    for index, value in enumerate(after):
        if index not in pairs and waiting.get(value):
            pairs[index] = waiting[value].pop()


@dataclass(frozen=True, slots=True)
class _Side:
    texts: Sequence[str]
    groups: Sequence[str]


def _match_similar(before: _Side, after: _Side, pairs: dict[int, int]) -> None:
    """Pair what is left by likeness within one group, order kept, likest overall."""
    used = set(pairs.values())
    old = [n for n in range(len(before.texts)) if n not in used]
    new = [n for n in range(len(after.texts)) if n not in pairs]
    old_likeness = {n: likeness(before.texts[n]) for n in old}
    group_likeness = {group: likeness(group) for group in {*before.groups, *after.groups}}
    same_group = {
        (left, right): _is_same_group(group_likeness[left], group_likeness[right])
        for left in {before.groups[n] for n in old}
        for right in {after.groups[n] for n in new}
    }
    table: list[list[float]] = []
    reach = MAX_PAIRS // (2 * max(1, len(new)))
    for row_at, index in enumerate(new):
        mine = likeness(after.texts[index])
        middle = row_at * len(old) // len(new)
        row = [0.0] * len(old)
        for column_at in range(max(0, middle - reach), min(len(old), middle + reach + 1)):
            n = old[column_at]
            if same_group[before.groups[n], after.groups[index]]:
                score = old_likeness[n].to(mine)
                row[column_at] = score if score >= SIMILAR else 0.0
        table.append(row)
    for row_at, column_at in _best_in_order(table):
        pairs[new[row_at]] = old[column_at]


def _is_same_group(left: Likeness, right: Likeness) -> bool:
    return left.text == right.text or (bool(left.text and right.text) and left.to(right) >= SIMILAR)


def _best_in_order(table: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column), both rising, with the greatest sum of scores; 0 never pairs."""
    rows = len(table)
    columns = len(table[0]) if rows else 0
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for r in range(rows - 1, -1, -1):
        for c in range(columns - 1, -1, -1):
            score = table[r][c]
            paired = best[r + 1][c + 1] + score if score else 0.0
            best[r][c] = max(paired, best[r + 1][c], best[r][c + 1])
    found: list[tuple[int, int]] = []
    r = c = 0
    while r < rows and c < columns:
        if table[r][c] and best[r][c] == best[r + 1][c + 1] + table[r][c]:
            found.append((r, c))
            r, c = r + 1, c + 1
        elif best[r][c] == best[r + 1][c]:
            r += 1
        else:
            c += 1
    return found
