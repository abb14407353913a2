"""Which events lead to work on a checklist: an issue that was opened, edited, reopened,
closed, deleted or transferred, a repository that was renamed or transferred."""

from hookyard.core.ingress.model import Event
from hookyard.core.ingress.reactions import Decided, Ignored, Reaction
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.features.checklists.jobs import follow_job, job_for
from hookyard.kit.json import JsonObject, as_int, as_object, as_text
from hookyard.kit.names import MAX_NUMBER

GONE = frozenset({"deleted", "transferred"})


def on_issue(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """One extraction of the issue's words as the event carries them; or the note that it left."""
    issue = as_object(event.payload.get("issue"))
    number = as_int(issue.get("number"))
    if event.repository is None or number is None or not 1 <= number <= MAX_NUMBER:
        return Ignored("the event names no issue of a repository")
    if "pull_request" in issue:
        return Ignored("the event is about a pull request, not an issue")
    changes = as_object(event.payload.get("changes"))
    if event.action in GONE:
        return Decided((job_for(event.repository, number, gone=_where_to(event.action, changes)),))
    words: JsonObject = {
        "title": as_text(issue.get("title")),
        "body": as_text(issue.get("body")),
        "updated_at": as_text(issue.get("updated_at")),
        "state": as_text(issue.get("state")),
        "html_url": as_text(issue.get("html_url")),
        "user": {"login": as_text(as_object(issue.get("user")).get("login"))},
    }
    job = job_for(
        event.repository,
        number,
        issue=words,
        installation_id=event.installation_id,
        comment=config.criteria.comment,
        moved_from=_place(changes, "old"),
    )
    return Decided((job,))


def _where_to(action: str | None, changes: JsonObject) -> str:
    """`deleted`, or `transferred to owner/name#7`.

    # spec: issues.transferred carries changes.new_issue and changes.new_repository.
    """
    place = _place(changes, "new") if action == "transferred" else None
    if place is None:
        return str(action)
    return f"transferred to {as_text(place['repository'])}#{place['number']}"


def _place(changes: JsonObject, which: str) -> JsonObject | None:
    """The other place of a transferred issue; `which` is old or new."""
    repository = as_text(as_object(changes.get(f"{which}_repository")).get("full_name"))
    number = as_int(as_object(changes.get(f"{which}_issue")).get("number"))
    if repository.count("/") != 1 or number is None or not 1 <= number <= MAX_NUMBER:
        return None
    return {"repository": repository, "number": number}


def on_repository(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """What is kept of a repository follows its new name.

    # spec: repository.renamed carries changes.repository.name.from, repository.transferred
    # changes.owner.from.user or .organization.
    """
    owner, _, name = (event.repository or "").partition("/")
    changes = as_object(event.payload.get("changes"))
    before = as_object(as_object(changes.get("owner")).get("from"))
    was = as_object(before.get("user")) or as_object(before.get("organization"))
    renamed = as_object(as_object(changes.get("repository")).get("name"))
    old = f"{as_text(was.get('login')) or owner}/{as_text(renamed.get('from')) or name}"
    if event.repository is None or old.lower() == event.repository.lower() or old.count("/") != 1:
        return Ignored("the event names no former name of the repository")
    return Decided((follow_job(old, event.repository),))


REACTIONS = (
    Reaction(
        "criteria.follow",
        "github",
        "repository",
        frozenset({"renamed", "transferred"}),
        on_repository,
    ),
    Reaction(
        "criteria",
        "github",
        "issues",
        frozenset({"opened", "edited", "reopened", "closed", *GONE}),
        on_issue,
    ),
)
