"""Given/When/Then in any of the known languages: lines in, one scenario each out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hookyard.features.checklists import step_words
from hookyard.features.checklists.labels import fold_label
from hookyard.features.checklists.marks import fold_author_id
from hookyard.features.checklists.text import one_line, plain
from hookyard.features.checklists.words import AUTHOR_ID_PREFIXES

Step: TypeAlias = Literal["given", "when", "then", "and"]
Line: TypeAlias = tuple[str, int]

LANGUAGES = frozenset({"gherkin", "cucumber", "feature"})
_QUOTES = ('"""', "```")

_FIRST_WORD = re.compile(r"[^\W\d_]+|\*(?=\s)")
_WORDS = re.compile(r"[^\W\d_]+")
_TAG_ID = re.compile(
    rf"@((?:{'|'.join(AUTHOR_ID_PREFIXES)})[-_]?[0-9]{{1,4}})(?![\w-])", re.IGNORECASE
)
_SPACED: tuple[tuple[Step, frozenset[str]], ...] = (
    ("given", step_words.GIVEN),
    ("when", step_words.WHEN),
    ("then", step_words.THEN),
    ("and", step_words.AND),
)
_OPENINGS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    ("given", step_words.OPENING_GIVEN),
    ("when", step_words.OPENING_WHEN),
    ("then", step_words.OPENING_THEN),
    ("and", step_words.OPENING_AND),
)


@dataclass(slots=True)
class Scenario:
    """One scenario while it is being read."""

    title: str
    line: int
    feature: str
    author_id: str | None = None
    lines: list[str] = field(default_factory=list)
    seen: set[Step] = field(default_factory=set)

    def is_whole(self) -> bool:
        """Whether it says under what condition something holds, or has a title and steps."""
        if self.title:
            return bool(self.seen)
        return "then" in self.seen and bool(self.seen & {"given", "when"})

    def text(self) -> str:
        """Title and steps as one line."""
        steps = " ".join(self.lines)
        return one_line(f"{self.title}: {steps}" if self.title else steps)


def step_of(line: str) -> Step | None:
    """Which step a line begins, or None."""
    head = plain(line[:80]).lstrip("-* ").lower() if not line.startswith("* ") else "* "
    for step, starts in _OPENINGS:
        if head.startswith(starts):
            return step
    word = _FIRST_WORD.match(head)
    if word is None:
        return None
    return next((step for step, known in _SPACED if word[0] in known), None)


def is_step_list(texts: Sequence[str]) -> bool:
    """Whether the items of a list are the steps of scenarios rather than one scenario each."""
    if len(texts) < 2:
        return False
    steps: list[Step] = []
    for text in texts:
        step = step_of(text)
        if step is None or (not steps and step == "then"):
            return False
        steps.append(step)
    return "then" in steps


def scenarios(lines: Iterable[Line]) -> list[Scenario]:
    """The scenarios in consecutive lines, whole ones only."""
    reader = _Reader()
    for text, line in lines:
        reader.read(text.strip(), line)
    return [scenario for scenario in reader.found if scenario.is_whole()]


class _Reader:
    def __init__(self) -> None:
        self.found: list[Scenario] = []
        self._current: Scenario | None = None
        self._feature = ""
        self._author_id: str | None = None
        self._quote = ""

    def read(self, text: str, line: int) -> None:
        if self._quote or text.startswith(_QUOTES):
            self._read_quoted(text)
            return
        if not text or text.startswith("#"):
            return
        if text.startswith("@"):
            tag = _TAG_ID.search(text[:400])
            self._author_id = fold_author_id(tag[1]) if tag else self._author_id
            return
        if not self._read_head(text, line):
            self._read_step(text, line)

    def _read_quoted(self, text: str) -> None:
        """A step's text argument: no line of it is a step."""
        if self._current is not None:
            self._current.lines.append(text)
        if not self._quote:
            self._quote = text[:3]
            if len(text) > 5 and text.endswith(self._quote):
                self._quote = ""
        elif text.endswith(self._quote):
            self._quote = ""

    def _read_head(self, text: str, line: int) -> bool:
        word, colon, title = text[:400].replace("：", ":", 1).partition(":")
        head = _head_of(word) if colon and len(word) <= 40 else ""
        if head in step_words.SCENARIO_HEADS:
            self._open(plain(title) or "Scenario", line)
        elif head in step_words.FEATURE_HEADS:
            self._feature, self._current = one_line(plain(title)), None
            self._author_id = None
        elif head in step_words.BACKGROUND_HEADS:
            self._current, self._author_id = Scenario("", line, ""), None
        else:
            return False
        return True

    def _read_step(self, text: str, line: int) -> None:
        step = step_of(text)
        current = self._current
        may_open = current is None or (not current.title and "then" in current.seen)
        if step in ("given", "when") and may_open:
            current = self._open("", line)
        if current is None:
            return
        current.lines.append(text)
        if step is not None:
            current.seen |= _steps_within(text, step)

    def _open(self, title: str, line: int) -> Scenario:
        self._current = Scenario(title, line, self._feature, self._author_id)
        self._author_id = None
        self.found.append(self._current)
        return self._current


def is_head(line: str) -> bool:
    """Whether a line names a scenario."""
    word, colon, _ = line[:400].replace("：", ":", 1).partition(":")
    return bool(colon) and len(word) <= 40 and _head_of(word) in step_words.SCENARIO_HEADS


def _head_of(word: str) -> str:
    """A head as listed, without its number: `Scenario 2` is `scenario`."""
    return fold_label(word).rstrip("0123456789#. ")


def _steps_within(text: str, first: Step) -> set[Step]:
    """The steps of a line: `Given a, when b, then c` holds three."""
    if first not in ("given", "when"):
        return {first}
    found: set[Step] = {first}
    spoken = set(_WORDS.findall(text.lower()))
    if first == "when" or spoken & step_words.WHEN or _any_in(step_words.OPENING_WHEN, text):
        found.add("when")
        if spoken & step_words.THEN or _any_in(step_words.OPENING_THEN, text):
            found.add("then")
    return found


def _any_in(needles: tuple[str, ...], text: str) -> bool:
    return any(needle in text for needle in needles)
