"""Types of test runs: cases, reports, what is told upward. Frozen and plain."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

MAX_RUN_ID = 2**63 - 1


class Outcome(StrEnum):
    """How one case ended. Flaky is no outcome: it stands beside one, as `flaky` and `reruns`."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class Case(msgspec.Struct, array_like=True, gc=False):
    """One result of one case, as the report has it. A struct: a report has up to a million.

    `time_s` is None where it is missing, negative or not a number. `occurrence` counts cases of
    the same suite, class and name in one report, from 0. `reruns` is how many other attempts the
    report tells of; `flaky` says that it passed after it failed. `ids` are criterion ids as found,
    `T1` or `42/T1`.
    """

    name: str
    classname: str = ""
    suite: str = ""
    outcome: Outcome = Outcome.PASSED
    time_s: float | None = None
    file: str = ""
    line: int | None = None
    message: str = ""
    text: str = ""
    reruns: int = 0
    flaky: bool = False
    occurrence: int = 0
    ids: tuple[str, ...] = ()


class Problem(StrEnum):
    """Why an artifact or a member of one could not be used, or not wholly."""

    EXPIRED = "expired"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    DIGEST = "digest_mismatch"
    NOT_A_ZIP = "not_a_zip"
    BROKEN_ZIP = "broken_zip"
    BOMB = "bomb"
    TOO_MANY = "too_many_members"
    UNSAFE_NAME = "unsafe_name"
    LINK = "link"
    DUPLICATE = "duplicate_member"
    ENCRYPTED = "encrypted"
    NESTED_ZIP = "nested_zip"
    METHOD = "unknown_compression"
    ENTITY = "entity_declared"
    TOO_DEEP = "too_deep"
    LIMIT = "over_a_limit"
    UNKNOWN = "unknown_format"
    UNREADABLE = "not_readable"
    EMPTY = "empty"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a report, by its cases and not by what its attributes claim."""

    tests: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    flaky: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """One test report of one artifact as it is kept, or the `problem` that stood in its way.

    `member` is the name inside the zip, "" when the problem is the whole artifact's. `dialect` is
    "" for what could not be read. `truncated`: the report ended early and only what came before is
    counted. `warnings` are sentences.
    """

    id: str
    run_id: int
    attempt: int
    artifact_id: int
    artifact_name: str
    artifact_digest: str
    member: str
    dialect: str
    totals: Totals
    truncated: bool
    warnings: tuple[str, ...]
    problem: Problem | None
    detail: str
    from_fork: bool
    stored_at_ms: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A stored case that names a criterion: evidence for or against it, not yet judged.

    `issue` is None for a bare id such as `T1`. `failures` of `observed` results of this case on
    this commit failed; `flaky` when it both passed and failed there, or the report says so.
    `artifact_digest` is "sha256:…". `from_fork`: the run's code came from another repository.
    """

    issue: int | None
    criterion_id: str
    case_key: str
    name: str
    classname: str
    file: str
    line: int | None
    outcome: Outcome
    flaky: bool
    reruns: int
    failures: int
    observed: int
    run_id: int
    attempt: int
    run_url: str
    artifact_id: int
    artifact_name: str
    artifact_digest: str
    report_id: str
    truncated: bool
    from_fork: bool
    stored_at_ms: int


@dataclass(frozen=True, slots=True)
class ResultsStored:
    """What is told upward in the unit that stored the results of one attempt of a run.

    `pull_requests` are those GitHub named in the event; none for a fork, which is matched by
    `head_sha` and `head_repository`.
    """

    repository: str
    head_sha: str
    head_repository: str
    run_id: int
    attempt: int
    from_fork: bool
    pull_requests: tuple[int, ...]
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A member of an artifact that is another room's to read: it lies in the blob store.

    `kind` is `code_health` or `sarif`; `blob` its key, named by the report's row of this room, so
    it lives as long as that does.
    """

    kind: str
    repository: str
    head_sha: str
    head_repository: str
    run_id: int
    attempt: int
    artifact_id: int
    artifact_name: str
    artifact_digest: str
    member: str
    blob: str
    size: int
    from_fork: bool
    pull_requests: tuple[int, ...]
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One attempt of a workflow run, as GitHub tells of it. `path` is the workflow's file."""

    repository: str
    run_id: int
    attempt: int
    name: str
    path: str
    event: str
    conclusion: str
    head_sha: str
    head_branch: str
    head_repository: str
    url: str
    pull_requests: tuple[int, ...] = ()

    @property
    def from_fork(self) -> bool:
        """Whether its code came from another repository, or from one that is gone."""
        return self.head_repository.lower() != self.repository.lower()


@dataclass(frozen=True, slots=True)
class Run:
    """A stored attempt of a run."""

    id: str
    facts: RunFacts
    reports: int
    problems: int
    totals: Totals
    stored_at_ms: int


@dataclass(frozen=True, slots=True)
class Block:
    """Some cases in a row, packed: `data` is msgpack under zstd, in `blob` where it is large."""

    number: int
    cases: int
    data: bytes
    blob: str | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Notable:
    """A case that gets a row of its own, since it names criteria or did not simply pass.

    `ordinal` is its place in the report, from 0.
    """

    ordinal: int
    case_key: str
    case: Case


@dataclass(frozen=True, slots=True)
class KeptBlob:
    """A member that lies in the blob store, not yet named by a row."""

    kind: str
    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MemberRead:
    """What one member of an artifact came to, before it is stored.

    `member` is "" when the problem is the whole artifact's. `passed_now` are the keys of cases
    with a history of failing that passed in this report; `passed_before` are passes, on the same
    commit and by earlier reports, of cases that failed in this one.
    """

    member: str
    configuration: str
    dialect: str = ""
    totals: Totals = Totals()
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None
    detail: str = ""
    blocks: tuple[Block, ...] = ()
    notable: tuple[Notable, ...] = ()
    kept: KeptBlob | None = None
    passed_now: tuple[str, ...] = ()
    passed_before: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactRead:
    """An artifact and what its members came to. `digest` is "sha256:…", "" when it was not got."""

    id: int
    name: str
    digest: str
    members: tuple[MemberRead, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A case with failures in its history: what finds it again in a report, and its key."""

    case_key: str
    suite: str
    classname: str
    name: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a case on one commit: results that passed, that failed, and flaky marks."""

    head_sha: str
    passes: int
    failures: int
    marks: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """A case with failures, and what it did on each commit, newest first."""

    case_key: str
    configuration: str
    suite: str
    classname: str
    name: str
    seen: tuple[Seen, ...]
