"""What manifests are told by reviews: that there is a new head, and which criteria lack a test."""

from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.port import JobRequests
from hookyard.features.manifests.jobs import job_for
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.reviews.model import Pull, Verdict
from hookyard.features.reviews.service import Reviews

UNTESTED = frozenset({Verdict.MISSING, Verdict.STALE})


@dataclass(frozen=True, slots=True)
class Suggesting:
    """Asks for a manifest of every new head. `jobs` enqueues in the same unit."""

    jobs: JobRequests

    def seen(self, unit: Unit, pull: Pull, delivery_id: str | None) -> None:
        """A pull request has a new head: have its tests suggested."""
        job = job_for(pull.repository, pull.number, head_sha=pull.head_sha, delivery_id=delivery_id)
        self.jobs.enqueue(unit, job)


def open_criteria(
    reviews: Reviews, unit: Unit, repository: str, number: int
) -> tuple[OpenCriterion, ...]:
    """Criteria of a pull request's issues that no test of its head speaks for, as last judged."""
    view = reviews.find(unit, repository, number)
    if view is None or view.verdict is None:
        return ()
    criteria = view.verdict.judgement.criteria
    several = len({one.issue for one in criteria}) > 1
    return tuple(
        OpenCriterion(one.id, one.text, one.issue if several else None)
        for one in criteria
        if one.verdict in UNTESTED
    )
