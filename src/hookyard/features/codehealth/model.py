"""Types of code health: findings as tools report them, reports, comparisons, assessments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from hookyard.adapters.database.port import Unit


class Level(StrEnum):
    """How bad a finding is, in the words of SARIF."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


RANK: Mapping[Level, int] = {Level.ERROR: 2, Level.WARNING: 1, Level.NOTE: 0}


class Format(StrEnum):
    """The shape of a report."""

    FINDINGS = "findings"
    SARIF = "sarif"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a tool. `path` is relative to the repository, "" when it is about no file;
    `line` and `end_line` count from 1, None where the tool names none. `fingerprint` is the
    tool's own identity of the finding, "" without one.
    """

    tool: str
    rule: str
    path: str
    line: int | None
    end_line: int | None
    level: Level
    message: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something about a report's entries: a stable code, how many, and one of them to look at.

    `lost` says that these entries are in none of the findings, though they may have been some.
    """

    code: str
    count: int
    example: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Readable:
    """A report that was read. `suppressed` counts what the tool itself says to leave out."""

    format: Format
    findings: tuple[Finding, ...]
    notes: tuple[Noted, ...] = ()
    suppressed: int = 0

    @property
    def lost(self) -> int:
        """Entries that could not be read, each of which may be a finding."""
        return sum(note.count for note in self.notes if note.lost)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A report that says nothing we can use: a stable code and the reason."""

    code: str
    reason: str


Reading: TypeAlias = Readable | Unreadable


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from: one member of an artifact of one attempt of a workflow run."""

    repository: str
    head_sha: str
    run_id: int
    attempt: int
    artifact_id: int
    artifact_digest: str
    member: str
    from_fork: bool = False
    artifact_name: str = ""

    @property
    def slot(self) -> str:
        """What is compared from commit to commit: reports of one name."""
        return f"{self.artifact_name}/{self.member}" if self.artifact_name else self.member


@dataclass(frozen=True, slots=True)
class Report:
    """A report as kept."""

    id: str
    origin: Origin
    reading: Reading
    stored_at_ms: int
    delivery_id: str | None = None


class BaseHow(StrEnum):
    """How the base of a comparison was found."""

    BASE = "base"
    ANCESTOR = "ancestor"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Base:
    """The commit whose reports are compared with; `sha` is None when no report is known.

    `asked` is the commit the pull request starts from, None where that is not known.
    """

    how: BaseHow
    sha: str | None
    asked: str | None
    away: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What a pull request changes. `lines` counts added and deleted lines, `added` has the added
    lines of each path; both None where they are not known. `renamed` leads from new paths to old.
    `unmeasured` counts files whose added lines are not known.
    """

    lines: int | None = None
    added: Mapping[str, frozenset[int]] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    unmeasured: int = 0


class Standing(StrEnum):
    """What a finding is against the base; `unknown` where nothing is known to compare with."""

    NEW = "new"
    UNKNOWN = "unknown"
    FIXED = "fixed"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and what it is against the base."""

    finding: Finding
    standing: Standing
    identity: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every finding of a commit and its base, in a fixed order.

    `without_base` are names of reports the base has none of, `missing` those only the base has.
    """

    placed: tuple[Placed, ...]
    without_base: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def of(self, standing: Standing) -> tuple[Finding, ...]:
        """The findings that stand so."""
        return tuple(one.finding for one in self.placed if one.standing is standing)


class Conclusion(StrEnum):
    """What the check says; the words are GitHub's."""

    SUCCESS = "success"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"


@dataclass(frozen=True, slots=True)
class Score:
    """The score and the line that shows how it came about; `value` in tenths, None without one."""

    value: int | None
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The conclusion and its reasons, the weightiest first."""

    conclusion: Conclusion
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of a commit's health, for one pull request or (`number` None) by itself."""

    repository: str
    number: int | None
    head_sha: str
    base: Base
    comparison: Comparison
    score: Score
    gate: Gate
    from_fork: bool
    changed_lines: int | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthStored:
    """A commit's health was assessed; told to whoever listens, inside the same unit.

    `author` is the login of who opened the pull request, None where that is not known.
    """

    repository: str
    head_sha: str
    number: int | None
    assessment_id: str
    conclusion: Conclusion
    reason: str
    new: int
    unknown: int
    fixed: int
    carried: int
    from_fork: bool
    author: str | None = None
    delivery_id: str | None = None


Told: TypeAlias = Callable[[Unit, HealthStored], None]
"""A listener: runs inside the unit that stores, and may only enqueue jobs or note things down."""
