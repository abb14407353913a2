"""Pull requests as the API shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from hookyard.core.publishing.model import EffectRecord
from hookyard.features.reviews.model import (
    CriterionVerdict,
    Evidence,
    Flag,
    Judgement,
    Link,
)
from hookyard.features.reviews.service import ReviewView, Summary
from hookyard.features.reviews.store_verdicts import VerdictRow
from hookyard.kit.clock import to_rfc3339


@dataclass(frozen=True, slots=True)
class LinkOut:
    """An issue the pull request is about: how that was found (explicit, reference, keyword,
    branch) and how sure it is. `removed`: the pull request names it no more."""

    repository: str
    number: int
    how: str
    confidence: str
    removed: bool


@dataclass(frozen=True, slots=True)
class EvidenceOut:
    """One test case that speaks for or against a criterion, and where it was read.

    `revision` is the criterion's when the results were stored.
    """

    case: str
    classname: str
    file: str | None
    line: int | None
    outcome: str
    flaky: bool
    run_id: int
    attempt: int
    run_url: str
    artifact: str
    artifact_digest: str
    head_sha: str
    revision: int
    from_fork: bool
    stored_at: str


@dataclass(frozen=True, slots=True)
class CriterionOut:
    """The verdict on one criterion: passed, failed, flaky-passed, skipped, missing, stale, waived
    or manual. `checked` is the issue author's claim."""

    issue: int
    id: str
    text: str
    revision: int
    verdict: str
    holds: bool
    reason: str
    checked: bool | None
    evidence: list[EvidenceOut]


@dataclass(frozen=True, slots=True)
class FindingOut:
    """Something worth saying; a `blocking` one keeps the check from succeeding."""

    kind: str
    text: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class VerdictOut:
    """What a commit came to. `conclusion` is null while runs are under way."""

    head_sha: str
    conclusion: str | None
    title: str
    reason: str
    at: str
    criteria: list[CriterionOut]
    findings: list[FindingOut]


@dataclass(frozen=True, slots=True)
class HistoryOut:
    """One entry of the history, newest first: what changed, and why it was looked at."""

    id: str
    head_sha: str
    at: str
    conclusion: str | None
    title: str
    cause: str
    changes: list[str]


@dataclass(frozen=True, slots=True)
class FlagOut:
    """Somebody flagged a commit for merge; `forced` against its verdict."""

    id: str
    head_sha: str
    by: str
    reason: str
    forced: bool
    at: str


@dataclass(frozen=True, slots=True)
class CheckOut:
    """The check run hookyard/criteria: `state` is pending, landed or dead."""

    effect_id: str
    state: str
    url: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SummaryOut:
    """A pull request in the list: `state` is open, closed or merged."""

    number: int
    title: str
    author: str
    state: str
    draft: bool
    head_sha: str
    conclusion: str | None
    verdict: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """A page of pull requests, highest number first."""

    items: list[SummaryOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PolicyOut:
    """What decides, as `criteria:` of the base branch's `.hookyard.yml` has it."""

    check: bool
    no_criteria: str
    no_evidence: str
    flaky: str
    forks: str
    unreadable_reports: str
    merge_group: str


@dataclass(frozen=True, slots=True)
class PullOut:
    """A pull request with its links, verdict, history, flags and check."""

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
    from_fork: bool
    updated_at: str
    policy: PolicyOut
    links: list[LinkOut]
    verdict: VerdictOut | None
    history: list[HistoryOut]
    flags: list[FlagOut]
    check: CheckOut | None


@dataclass(frozen=True, slots=True)
class ExplainOut:
    """Why the check is as it is, a sentence each; the first is the whole."""

    number: int
    head_sha: str
    conclusion: str | None
    title: str
    lines: list[str]


def summary_out(summary: Summary) -> SummaryOut:
    """One line of the list."""
    pull, verdict = summary.review.pull, summary.verdict
    return SummaryOut(
        number=pull.number,
        title=pull.title,
        author=pull.author,
        state=pull.state,
        draft=pull.draft,
        head_sha=pull.head_sha,
        conclusion=None if verdict is None else verdict.conclusion,
        verdict="" if verdict is None else verdict.title,
        updated_at=to_rfc3339(pull.updated_at_ms),
    )


def pull_out(view: ReviewView) -> PullOut:
    """A pull request on the wire."""
    pull, policy = view.review.pull, view.review.policy
    return PullOut(
        repository=pull.repository,
        number=pull.number,
        title=pull.title,
        author=pull.author,
        state=pull.state,
        draft=pull.draft,
        head_sha=pull.head_sha,
        head_ref=pull.head_ref,
        head_repository=pull.head_repository,
        base_ref=pull.base_ref,
        base_sha=pull.base_sha,
        from_fork=pull.from_fork,
        updated_at=to_rfc3339(pull.updated_at_ms),
        policy=PolicyOut(
            policy.check,
            policy.no_criteria,
            policy.no_evidence,
            policy.flaky,
            policy.forks,
            policy.unreadable_reports,
            policy.merge_group,
        ),
        links=[_link(link) for link in view.links],
        verdict=None if view.verdict is None else _verdict(view.verdict),
        history=[_history(row) for row in view.history],
        flags=[flag_out(flag) for flag in view.flags],
        check=None if view.check is None else _check(view.check),
    )


def flag_out(flag: Flag) -> FlagOut:
    """A flag on the wire."""
    return FlagOut(
        flag.id, flag.head_sha, flag.by, flag.reason, flag.forced, to_rfc3339(flag.at_ms)
    )


def _link(link: Link) -> LinkOut:
    return LinkOut(link.repository, link.number, link.how, link.confidence, link.removed)


def _verdict(row: VerdictRow) -> VerdictOut:
    judgement: Judgement = row.judgement
    return VerdictOut(
        head_sha=row.head_sha,
        conclusion=row.conclusion,
        title=row.title,
        reason=judgement.reason,
        at=to_rfc3339(row.at_ms),
        criteria=[_criterion(one, row.head_sha) for one in judgement.criteria],
        findings=[FindingOut(f.kind.value, f.text, f.blocking) for f in judgement.findings],
    )


def _criterion(one: CriterionVerdict, head_sha: str) -> CriterionOut:
    return CriterionOut(
        issue=one.issue,
        id=one.id,
        text=one.text,
        revision=one.revision,
        verdict=one.verdict.value,
        holds=one.holds,
        reason=one.reason,
        checked=one.checked,
        evidence=list(_evidence(one.evidence, head_sha)),
    )


def _evidence(evidence: Iterable[Evidence], head_sha: str) -> Iterable[EvidenceOut]:
    for one in evidence:
        claim = one.claim
        yield EvidenceOut(
            case=claim.name,
            classname=claim.classname,
            file=claim.file,
            line=claim.line,
            outcome=claim.outcome.value,
            flaky=claim.flaky,
            run_id=claim.run_id,
            attempt=claim.attempt,
            run_url=claim.run_url,
            artifact=claim.artifact_name,
            artifact_digest=claim.artifact_digest,
            head_sha=head_sha,
            revision=one.revision,
            from_fork=claim.from_fork,
            stored_at=to_rfc3339(claim.stored_at_ms),
        )


def _history(row: VerdictRow) -> HistoryOut:
    return HistoryOut(
        id=row.id,
        head_sha=row.head_sha,
        at=to_rfc3339(row.at_ms),
        conclusion=row.conclusion,
        title=row.title,
        cause=row.cause,
        changes=list(row.changes),
    )


def _check(effect: EffectRecord) -> CheckOut:
    return CheckOut(effect.id, effect.state.value, effect.url, effect.error)
