"""From verdicts to the conclusion of a check. Pure, and always with its reason.

Success only where every criterion holds. Nothing ends neutral or skipped, which GitHub would count
as a pass: # spec: docs.github.com, "About protected branches", required status checks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hookyard.features.reviews.model import (
    CriterionVerdict,
    Evidence,
    Finding,
    FindingKind,
    IssueCriteria,
    Judgement,
    Mark,
    Policy,
    ReportProblem,
    Verdict,
    Wanted,
)
from hookyard.features.reviews.verdicts import verdict_of

MAX_FINDINGS = 50
MAX_CLAIMS = 20_000
"""Claims looked at for one commit; with so many, the check cannot succeed: a report keeps no more
of its cases that name criteria, and one that failed may be among those it left out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a judgement rests on. `running` counts runs of the commit not ended yet;
    `claims` how many claims there are, looked at or not; `unlinked` names issues with criteria
    whose links were taken away."""

    issues: Sequence[IssueCriteria]
    evidence: Sequence[Evidence]
    marks: Sequence[Mark] = ()
    problems: Sequence[ReportProblem] = ()
    findings: Sequence[Finding] = ()
    running: int = 0
    claims: int = 0
    unlinked: Sequence[int] = ()


def judge(facts: Facts, policy: Policy) -> Judgement:
    """The verdict on every criterion, the findings, and the conclusion they come to."""
    facts = replace(facts, issues=sorted(facts.issues, key=lambda issue: issue.number))
    evidence, marks = _grouped(facts.evidence), _grouped(facts.marks)
    wanted = [one for issue in facts.issues for one in issue.criteria]
    criteria = tuple(
        verdict_of(
            one, evidence.get((one.issue, one.id), ()), marks.get((one.issue, one.id), ()), policy
        )
        for one in wanted
    )
    findings = (*facts.findings, *_further(facts, criteria, policy), *_stale_marks(wanted, marks))
    conclusion, title, reason = _conclude(facts, criteria, findings, policy)
    return Judgement(conclusion, title, reason, criteria, _listed(findings))


About = TypeVar("About", Evidence, Mark)


def _listed(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The first of each kind; the rest are counted."""
    kinds: defaultdict[FindingKind, list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.kind].append(finding)
    listed: list[Finding] = []
    for kind, found in kinds.items():
        listed += found[:MAX_FINDINGS]
        if len(found) > MAX_FINDINGS:
            blocking = any(one.blocking for one in found[MAX_FINDINGS:])
            text = f"and {len(found) - MAX_FINDINGS:,} more of this kind"
            listed.append(Finding(kind, text, blocking))
    return tuple(listed)


def _grouped(items: Iterable[About]) -> Mapping[tuple[int, str], list[About]]:
    groups: defaultdict[tuple[int, str], list[About]] = defaultdict(list)
    for item in items:
        groups[item.issue, item.criterion_id].append(item)
    return groups


def _conclude(
    facts: Facts,
    criteria: Sequence[CriterionVerdict],
    findings: Sequence[Finding],
    policy: Policy,
) -> tuple[str | None, str, str]:
    unread = [issue.number for issue in facts.issues if not issue.known]
    if facts.running:
        runs = "1 run" if facts.running == 1 else f"{facts.running} runs"
        return None, f"Waiting for {runs} of this commit", "tests of this commit are running"
    if unread:
        names = ", ".join(f"#{number}" for number in unread)
        return "action_required", f"The criteria of {names} are not known", f"{names} was not read"
    if not criteria:
        return _without(facts, policy)
    failing = [one for one in criteria if not one.holds]
    summary = _summary(criteria)
    if failing:
        if any(e.claim for one in criteria for e in one.evidence):
            return "failure", summary, "not every criterion holds"
        return policy.no_evidence, summary, "no test of this commit names a criterion"
    blocking = [finding for finding in findings if finding.blocking]
    if blocking:
        return "failure", f"{summary}, but not every result is known", blocking[0].text
    if facts.unlinked:
        return _unlinked(facts.unlinked)
    return "success", summary, "every criterion holds"


def _without(facts: Facts, policy: Policy) -> tuple[str, str, str]:
    """A pull request without criteria; a stated outcome, never an accident."""
    if facts.unlinked:
        return _unlinked(facts.unlinked)
    what = "No criteria are linked"
    if facts.issues:
        names = ", ".join(f"#{issue.number}" for issue in facts.issues)
        what = f"No criteria in {names}"
    return policy.no_criteria, what, f"no_criteria: {policy.no_criteria}"


def _unlinked(numbers: Sequence[int]) -> tuple[str, str, str]:
    """Links that were taken away: no way to a green check, whatever is linked in their place."""
    names = ", ".join(f"#{number}" for number in sorted(numbers))
    return (
        "action_required",
        f"The links to {names} were removed",
        "somebody with the right must agree: /hookyard unlink NUMBER reason",
    )


def _summary(criteria: Sequence[CriterionVerdict]) -> str:
    """`3 of 4 criteria hold: 1 failed`, worst first."""
    held = sum(one.holds for one in criteria)
    noun = "criterion" if len(criteria) == 1 else "criteria"
    verb = "holds" if len(criteria) == 1 else "hold"
    counts = Counter(one.verdict for one in criteria)
    shown = [v for v in _ORDER if counts[v] and v is not Verdict.PASSED]
    details = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in shown)
    text = f"{held} of {len(criteria)} {noun} {verb}"
    return f"{text}: {details}" if details else text


_ORDER = (
    Verdict.FAILED,
    Verdict.STALE,
    Verdict.MISSING,
    Verdict.SKIPPED,
    Verdict.FLAKY,
    Verdict.WAIVED,
    Verdict.MANUAL,
    Verdict.PASSED,
)


def _further(
    facts: Facts, criteria: Iterable[CriterionVerdict], policy: Policy
) -> Iterable[Finding]:
    for problem in sorted(facts.problems, key=lambda p: (p.run_id, p.artifact_name, p.code)):
        where = f"{problem.artifact_name} of run {problem.run_id}"
        text = f"{where} was not read ({problem.code}): {problem.detail}"
        yield Finding(FindingKind.REPORT, text, blocking=policy.unreadable_reports == "block")
    if facts.claims >= MAX_CLAIMS:
        text = f"{facts.claims:,} cases or more carry ids; only {MAX_CLAIMS:,} were looked at"
        yield Finding(FindingKind.TOO_MANY, text, blocking=True)
    forks = {(e.issue, e.criterion_id) for e in facts.evidence if e.claim.from_fork}
    if forks:
        says = "counts" if policy.forks == "count" else "does not count"
        text = f"evidence for {len(forks)} criteria comes from a fork; it {says}"
        yield Finding(FindingKind.FORK, text)
    for one in criteria:
        if one.checked and not one.holds:
            text = f"#{one.issue} ticks {one.id}, but its verdict is {one.verdict.value}"
            yield Finding(FindingKind.CLAIMED, text)
    for issue in facts.issues:
        if issue.cut:
            text = f"#{issue.number} is longer than what is read; criteria may be missing"
            yield Finding(FindingKind.ISSUE_CUT, text, blocking=True)
    for number in sorted(facts.unlinked):
        text = f"the pull request named #{number} and does so no more"
        yield Finding(FindingKind.UNLINKED, text)


def _stale_marks(
    criteria: Iterable[Wanted], marks: Mapping[tuple[int, str], Sequence[Mark]]
) -> Iterable[Finding]:
    for one in criteria:
        for mark in marks.get((one.issue, one.id), ()):
            if not one.counts(mark.revision):
                text = f"{mark.by} checked {one.id} of #{one.issue} before its text was rewritten"
                yield Finding(FindingKind.STALE_MARK, text)
