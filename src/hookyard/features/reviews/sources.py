"""What other rooms know, in this room's words: criteria of issues, cases of commits, problems."""

from collections.abc import Iterable, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.features.checklists.model import Criterion
from hookyard.features.checklists.service import Checklists
from hookyard.features.reviews.model import (
    Claim,
    Evidence,
    IssueCriteria,
    Matched,
    Outcome,
    ReportProblem,
    Waiver,
    Wanted,
)
from hookyard.features.testruns.model import Claim as StoredClaim
from hookyard.features.testruns.service import TestRuns

MAX_PROBLEMS = 100


class Sources:
    """Reads checklists and test runs."""

    def __init__(self, checklists: Checklists, testruns: TestRuns) -> None:
        self._checklists = checklists
        self._testruns = testruns

    def issue(self, unit: Unit, repository: str, number: int) -> IssueCriteria:
        """An issue's criteria as they stand; not known where it was not read, or is gone."""
        view = self._checklists.find(unit, repository, number)
        if view is None or view.checklist.gone is not None:
            return IssueCriteria(number, known=False)
        kept = view.checklist
        criteria = tuple(_wanted(number, criterion) for criterion in kept.criteria)
        return IssueCriteria(number, criteria, kept.next_id, cut=kept.cut)

    def claims(self, unit: Unit, repository: str, head_sha: str) -> tuple[Claim, ...]:
        """Cases of a commit that name criteria."""
        return tuple(_claim(one) for one in self._testruns.claims(unit, repository, head_sha))

    def problems(self, unit: Unit, repository: str, head_sha: str) -> tuple[ReportProblem, ...]:
        """Reports of a commit that were not read, or not whole."""
        found = [
            ReportProblem(
                report.run_id,
                report.artifact_name,
                report.problem.value if report.problem is not None else "truncated",
                report.detail or "it ends early",
            )
            for report in self._testruns.reports(unit, repository, head_sha)
            if report.problem is not None or report.truncated
        ]
        return tuple(found[:MAX_PROBLEMS])

    def bind(
        self,
        unit: Unit,
        repository: str,
        matched: Sequence[Matched],
        issues: Iterable[IssueCriteria],
    ) -> tuple[Evidence, ...]:
        """Each claim with the revision its criterion had when the results were stored."""
        wanted = {(one.issue, one.id): one for issue in issues for one in issue.criteria}
        past: dict[tuple[int, str], Sequence[tuple[int, int]]] = {}
        bound = []
        for one in matched:
            key = (one.issue, one.criterion_id)
            revision = wanted[key].revision
            if revision > 1:
                if key not in past:
                    past[key] = self._past(unit, repository, *key)
                revision = revision_at(past[key], one.claim.stored_at_ms)
            bound.append(Evidence(one.issue, one.criterion_id, revision, one.claim))
        return tuple(bound)

    def _past(
        self, unit: Unit, repository: str, number: int, criterion_id: str
    ) -> Sequence[tuple[int, int]]:
        history = self._checklists.history(unit, repository, number, criterion_id)
        return [(wording.revision, wording.seen_at_ms) for wording in history.wordings]


def revision_at(past: Sequence[tuple[int, int]], at_ms: int) -> int:
    """The revision that stood at an instant, of (revision, since) pairs; the first before all.

    Both instants are of our own clock: what was stored before we knew of a rewrite was recorded
    for the words before it.
    """
    standing = [revision for revision, since_ms in past if since_ms <= at_ms]
    return max(standing) if standing else min((revision for revision, _ in past), default=1)


def _wanted(number: int, criterion: Criterion) -> Wanted:
    waiver = criterion.waiver
    return Wanted(
        issue=number,
        id=criterion.id,
        text=criterion.text,
        revision=criterion.revision,
        evidence_from=criterion.evidence_from,
        waiver=None if waiver is None else Waiver(waiver.by, waiver.reason),
        checked=criterion.checked,
        earlier=criterion.earlier,
    )


def _claim(one: StoredClaim) -> Claim:
    return Claim(
        issue=one.issue,
        criterion_id=one.criterion_id,
        case_key=one.case_key,
        name=one.name,
        outcome=Outcome(one.outcome.value),
        run_id=one.run_id,
        attempt=one.attempt,
        classname=one.classname,
        file=one.file or None,
        line=one.line,
        flaky=one.flaky,
        reruns=one.reruns,
        failures=one.failures,
        observed=one.observed,
        run_url=one.run_url,
        artifact_id=one.artifact_id,
        artifact_name=one.artifact_name,
        artifact_digest=one.artifact_digest,
        from_fork=one.from_fork,
        stored_at_ms=one.stored_at_ms,
    )
