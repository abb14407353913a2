"""The verdict on one criterion, from its evidence, its waiver and marks by hand. Pure.

Only fresh evidence counts: recorded at a revision that says what the criterion says today, and
not from a fork unless the policy says so. Of what counts, one failure decides; a skipped case
is no evidence; there is no pass without a case that passed.
"""

from collections.abc import Iterable, Sequence

from hookyard.features.reviews.matching import Order, claim_order
from hookyard.features.reviews.model import (
    CriterionVerdict,
    Evidence,
    Mark,
    Outcome,
    Policy,
    Verdict,
    Wanted,
)

_WORST = (Outcome.ERROR, Outcome.FAILED, Outcome.PASSED, Outcome.SKIPPED)
_BAD = frozenset({Outcome.FAILED, Outcome.ERROR})
KEPT = 20
"""Evidence kept for one criterion, worst first; the reason counts all of it."""


def verdict_of(
    wanted: Wanted, evidence: Iterable[Evidence], marks: Iterable[Mark], policy: Policy
) -> CriterionVerdict:
    """What holds of this criterion; everything given is about it."""
    ordered = sorted(evidence, key=_order)
    trusted = [one for one in ordered if policy.forks == "count" or not one.claim.from_fork]
    fresh = [one for one in trusted if wanted.counts(one.revision)]
    mark = newest_mark(wanted, marks)
    verdict, reason = _decide(wanted, ordered, trusted, fresh, mark)
    return CriterionVerdict(
        issue=wanted.issue,
        id=wanted.id,
        text=wanted.text,
        revision=wanted.revision,
        verdict=verdict,
        holds=holds(verdict, policy),
        reason=reason,
        evidence=tuple((fresh or trusted or ordered)[:KEPT]),
        checked=wanted.checked,
    )


def holds(verdict: Verdict, policy: Policy) -> bool:
    """Whether a criterion with this verdict is satisfied."""
    match verdict:
        case Verdict.PASSED | Verdict.WAIVED | Verdict.MANUAL:
            return True
        case Verdict.FLAKY:
            return policy.flaky == "pass"
        case Verdict.FAILED | Verdict.SKIPPED | Verdict.MISSING | Verdict.STALE:
            return False


def newest_mark(wanted: Wanted, marks: Iterable[Mark]) -> Mark | None:
    """The newest mark by hand that the criterion's text has not outgrown."""
    fresh = [one for one in marks if wanted.counts(one.revision)]
    return max(fresh, key=lambda one: (one.at_ms, one.by, one.reason), default=None)


def _decide(
    wanted: Wanted,
    everything: Sequence[Evidence],
    trusted: Sequence[Evidence],
    fresh: Sequence[Evidence],
    mark: Mark | None,
) -> tuple[Verdict, str]:
    if wanted.waiver is not None:
        return Verdict.WAIVED, _waived(wanted)
    failed = [one for one in fresh if one.claim.outcome in _BAD]
    passed = [one for one in fresh if one.claim.outcome is Outcome.PASSED]
    if failed:
        return Verdict.FAILED, _failed(failed, len(fresh))
    if passed:
        return _passed(passed, len(fresh) - len(passed))
    if mark is not None:
        return Verdict.MANUAL, f"checked by hand by {mark.by}: {mark.reason}"
    if fresh:
        return Verdict.SKIPPED, f"{_cases(len(fresh))} skipped, none ran"
    if trusted:
        newest = max(one.revision for one in trusted)
        return Verdict.STALE, (
            f"the text was rewritten (revision {wanted.evidence_from}) "
            f"after these tests ran (revision {newest})"
        )
    if everything:
        return Verdict.MISSING, f"{_cases(len(everything))}, all from a fork, which do not count"
    return Verdict.MISSING, "no test case carries its id"


def _waived(wanted: Wanted) -> str:
    waiver = wanted.waiver
    if waiver is None or not waiver.by:
        return "waived in the issue's own text"
    return f"waived by {waiver.by}: {waiver.reason}" if waiver.reason else f"waived by {waiver.by}"


def _failed(failed: Sequence[Evidence], total: int) -> str:
    first = failed[0].claim
    what = "failed" if first.outcome is Outcome.FAILED else "ended in an error"
    if len(failed) == 1:
        beside = f", of {_cases(total)}" if total > 1 else ""
        return f"{first.name} {what} in run {first.run_id}{beside}"
    return f"{len(failed)} of {_cases(total)} failed, {first.name} among them"


def _passed(passed: Sequence[Evidence], skipped: int) -> tuple[Verdict, str]:
    beside = f"; {skipped} skipped" if skipped else ""
    flaky = [one for one in passed if one.claim.flaky or one.claim.reruns]
    if flaky:
        failures = sum(one.claim.failures for one in flaky)
        observed = sum(one.claim.observed for one in flaky)
        seen = f" ({failures} of {observed} results failed)" if failures else ""
        return Verdict.FLAKY, f"passed, {len(flaky)} of {_cases(len(passed))} flaky{seen}{beside}"
    return Verdict.PASSED, f"{_cases(len(passed))} passed{beside}"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def _order(one: Evidence) -> tuple[int, bool, Order, int]:
    steady = not (one.claim.flaky or one.claim.reruns)
    return _WORST.index(one.claim.outcome), steady, claim_order(one.claim), one.revision
