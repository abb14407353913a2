"""Which events and commands lead to work on reviews. Pure."""

from dataclasses import asdict

from hookyard.core.ingress.model import CommandKind, Event
from hookyard.core.ingress.reactions import CommandReaction, Decided, Given, Ignored, Reaction
from hookyard.core.jobs.model import NewJob
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.features.reviews.commands import CHECK, takes
from hookyard.features.reviews.newjobs import (
    COMMAND,
    group_job,
    key_of,
    pull_job,
    run_job,
)
from hookyard.features.reviews.wire import carried, group_of, policy_of, pull_of, run_of
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text, dig

PULL_ACTIONS = frozenset(
    {
        "opened",
        "synchronize",
        "reopened",
        "edited",
        "ready_for_review",
        "converted_to_draft",
        "closed",
    }
)
RUN_ACTIONS = frozenset({"requested", "in_progress", "completed"})
MAX_PULLS = 20


def on_pull_request(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """Take in what the event carries, under the base branch's policy, and judge it."""
    data = carried(as_object(event.payload.get("pull_request")))
    repository = event.repository
    pull = None if repository is None else pull_of(repository, data)
    if repository is None or pull is None:
        return Ignored("the event names no pull request of a repository")
    job = pull_job(
        repository,
        pull.number,
        cause=f"pull request {event.action}",
        pull=data,
        policy=asdict(policy_of(config.criteria)),
        installation_id=event.installation_id,
    )
    return Decided((job,))


def on_workflow_run(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """Note that a run began or ended, so that nothing is concluded meanwhile."""
    data = as_object(event.payload.get("workflow_run"))
    run = run_of(data, event.action or "")
    if event.repository is None or run is None:
        return Ignored("the event names no workflow run")
    return Decided((run_job(event.repository, run),))


def on_check(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """Somebody wants our check, or all of ours on a commit, to run again."""
    what = as_object(event.payload.get(event.name))
    if event.name == "check_run" and as_text(what.get("name")) != CHECK:
        return Ignored("the check is not one of reviews'")
    jobs = _of_head(event, what)
    return Decided(jobs) if jobs else Ignored("the event names no commit of a repository")


def _of_head(event: Event, what: JsonObject) -> tuple[NewJob, ...]:
    """One job for the commit: `review.command` finds the pull requests that have it as head."""
    if event.repository is None or not as_text(what.get("head_sha")):
        return ()
    return (_command(event, "revalidate", "", None, None, as_text(what.get("head_sha"))),)


def on_merge_group(event: Event, config: RepositoryConfig) -> Decided | Ignored:
    """A merge queue wants a verdict on a group, or gave it up."""
    state = "open" if event.action == "checks_requested" else "gone"
    if event.repository is None:
        return Ignored("the event names no repository")
    group = group_of(event.repository, as_object(event.payload.get("merge_group")), state)
    if group is None:
        return Ignored("the merge group names no pull request")
    return Decided((group_job(group, f"merge group {event.action}"),))


def on_command(given: Given) -> Decided | Ignored:
    """One job that does the command."""
    command, event = given.command, given.event
    is_button = command.kind is CommandKind.ACTION
    head_sha = as_text(dig(event.payload, "check_run", "head_sha")) if is_button else ""
    number = None if is_button else command.number
    job = _command(event, command.name, command.text, number, command.comment_id, head_sha)
    return Decided((job,))


def _command(
    event: Event,
    word: str,
    text: str,
    number: int | None,
    comment_id: int | None,
    head_sha: str,
) -> NewJob:
    repository = event.repository or ""
    payload: JsonObject = {
        "word": word,
        "text": text,
        "repository": repository,
        "number": number,
        "comment_id": comment_id,
        "head_sha": head_sha,
        "login": event.actor,
        "pull_requests": _numbers(event),
    }
    key = key_of(repository, number) if number else f"review:{repository.lower()}@{head_sha}"
    return NewJob(COMMAND.name, payload, key=key, repository=repository)


def _numbers(event: Event) -> list[int]:
    """The pull requests a check event names; none where the head is in a fork."""
    found = as_list(dig(event.payload, event.name, "pull_requests"))[:MAX_PULLS]
    numbers = [as_int(dig(one, "number")) for one in found]
    return [number for number in numbers if number is not None]


REACTIONS = (
    Reaction("reviews", "github", "pull_request", PULL_ACTIONS, on_pull_request, hears_bots=True),
    Reaction(
        "review runs", "github", "workflow_run", RUN_ACTIONS, on_workflow_run, hears_bots=True
    ),
    Reaction("reviews again", "github", "check_run", frozenset({"rerequested"}), on_check),
    Reaction("reviews all again", "github", "check_suite", frozenset({"rerequested"}), on_check),
    Reaction(
        "merge groups",
        "github",
        "merge_group",
        frozenset({"checks_requested", "destroyed"}),
        on_merge_group,
        hears_bots=True,
    ),
)
COMMANDS = (CommandReaction("reviews", takes, on_command),)
