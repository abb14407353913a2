"""Why a pull request's check is as it is, in sentences. Pure, from what was decided."""

from hookyard.features.reviews.model import CriterionVerdict
from hookyard.features.reviews.service import ReviewView
from hookyard.kit.errors import NotFound

SHOWN = 5


def explained(
    view: ReviewView, criterion_id: str | None = None, issue: int | None = None
) -> list[str]:
    """One sentence for each thing the verdict rests on; about one criterion, or all of it.

    NotFound for a criterion the verdict knows nothing of.
    """
    verdict, pull = view.verdict, view.review.pull
    if verdict is None:
        return [f"#{pull.number} was not judged yet"]
    wanted = [
        one
        for one in verdict.judgement.criteria
        if criterion_id in (None, one.id) and issue in (None, one.issue)
    ]
    if criterion_id is not None:
        if not wanted:
            raise NotFound(f"the verdict knows no criterion {criterion_id}")
        return [line for one in wanted for line in _about(one)]
    conclusion = verdict.conclusion or "in progress"
    lines = [
        f"{verdict.head_sha[:10]} is {conclusion}: {verdict.title} ({verdict.judgement.reason})"
    ]
    lines += [_link(view, index) for index in range(len(view.links))]
    lines += [line for one in wanted for line in _about(one)]
    lines += [
        f"finding ({finding.kind.value}): {finding.text}" for finding in verdict.judgement.findings
    ]
    lines += [
        f"flagged for merge at {flag.head_sha[:10]} by {flag.by}"
        + (" against the verdict" if flag.forced else "")
        for flag in view.flags
    ]
    return lines


def _link(view: ReviewView, index: int) -> str:
    link = view.links[index]
    name = f"{link.repository}#{link.number}"
    if link.removed:
        return f"it named {name} once and does so no more"
    return f"it is about {name}, found by {link.how} ({link.confidence} confidence)"


def _about(one: CriterionVerdict) -> list[str]:
    holds = "holds" if one.holds else "does not hold"
    first = f"{one.id} of #{one.issue} {holds}: {one.verdict.value}, {one.reason}: {one.text}"
    cases = [
        f"{one.id}: {e.claim.name} {e.claim.outcome.value} in run {e.claim.run_id}, attempt "
        f"{e.claim.attempt}, artifact {e.claim.artifact_name or e.claim.artifact_id}, at revision "
        f"{e.revision}" + (" (from a fork)" if e.claim.from_fork else "")
        for e in one.evidence[:SHOWN]
    ]
    return [first, *cases]
