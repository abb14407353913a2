"""From criteria and gaps to suggestions, by templates; the same input gives the same words. Pure.

A criterion goes to the gap it shares most words with (names of symbol and file against its text);
without any it goes to no gap, and its test beside the largest one. Gaps that no criterion took are
suggested by themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.features.manifests import skeletons
from hookyard.features.manifests.frameworks import Framework, framework_of
from hookyard.features.manifests.gaps import Gap
from hookyard.features.manifests.languages import language_of
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.manifests.targets import Layout

MAX_SUGGESTIONS = 200
_STOP = frozenset(
    re.findall(
        r"\S+",
        """
        a an and are as at be by can do does for from get given has have if in init into is it its
        main must new not of on one or py set shall should src test tests that the then this to
        user users when which will with without
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One test to write. `gap` is the rank of its gap, None where no gap fits."""

    criterion: OpenCriterion | None
    gap: int | None
    why: str
    framework: Framework
    target: str
    name: str
    skeleton: str
    boundaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What suggestions stand on: ranked gaps, and what the repository looks like.

    `homes` has, for each gap, the test file that its symbol's tests are in, or "".
    """

    gaps: tuple[Gap, ...]
    homes: tuple[str, ...]
    layout: Layout
    names: frozenset[str]
    texts: Mapping[str, str]
    sources: tuple[str, ...]


def suggest(criteria: Sequence[OpenCriterion], ground: Ground) -> tuple[Suggestion, ...]:
    """Criteria first, in order of issue and id; then the gaps that are left, by rank."""
    bags = [_bag(gap) for gap in ground.gaps]
    weights = _weights(bags)
    ordered = sorted(criteria, key=_criterion_order)
    many = len({one.issue for one in ordered}) > 1
    found: list[Suggestion] = []
    taken: set[int] = set()
    for criterion in ordered[:MAX_SUGGESTIONS]:
        rank, shared = _closest(criterion, bags, weights)
        if rank is not None:
            taken.add(rank)
        found.append(_for_criterion(criterion, rank, shared, ground, many=many))
    for rank in range(len(ground.gaps)):
        if rank not in taken and len(found) < MAX_SUGGESTIONS:
            found.append(_for_gap(rank, ground))
    return tuple(found)


def _criterion_order(one: OpenCriterion) -> tuple[int, int, str]:
    digits = "".join(letter for letter in one.id if letter.isdigit())[:9]
    return one.issue or 0, int(digits or 0), one.id


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word[: -len(ending)]
    return word


def _bag(gap: Gap) -> frozenset[str]:
    stem = gap.symbol.file.rpartition("/")[2].rpartition(".")[0]
    return _stems(f"{gap.symbol.name} {stem}")


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(w) for w in skeletons.words_of(text) if w not in _STOP and len(w) > 2)


def _weights(bags: Sequence[frozenset[str]]) -> dict[str, int]:
    """A word that few gaps have tells more: 1,000 over the number of gaps that have it."""
    count: dict[str, int] = {}
    for bag in bags:
        for word in bag:
            count[word] = count.get(word, 0) + 1
    return {word: 1000 // number for word, number in count.items()}


def _closest(
    criterion: OpenCriterion, bags: Sequence[frozenset[str]], weights: Mapping[str, int]
) -> tuple[int | None, tuple[str, ...]]:
    words = _stems(criterion.text)
    best: tuple[int, int] | None = None
    for rank, bag in enumerate(bags):
        score = sum(weights[word] for word in words & bag)
        if score and (best is None or score > best[0]):
            best = score, rank
    if best is None:
        return None, ()
    return best[1], tuple(sorted(words & bags[best[1]]))


def _key(criterion: OpenCriterion, *, many: bool) -> str:
    return f"{criterion.issue}/{criterion.id}" if many and criterion.issue else criterion.id


def _for_criterion(
    criterion: OpenCriterion,
    rank: int | None,
    shared: tuple[str, ...],
    ground: Ground,
    *,
    many: bool,
) -> Suggestion:
    if rank is not None:
        gap = ground.gaps[rank]
        why = f"shares {_list(shared)} with {gap.symbol.name}"
        file, boundaries, subject = gap.symbol.file, gap.symbol.boundaries, gap.symbol.name
    else:
        file = ground.gaps[0].symbol.file if ground.gaps else next(iter(ground.sources), "")
        why = "no changed symbol shares a word with it"
        boundaries, subject = (), ""
    words = skeletons.slug(criterion.text, subject)
    key = _key(criterion, many=many)
    return _made(criterion, rank, why, file, key, words, boundaries, subject, ground)


def _for_gap(rank: int, ground: Ground) -> Suggestion:
    gap = ground.gaps[rank]
    symbol = gap.symbol
    words = skeletons.slug(symbol.name.replace(".", " "), symbol.file)
    why = gap.reasons[0][1]
    return _made(None, rank, why, symbol.file, "", words, symbol.boundaries, symbol.name, ground)


def _made(
    criterion: OpenCriterion | None,
    rank: int | None,
    why: str,
    file: str,
    key: str,
    words: tuple[str, ...],
    boundaries: tuple[str, ...],
    subject: str,
    ground: Ground,
) -> Suggestion:
    language = language_of(file) if file else None
    kind = language.name if language else ""
    framework = framework_of(kind, ground.names, ground.texts)
    name = skeletons.test_name(kind, key, words)
    home = ground.homes[rank] if rank is not None else ""
    return Suggestion(
        criterion=criterion,
        gap=rank,
        why=why,
        framework=framework,
        target=home or (ground.layout.target(file, language) if file else ""),
        name=name,
        skeleton=skeletons.skeleton(kind, framework.name, name, subject),
        boundaries=boundaries,
    )


def _list(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)
