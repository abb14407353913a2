"""Builds the rooms that reviews bring together, and reviews above them."""

from dataclasses import dataclass
from functools import partial

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.service import Audit
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.service import Publisher
from hookyard.features.checklists.service import Checklists
from hookyard.features.codehealth.jobs import job_for as health_job
from hookyard.features.codehealth.model import Origin
from hookyard.features.manifests.service import Manifests
from hookyard.features.reviews.desk import Desk
from hookyard.features.reviews.judging import Judging, Told
from hookyard.features.reviews.listening import Listening
from hookyard.features.reviews.service import Reviews
from hookyard.features.reviews.sources import Sources
from hookyard.features.reviews.suggesting import open_criteria
from hookyard.features.testruns.model import Found
from hookyard.features.testruns.service import TestRuns
from hookyard.kit.ids import IdMaker


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Checklists and test runs, which tell reviews of news, and reviews."""

    checklists: Checklists
    test_runs: TestRuns
    manifests: Manifests
    sources: Sources
    reviews: Reviews
    desk: Desk


def reviewing(
    ledger: Ledger, publisher: Publisher, audit: Audit, ids: IdMaker, told: Told
) -> Reviewing:
    """The rooms, each told of by a plain callable that runs in its own unit.

    `told` hears of verdicts that turned.
    """

    def scan(unit: Unit, found: Found) -> None:
        origin = Origin(
            found.repository, found.head_sha, found.run_id, found.attempt, found.artifact_id,
            found.artifact_digest, found.member, found.from_fork, found.artifact_name,
        )  # fmt: skip
        job = health_job(origin, found.blob, found.pull_requests, found.delivery_id)
        ledger.enqueue(unit, job)

    listening = Listening(ledger)
    checklists = Checklists(ids, publisher, publisher.get, listening.checklist_changed)
    testruns = TestRuns(ids, listening.results_stored, scan)
    sources = Sources(checklists, testruns)
    judging = Judging(sources, publisher, ids, told)
    reviews = Reviews(sources, judging, publisher.get, ids)
    desk = Desk(reviews, checklists, ledger, publisher, audit)
    manifests = Manifests(ids, partial(open_criteria, reviews))
    return Reviewing(checklists, testruns, manifests, sources, reviews, desk)
