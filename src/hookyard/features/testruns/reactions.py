"""Which events lead to reading test results: a workflow run that ended, however it ended."""

from hookyard.core.ingress.model import Event
from hookyard.core.ingress.reactions import Decided, Ignored, Reaction
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.features.testruns.facts import facts_of_run
from hookyard.features.testruns.jobs import job_for
from hookyard.kit.json import as_object


def on_workflow_run(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """One reading of the artifacts of the attempt that ended."""
    facts = facts_of_run(event.repository or "", as_object(event.payload.get("workflow_run")))
    if facts is None:
        return Ignored("the event names no workflow run of a commit")
    job = job_for(facts, config.tests.artifacts, installation_id=event.installation_id)
    return Decided((job,))


REACTIONS = (
    Reaction(
        "test results",
        "github",
        "workflow_run",
        frozenset({"completed"}),
        on_workflow_run,
        hears_bots=True,
    ),
)
