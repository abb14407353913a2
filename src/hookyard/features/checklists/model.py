"""Types of acceptance criteria: what an issue's text says, and what is kept of it over edits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Confidence(StrEnum):
    """How sure we are that the items are meant as acceptance criteria."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class ItemKind(StrEnum):
    """The form in which an item is written."""

    TASK = "task"
    BULLET = "bullet"
    NUMBERED = "numbered"
    ROW = "row"
    SCENARIO = "scenario"
    STATEMENT = "statement"


class Purpose(StrEnum):
    """What an item is meant as: something to hold, or a test somebody wants to see."""

    CRITERION = "criterion"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Item:
    """One criterion as the text has it.

    `id` is `T1`, `T2`, … in order of appearance; the kept id may differ after edits (see align).
    `checked` is the author's claim, None where the form has no box. `group` is the text of the
    parents, outermost first, joined by " / ", "" when there is none. `line` counts from 1.
    `author_id` is an id the author wrote (AC-1, FR-001), `waived` a strike-through or
    "(out of scope)".
    """

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: ItemKind
    author_id: str | None = None
    purpose: Purpose = Purpose.CRITERION
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in a text, how sure that is, and why."""

    confidence: Confidence
    reason: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion as kept: its id never changes, `revision` counts changes of its text."""

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: ItemKind
    author_id: str | None
    purpose: Purpose
    waived: bool
    revision: int = 1


@dataclass(frozen=True, slots=True)
class IssueText:
    """The words of an issue and when GitHub last saw them change (milliseconds)."""

    title: str
    body: str
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class Checklist:
    """The kept criteria of one issue. `revision` counts changes of the list that can be seen.

    `comment_sha` is the SHA-256 of the comment last asked for, `effect_id` its effect; both None
    before the first comment. `comments` says whether the repository wants one.
    """

    id: str
    repository: str
    number: int
    title: str
    body_sha: str
    confidence: Confidence
    reason: str
    revision: int
    next_id: int
    issue_updated_at_ms: int
    updated_at_ms: int
    effect_id: str | None
    comment_sha: str | None
    comments: bool
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class ChecklistSummary:
    """One line of the list of known checklists."""

    number: int
    title: str
    confidence: Confidence
    revision: int
    criteria: int
    checked: int
    updated_at_ms: int


MAX_NUMBER = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Reading:
    """An issue's words and what was found in them. `fetched`: just read from GitHub itself."""

    repository: str
    number: int
    issue: IssueText
    extraction: Extraction
    fetched: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of the comment: `comment` None leaves the repository's wish as it was known,
    `again` asks for the comment even when it should stand already."""

    delivery_id: str | None = None
    comment: bool | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """The checklist after a reading, the ids that came, went or changed, and the comment asked
    for (None when it stands as it is)."""

    checklist: Checklist
    added: tuple[str, ...]
    retired: tuple[str, ...]
    revised: tuple[str, ...]
    effect_id: str | None


@dataclass(frozen=True, slots=True)
class Outdated:
    """A newer text is recorded already; this one changed nothing."""

    recorded_at_ms: int


@dataclass(frozen=True, slots=True)
class Unsure:
    """Another text of the same second is recorded; only GitHub can say which one stands.

    # why: GitHub gives `updated_at` in whole seconds.
    """


Outcome: TypeAlias = Recorded | Outdated | Unsure
