"""Whether a change of words is a correction or a material rewrite, and why. Pure, linear time.

Evidence is about what a text means. A change is material when less than nine tenths of the text
stayed, when its words changed places, or when a number, a unit, a sign of comparison, a negation,
a modal verb or one word of a pair of opposites changed, however few letters that took.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hookyard.features.checklists import turning_words as turning
from hookyard.features.checklists.similarity import likeness
from hookyard.features.checklists.text import normal

ALIKE = 0.9
COMPARED = 16_384
SHOWN = 5

_TOKEN = re.compile(
    r"(?P<number>(?:(?<![\w.,])[-+−])?\d+(?:[.,:]\d+)*)\s?(?P<unit>[^\W\d_]+|[%€$£°])?"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
)
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of words comes to."""

    is_material: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text taken apart: its numbers in order, its words in order, what turns it, its signs."""

    numbers: tuple[str, ...]
    words: tuple[str, ...]
    negations: Counter[str]
    modals: Counter[str]
    signs: Counter[str]


def compare(before: str, after: str) -> Change:
    """The change from one text to another; equal words are never material."""
    old, new = normal(before), normal(after)
    if old == new:
        return Change(is_material=False, reason="the same words")
    left, right = _read(old), _read(new)
    if left.numbers != right.numbers:
        return _material(f"numbers changed from {_some(left.numbers)} to {_some(right.numbers)}")
    for name, was, now in (
        ("a sign of comparison", left.signs, right.signs),
        ("a negation", left.negations, right.negations),
        ("a modal verb", left.modals, right.modals),
    ):
        if was != now:
            return _material(f"{name} changed: {_difference(was, now)}")
    turned = _turned(left.words, right.words)
    if turned is not None:
        return _material(f"“{turned[0]}” became “{turned[1]}”")
    if _common(left.words, right.words) != _common(right.words, left.words):
        return _material("words changed places")
    return _by_likeness(old, new)


def _material(reason: str) -> Change:
    return Change(is_material=True, reason=reason)


def _by_likeness(old: str, new: str) -> Change:
    score = likeness(old, COMPARED).to(likeness(new, COMPARED))
    # why: 0.8999 shown as 90 % would contradict the rule it is measured by.
    percent = int(score * 100)
    if score < ALIKE:
        return _material(f"{percent} % of the words are alike, less than {ALIKE:.0%}")
    return Change(is_material=False, reason=f"{percent} % alike; no number, negation or modal")


def _read(text: str) -> _Reading:
    numbers: list[str] = []
    words: list[str] = []
    for match in _TOKEN.finditer(text.replace("’", "'")):
        if match["number"]:
            number = _THOUSANDS.sub("", match["number"]).replace("−", "-").lstrip("+")
            unit = match["unit"] or ""
            numbers.append(number + turning.UNITS.get(unit, ""))
            words += [] if unit in turning.UNITS else [unit] * bool(unit)
        elif match["word"] in turning.NUMBER_WORDS:
            numbers.append(turning.NUMBER_WORDS[match["word"]])
        else:
            words += _plain_words(match["word"])
    return _Reading(
        numbers=tuple(numbers),
        words=tuple(words),
        negations=_counted(words, turning.NEGATIONS, text, turning.UNSPACED_NEGATIONS),
        modals=_counted(words, turning.MODALS, text, turning.UNSPACED_MODALS),
        signs=Counter(sign for sign in text.replace("!=", "≠") if sign in turning.SIGNS),
    )


def _plain_words(word: str) -> tuple[str, ...]:
    if word in turning.SAME_AS:
        return turning.SAME_AS[word]
    return (word[:-3], "not") if word.endswith("n't") else (word,)


def _counted(
    words: list[str], known: frozenset[str], text: str, unspaced: tuple[str, ...]
) -> Counter[str]:
    found = Counter(word for word in words if word in known)
    found.update({mark: text.count(mark) for mark in unspaced if mark in text})
    return found


def _turned(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, str] | None:
    """The pair of opposites of which one word went and the other came."""
    gone, come = Counter(left) - Counter(right), Counter(right) - Counter(left)
    went = {form: word for word in gone for form in _forms(word)}
    came = {form: word for word in come for form in _forms(word)}
    for one, other in turning.OPPOSITES:
        for old, new in ((one, other), (other, one)):
            if old in went and new in came:
                return went[old], came[new]
    for prefix in turning.OPPOSITE_PREFIXES:
        for word in gone:
            if prefix + word in come:
                return word, prefix + word
            if word.startswith(prefix) and word[len(prefix) :] in come:
                return word, word[len(prefix) :]
    return None


def _forms(word: str) -> Iterator[str]:
    """The word and what it may be an inflexion of."""
    yield word
    for ending in ("s", "es", "d", "ed", "ing"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word[: -len(ending)]
    if word.endswith("ied"):
        yield f"{word[:-3]}y"
    if word.endswith("ies"):
        yield f"{word[:-3]}y"


def _common(words: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    """Words that both have exactly as often, in the order of the first."""
    here, there = Counter(words), Counter(others)
    return [word for word in words if here[word] == there[word]]


def _some(numbers: tuple[str, ...]) -> str:
    if not numbers:
        return "none"
    return ", ".join(numbers[:SHOWN]) + (" …" if len(numbers) > SHOWN else "")


def _difference(was: Counter[str], now: Counter[str]) -> str:
    gone = [f"“{word}” went" for word in (was - now)]
    come = [f"“{word}” came" for word in (now - was)]
    return ", ".join([*gone, *come][:SHOWN])
