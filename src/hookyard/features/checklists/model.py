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
    `author_id` is an id the author wrote (AC-1, FR-001), `struck` a strike-through or
    "(out of scope)". `detail` is what stands below the item and belongs to it: further paragraphs
    and code, lines kept. `depth` counts the lists around it, 0 for an item of the outermost.
    """

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: ItemKind
    author_id: str | None = None
    purpose: Purpose = Purpose.CRITERION
    struck: bool = False
    detail: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in a text, how sure that is, and why.

    `cut`: the text or its list is longer than what is read, so items may be missing.
    """

    confidence: Confidence
    reason: str
    items: tuple[Item, ...]
    cut: bool = False


class WaiverKind(StrEnum):
    """Who lets a criterion stand without evidence: the issue's text, or somebody who may."""

    AUTHOR = "author"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Leave for a criterion to stand without evidence.

    `by` is the actor's label ("user:7"), "" where the issue's text says it: whoever may edit the
    issue may strike out. It holds for `meaning` (see Criterion); a material rewrite ends it.
    """

    kind: WaiverKind
    by: str
    reason: str
    at_ms: int
    meaning: int
    id: str = ""
    withdrawn_by: str | None = None
    withdrawn_reason: str = ""
    withdrawn_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion as kept: its id never changes, `revision` counts changes of its words.

    `meaning` is the first revision that said what is said today, `evidence_from` the first since
    which nothing else was said; they differ only after a text was edited back. `earlier` are the
    revisions before `evidence_from` that said the same. `decided` is a person's waiver in force.
    """

    id: str
    text: str
    checked: bool | None
    group: str
    line: int
    kind: ItemKind
    author_id: str | None
    purpose: Purpose
    struck: bool
    detail: str = ""
    depth: int = 0
    revision: int = 1
    meaning: int = 1
    evidence_from: int = 1
    earlier: tuple[int, ...] = ()
    decided: Waiver | None = None

    @property
    def waiver(self) -> Waiver | None:
        """What lets it stand without evidence: a person's decision, else the issue's text."""
        if self.decided is not None or not self.struck:
            return self.decided
        reason = "struck out or marked out of scope in the issue"
        return Waiver(WaiverKind.AUTHOR, "", reason, 0, self.meaning)

    def counts(self, revision: int) -> bool:
        """Whether evidence for that revision is evidence for what is said today."""
        return self.evidence_from <= revision <= self.revision or revision in self.earlier


class ChangeKind(StrEnum):
    """What a change of words did to the meaning: nothing yet, nothing, a new one, an old one."""

    FIRST = "first"
    WORDING = "wording"
    MATERIAL = "material"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Wording:
    """One revision of a criterion's words. `seen_at_ms` is when we read it, `issue_updated_at_ms`
    what GitHub says of the issue it stood in; `reason` why its meaning is the same or another."""

    criterion_id: str
    revision: int
    text: str
    group: str
    detail: str
    meaning: int
    change: ChangeKind
    reason: str
    seen_at_ms: int
    issue_updated_at_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """Everything kept of one criterion: its revisions and waivers, oldest first."""

    criterion: Criterion
    retired_at_ms: int | None
    wordings: tuple[Wording, ...]
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class ChecklistChanged:
    """Told to the room above when a list changed in a way that can be seen."""

    repository: str
    number: int
    revision: int
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class IssueText:
    """The words of an issue and when GitHub last saw them change (milliseconds)."""

    title: str
    body: str
    updated_at_ms: int
    state: str = "open"
    author: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """The kept criteria of one issue. `revision` counts changes of the list that can be seen.

    `comment_sha` is the SHA-256 of the comment last asked for, `effect_id` its effect; both None
    before the first comment. `comments` says whether the repository wants one. `cut`: the issue is
    longer than what is read, so criteria may be missing. `gone` says why the issue is no longer
    there ("deleted", "transferred to owner/name#7"), None while it is.
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
    state: str = "open"
    author: str = ""
    url: str = ""
    cut: bool = False
    gone: str | None = None
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
    waived: int
    updated_at_ms: int
    state: str
    author: str
    url: str
    gone: str | None


@dataclass(frozen=True, slots=True)
class ChecklistFilter:
    """Which checklists a list shows; None matches all. `title` is a part of it, in any case."""

    state: str | None = None
    confidence: Confidence | None = None
    author: str | None = None
    title: str | None = None
    gone: bool | None = None
    empty: bool | None = None


MAX_REASON = 500


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
