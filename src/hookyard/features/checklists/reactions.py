"""Which events lead to work on a checklist: an issue that was opened, edited or reopened."""

from hookyard.core.ingress.model import Event
from hookyard.core.ingress.reactions import Decided, Ignored, Reaction
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.features.checklists.jobs import job_for
from hookyard.features.checklists.model import MAX_NUMBER
from hookyard.kit.json import JsonObject, as_int, as_object, as_text


def on_issue(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """One extraction of the issue's words as the event carries them."""
    issue = as_object(event.payload.get("issue"))
    number = as_int(issue.get("number"))
    if event.repository is None or number is None or not 1 <= number <= MAX_NUMBER:
        return Ignored("the event names no issue of a repository")
    if "pull_request" in issue:
        return Ignored("the event is about a pull request, not an issue")
    words: JsonObject = {
        "title": as_text(issue.get("title")),
        "body": as_text(issue.get("body")),
        "updated_at": as_text(issue.get("updated_at")),
    }
    job = job_for(
        event.repository,
        number,
        issue=words,
        installation_id=event.installation_id,
        comment=config.criteria.comment,
    )
    return Decided((job,))


REACTIONS = (
    Reaction("criteria", "github", "issues", frozenset({"opened", "edited", "reopened"}), on_issue),
)
