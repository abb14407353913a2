"""How much of a report is read, and the refusal of what is over it."""

from dataclasses import dataclass

from hookyard.features.testruns.model import Problem

KIB = 1024
MIB = 1024 * KIB

MAX_DEPTH = 200
MAX_ATTRIBUTES = 200
# why: the longest tag a real report has is a failure's message in an attribute, tens of KiB.
MAX_TAG = 4 * MIB
MAX_DECLARATIONS = 200
MAX_TEXT = 64 * KIB
MAX_NAME = 4 * KIB
MAX_LINE = 8 * MIB
MAX_PROPERTIES = 100
MAX_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one report may have at most: bytes, elements of XML or lines of JSON, and cases.

    `held` bounds what must be held in memory whole: a JSON document, or the cases of a dialect
    that tells a case's class after its result.
    """

    bytes: int = 1024 * MIB
    elements: int = 20_000_000
    cases: int = 1_000_000
    held_bytes: int = 64 * MIB
    held_cases: int = 250_000


DEFAULT = Limits()


class Refused(Exception):
    """A report that must not be read on: nothing of it counts, and trying again will not help."""

    def __init__(self, problem: Problem, detail: str) -> None:
        self.problem = problem
        self.detail = detail
        super().__init__(detail)


class Malformed(Exception):
    """A report that is not what its format asks; what came before may still be good."""
