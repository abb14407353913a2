"""What readers of XML dialects share: the parser they steer, texts, cases and warnings."""

from collections.abc import Callable, Mapping
from typing import TypeAlias
from xml.parsers.expat import XMLParserType

from hookyard.features.testruns.ids import from_property
from hookyard.features.testruns.limits import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_PROPERTIES,
    MAX_TEXT,
    MAX_WARNINGS,
    Limits,
    Refused,
)
from hookyard.features.testruns.model import Case, Outcome, Problem

Attributes: TypeAlias = Mapping[str, str]
StartTag: TypeAlias = Callable[[str, dict[str, str]], None]
EndTag: TypeAlias = Callable[[str], None]

SEVERITY = {Outcome.PASSED: 0, Outcome.SKIPPED: 1, Outcome.FAILED: 2, Outcome.ERROR: 3}


class Words:
    """Text of the element that is being read, up to a limit; the parser is told when to listen."""

    def __init__(self, parser: XMLParserType) -> None:
        self._parser = parser
        self._parts: list[str] = []
        self._room = 0

    def listen(self) -> None:
        """Keep what comes from here on."""
        self._parts.clear()
        self._room = MAX_TEXT
        self._parser.CharacterDataHandler = self._take

    def stop(self) -> str:
        """The text that came, without the space around it."""
        self._parser.CharacterDataHandler = None
        return "".join(self._parts).strip()

    def _take(self, text: str) -> None:
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)


class Reader:
    """A dialect's reader. `cases` has what ended since the last `drain`, in order, `given` how many
    were handed over before. `start` and `end` are handed to the parser.
    """

    dialect = ""

    def __init__(self, parser: XMLParserType, limits: Limits) -> None:
        self.cases: list[Case] = []
        self.warnings: list[str] = []
        self.words = Words(parser)
        self.limits = limits
        self._depth = 0
        self._elements = 0
        self.given = 0

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        """An element begins: bounds first, then the dialect's own."""
        self._depth += 1
        self._elements += 1
        check(self._depth, len(attrs), self._elements, self.limits)
        self.opened(tag.rpartition(":")[2], attrs)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1
        self.closed(tag.rpartition(":")[2])

    def slow_start(self, tag: str, attrs: dict[str, str]) -> None:
        """`start`, for a reader that has a shorter way of its own."""
        Reader.start(self, tag, attrs)

    def slow_end(self, tag: str) -> None:
        """`end`, for such a reader."""
        Reader.end(self, tag)

    def opened(self, tag: str, attrs: Attributes) -> None:
        """An element of this dialect begins."""
        raise AssertionError(tag)

    def closed(self, tag: str) -> None:
        """An element of this dialect ends."""
        raise AssertionError(tag)

    def finish(self, *, cut: bool) -> None:
        """The report is over; `cut` when it ended early. Hand over what was held."""

    def add(self, case: Case) -> None:
        """A case ended."""
        self.cases.append(case)

    def drain(self) -> list[Case]:
        """What ended since the last time; Refused when it is too much in all."""
        found = self.cases[:]
        self.cases.clear()
        self.given += len(found)
        if self.given > self.limits.cases:
            raise too_many(self.limits)
        return found

    def warn(self, text: str) -> None:
        """Say something about the report, up to a number of times."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)


def check(depth: int, attributes: int, elements: int, limits: Limits) -> None:
    """Refused when an element is nested too deep, has too many attributes, or is one too many."""
    if depth > MAX_DEPTH:
        raise Refused(Problem.TOO_DEEP, f"elements are nested more than {MAX_DEPTH} deep")
    if attributes > MAX_ATTRIBUTES:
        raise Refused(Problem.LIMIT, f"an element has more than {MAX_ATTRIBUTES} attributes")
    if elements > limits.elements:
        raise Refused(Problem.LIMIT, f"more than {limits.elements} elements")


def too_many(limits: Limits) -> Refused:
    """The refusal of a report with more cases than are read."""
    return Refused(Problem.LIMIT, f"more than {limits.cases} cases")


def add_ids(case: Case, name: str, value: str) -> None:
    """Add the criterion ids that a property, trait or tag of a case names."""
    if len(case.ids) < MAX_PROPERTIES:
        found = from_property(name, value)
        if found:
            case.ids = tuple(dict.fromkeys((*case.ids, *found)))


def tell(case: Case, message: str, text: str = "") -> None:
    """Why a case did not pass, unless something said so before."""
    case.message = case.message or message[:MAX_TEXT] or text.partition("\n")[0]
    case.text = case.text or text


def worsen(case: Case, outcome: Outcome) -> None:
    """Make a case's outcome at least this bad."""
    if SEVERITY[outcome] > SEVERITY[case.outcome]:
        case.outcome = outcome
