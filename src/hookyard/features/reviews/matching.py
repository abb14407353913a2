"""Which criterion a test case is about. Pure: claims that match nothing become findings.

One linked issue: a bare `T1` is its. Several: `42/T1` or `#42:T1`; a bare id counts only when no
more than one of the issues ever gave it out, so that a pass can never move to another criterion.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.features.reviews.model import (
    Claim,
    Finding,
    FindingKind,
    IssueCriteria,
    Matched,
)


@dataclass(frozen=True, slots=True)
class Matching:
    """Claims with their criteria, and what is to be said of the others."""

    matched: tuple[Matched, ...]
    findings: tuple[Finding, ...]


def match(issues: Sequence[IssueCriteria], claims: Iterable[Claim]) -> Matching:
    """Match every claim to a criterion of the linked issues, or say why that cannot be.

    The order of the claims changes nothing.
    """
    by_number = {issue.number: issue for issue in issues}
    ordered = sorted(claims, key=claim_order)
    matched: list[Matched] = []
    said: dict[tuple[FindingKind, str], None] = {}
    for claim in ordered:
        found = _place(by_number, claim)
        if isinstance(found, Matched):
            matched.append(found)
        else:
            said[found] = None
    said.update(_duplicates(matched))
    return Matching(tuple(matched), tuple(Finding(kind, text) for kind, text in said))


def claim_order(claim: Claim) -> "Order":
    """A total order that does not depend on how claims were received."""
    return (
        (claim.run_id, claim.attempt, claim.artifact_id, claim.issue or 0, claim.reruns),
        (claim.case_key, claim.criterion_id, claim.outcome.value, claim.name),
        (claim.flaky, claim.from_fork),
    )


Order: TypeAlias = tuple[
    tuple[int, int, int, int, int], tuple[str, str, str, str], tuple[bool, bool]
]


def number_of(criterion_id: str) -> int:
    """The number of an id such as T12; 0 when it has none."""
    digits = criterion_id[1:]
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0


def ever_had(issue: IssueCriteria, criterion_id: str) -> bool:
    """Whether the issue has this id or gave it out once."""
    return 0 < number_of(criterion_id) < issue.next_id or stands(issue, criterion_id)


def stands(issue: IssueCriteria, criterion_id: str) -> bool:
    """Whether the issue has this criterion today."""
    return any(one.id == criterion_id for one in issue.criteria)


def _place(issues: Mapping[int, IssueCriteria], claim: Claim) -> Matched | tuple[FindingKind, str]:
    what, case = claim.criterion_id, claim.name
    if claim.issue is not None:
        issue = issues.get(claim.issue)
        if issue is None:
            reason = f"{case} names #{claim.issue}, which is not linked to this pull request"
            return FindingKind.NOT_LINKED, reason
        return _in_issue(issue, claim)
    holders = [issue for issue in issues.values() if ever_had(issue, what)]
    if len(holders) > 1:
        names = ", ".join(f"#{issue.number}" for issue in sorted(holders, key=lambda i: i.number))
        example = f"{min(issue.number for issue in holders)}/{what}"
        reason = f"{case} names {what}, which is in {names}; write {example} or the like"
        return FindingKind.AMBIGUOUS_ID, reason
    if not holders:
        return FindingKind.UNKNOWN_ID, f"{case} names {what}, which no linked issue has"
    return _in_issue(holders[0], claim)


def _in_issue(issue: IssueCriteria, claim: Claim) -> Matched | tuple[FindingKind, str]:
    what = claim.criterion_id
    if stands(issue, what):
        return Matched(issue.number, what, claim)
    where = f"#{issue.number}"
    if ever_had(issue, what):
        reason = f"{claim.name} names {what}, which {where} had once and has no more"
        return FindingKind.RETIRED_ID, reason
    return FindingKind.UNKNOWN_ID, f"{claim.name} names {what}, which {where} does not have"


def _duplicates(matched: Sequence[Matched]) -> dict[tuple[FindingKind, str], None]:
    """The same case with the same criterion more than once in one attempt of a run."""
    counts = Counter(
        (one.claim.run_id, one.claim.attempt, one.claim.case_key, one.issue, one.criterion_id)
        for one in matched
    )
    names = {one.claim.case_key: one.claim.name for one in matched}
    return {
        (
            FindingKind.DUPLICATE,
            f"{names[case]} reports on {what} of #{issue} {count} times in run {run}; all count",
        ): None
        for (run, _, case, issue, what), count in counts.items()
        if count > 1
    }
