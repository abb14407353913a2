"""Types of reviews: what is asked of a pull request, the evidence, and the verdict it comes to."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one test case ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """What the evidence says of one criterion."""

    PASSED = "passed"
    FAILED = "failed"
    FLAKY = "flaky-passed"
    SKIPPED = "skipped"
    MISSING = "missing"
    STALE = "stale"
    WAIVED = "waived"
    MANUAL = "manual"


class FindingKind(StrEnum):
    """What is worth saying of a pull request beside its verdicts."""

    UNKNOWN_ID = "unknown_id"
    RETIRED_ID = "retired_id"
    AMBIGUOUS_ID = "ambiguous_id"
    NOT_LINKED = "not_linked"
    DUPLICATE = "duplicate"
    FORK = "fork_evidence"
    REPORT = "report_not_read"
    TOO_MANY = "too_many_claims"
    ISSUE_CUT = "issue_too_long"
    ELSEWHERE = "issue_elsewhere"
    UNLINKED = "link_removed"
    CLAIMED = "ticked_without_evidence"
    STALE_MARK = "stale_mark"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. A `blocking` one keeps the check from succeeding. `text` quotes strangers."""

    kind: FindingKind
    text: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a criterion need not be shown to hold; `by` is a login, "" for the issue's own text."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One criterion as it stands. Evidence counts that was recorded at a revision which says the
    same: from `evidence_from` on, and those in `earlier`, whose words were edited back."""

    issue: int
    id: str
    text: str
    revision: int
    evidence_from: int = 1
    waiver: Waiver | None = None
    checked: bool | None = None
    earlier: tuple[int, ...] = ()

    def counts(self, revision: int) -> bool:
        """Whether what was recorded at this revision is about what is said today."""
        return revision >= self.evidence_from or revision in self.earlier


@dataclass(frozen=True, slots=True)
class IssueCriteria:
    """What is known of a linked issue. `next_id` is the number its next criterion will get;
    `known` is False while the issue was not read, `cut` where it is too long to be read whole."""

    number: int
    criteria: tuple[Wanted, ...] = ()
    next_id: int = 1
    known: bool = True
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A test case that says which criterion it is about. `issue` is None for a bare id.

    `flaky` marks a pass that needed `reruns`, or that failed before on this commit: `failures` of
    `observed` results.
    """

    issue: int | None
    criterion_id: str
    case_key: str
    name: str
    outcome: Outcome
    run_id: int
    attempt: int
    classname: str = ""
    file: str | None = None
    line: int | None = None
    flaky: bool = False
    reruns: int = 0
    failures: int = 0
    observed: int = 0
    run_url: str = ""
    artifact_id: int = 0
    artifact_name: str = ""
    artifact_digest: str = ""
    from_fork: bool = False
    stored_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """A claim and the criterion it is about."""

    issue: int
    criterion_id: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Evidence:
    """A matched claim bound to the revision of the criterion it was recorded at."""

    issue: int
    criterion_id: str
    revision: int
    claim: Claim


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody checked a criterion by hand, at this revision of it."""

    issue: int
    criterion_id: str
    revision: int
    by: str
    reason: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class ReportProblem:
    """A test report that was not read, or not read whole, and why. `code` is a stable word."""

    run_id: int
    artifact_name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """The verdict on one criterion, its reason, and the evidence it rests on, worst first."""

    issue: int
    id: str
    text: str
    revision: int
    verdict: Verdict
    holds: bool
    reason: str
    evidence: tuple[Evidence, ...] = ()
    checked: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a commit of a pull request comes to. `conclusion` None: not decided yet."""

    conclusion: str | None
    title: str
    reason: str
    criteria: tuple[CriterionVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An issue a pull request is about, how that was found out, and how sure it is (high, medium,
    low). `removed` once the pull request names it no more."""

    repository: str
    number: int
    how: str
    confidence: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as GitHub last showed it. `updated_at_ms` is GitHub's own instant."""

    repository: str
    number: int
    title: str
    author: str
    state: str
    draft: bool
    head_sha: str
    head_ref: str
    head_repository: str
    base_ref: str
    base_sha: str
    body: str
    updated_at_ms: int

    @property
    def from_fork(self) -> bool:
        """Whether the head is in another repository, or in one that is gone."""
        return self.head_repository.lower() != self.repository.lower()


@dataclass(frozen=True, slots=True)
class Policy:
    """How verdicts become a conclusion; the words are those of `criteria:` in `.hookyard.yml`."""

    check: bool = True
    no_criteria: str = "success"
    no_evidence: str = "failure"
    flaky: str = "pass"
    forks: str = "show"
    unreadable_reports: str = "block"
    merge_group: str = "carry"


@dataclass(frozen=True, slots=True)
class Flag:
    """Somebody said that a commit may be merged; `forced` against its verdict."""

    id: str
    head_sha: str
    by: str
    reason: str
    forced: bool
    verdict_id: str | None
    at_ms: int


RUN_STATES = ("requested", "in_progress", "completed", "stored")
"""How far a run is; `stored` once its results were read."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far one attempt of a workflow run is."""

    run_id: int
    attempt: int
    head_sha: str
    state: str

    @property
    def order(self) -> tuple[int, int]:
        """What is later is greater, in whatever order it is heard of."""
        return self.attempt, RUN_STATES.index(self.state)


@dataclass(frozen=True, slots=True)
class Group:
    """A merge group: the commit a merge queue tests, and the pull request it is for."""

    repository: str
    head_sha: str
    head_ref: str
    number: int
    state: str = "open"
