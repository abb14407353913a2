"""What reviews does when a room below tells of news: it enqueues, and nothing else."""

from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.port import JobRequests
from hookyard.features.checklists.model import ChecklistChanged
from hookyard.features.reviews import store
from hookyard.features.reviews.model import RunState
from hookyard.features.reviews.newjobs import run_job, validate_job
from hookyard.features.testruns.model import ResultsStored

MAX_REVIEWS = 200
"""Pull requests looked at again for one change of an issue."""


class Listening:
    """Listeners for checklists and test runs, called inside their units."""

    def __init__(self, jobs: JobRequests) -> None:
        self._jobs = jobs

    def checklist_changed(self, unit: Unit, news: ChecklistChanged) -> None:
        """Criteria changed: judge every pull request that is about the issue again."""
        cause = f"the criteria of #{news.number} changed (revision {news.revision})"
        for review in store.by_issue(unit, news.repository, news.number, MAX_REVIEWS):
            job = validate_job(review.pull.repository, review.pull.number, cause)
            self._jobs.enqueue(unit, replace(job, delivery_id=news.delivery_id))

    def results_stored(self, unit: Unit, news: ResultsStored) -> None:
        """Results of a run are there: judge the pull requests of its commit."""
        run = RunState(news.run_id, news.attempt, news.head_sha, "stored")
        job = run_job(news.repository, run, pull_requests=news.pull_requests)
        self._jobs.enqueue(unit, replace(job, delivery_id=news.delivery_id))
