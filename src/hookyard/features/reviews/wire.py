"""GitHub's pull requests, workflow runs and merge groups as this room's values. Pure; strangers'
values are checked, and what does not fit is None."""

import re
from collections.abc import Sequence

from hookyard.core.repositories.config import CriteriaConfig
from hookyard.features.checklists.links import PullText, Ref, find_links
from hookyard.features.reviews.model import (
    RUN_STATES,
    Group,
    Link,
    Policy,
    Pull,
    RunState,
)
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text, dig
from hookyard.kit.names import MAX_NUMBER, is_sha
from hookyard.kit.text import storable

MAX_ID = 2**63 - 1
MAX_BODY = 262_144
_GROUP = re.compile(r"refs/heads/gh-readonly-queue/.{1,250}/pr-([1-9][0-9]{0,9})-[0-9a-f]{40,64}")


def carried(pull: JsonObject) -> JsonObject:
    """The parts of GitHub's pull request that a job's payload carries."""
    return {
        "number": pull.get("number"),
        "title": as_text(pull.get("title")),
        "body": as_text(pull.get("body")),
        "state": as_text(pull.get("state")),
        "draft": pull.get("draft") is True,
        "merged": pull.get("merged") is True or pull.get("merged_at") is not None,
        "updated_at": as_text(pull.get("updated_at")),
        "user": {"login": as_text(dig(pull, "user", "login"))},
        "head": _side(pull.get("head")),
        "base": _side(pull.get("base")),
    }


def pull_of(repository: str, data: JsonObject) -> Pull | None:
    """A pull request; None when a part that names it is missing."""
    number = as_int(data.get("number"))
    head_sha, base_sha = as_text(dig(data, "head", "sha")), as_text(dig(data, "base", "sha"))
    try:
        updated_at_ms = from_rfc3339(as_text(data.get("updated_at")))
    except (ValueError, OverflowError):
        return None
    if number is None or not 1 <= number <= MAX_NUMBER or updated_at_ms < 0:
        return None
    if not (is_sha(head_sha) and is_sha(base_sha)):
        return None
    state = "closed" if as_text(data.get("state")) == "closed" else "open"
    if data.get("merged") is True or data.get("merged_at") is not None:
        state = "merged"
    return Pull(
        repository=repository,
        number=number,
        title=storable(as_text(data.get("title"))),
        author=storable(as_text(dig(data, "user", "login")))[:100],
        state=state,
        draft=data.get("draft") is True,
        head_sha=head_sha,
        head_ref=storable(as_text(dig(data, "head", "ref")))[:255],
        head_repository=storable(as_text(dig(data, "head", "repo", "full_name")))[:200],
        base_ref=storable(as_text(dig(data, "base", "ref")))[:255],
        base_sha=base_sha,
        body=storable(as_text(data.get("body")))[:MAX_BODY],
        updated_at_ms=updated_at_ms,
    )


def links_of(pull: Pull, references: Sequence[tuple[str, int]] = ()) -> tuple[Link, ...]:
    """The issues a pull request is about; its own number is none of them.

    `references` are those that GitHub itself says it closes.
    """
    known = tuple(Ref(repository, number) for repository, number in references)
    text = PullText(pull.repository, pull.title, pull.body, pull.head_ref, references=known)
    own = (pull.repository.lower(), pull.number)
    return tuple(
        Link(found.repository, found.number, found.kind.value, found.confidence.value)
        for found in find_links(text).links
        if (found.repository.lower(), found.number) != own
    )


def policy_of(config: CriteriaConfig) -> Policy:
    """The policy a repository's configuration names."""
    return Policy(
        check=config.check,
        no_criteria=config.no_criteria,
        no_evidence=config.no_evidence,
        flaky=config.flaky,
        forks=config.forks,
        unreadable_reports=config.unreadable_reports,
        merge_group=config.merge_group,
    )


def run_of(run: JsonObject, state: str) -> RunState | None:
    """How far a workflow run is; None for a run that cannot be told apart."""
    run_id, attempt = as_int(run.get("id")), as_int(run.get("run_attempt")) or 1
    head_sha = as_text(run.get("head_sha"))
    if run_id is None or not 1 <= run_id <= MAX_ID or not 1 <= attempt <= MAX_NUMBER:
        return None
    if state not in RUN_STATES or not is_sha(head_sha):
        return None
    return RunState(run_id, attempt, head_sha, state)


def group_of(repository: str, data: JsonObject, state: str) -> Group | None:
    """A merge group; None when its branch names no pull request.

    # spec: docs.github.com, webhook event merge_group: `head_ref` is
    # refs/heads/gh-readonly-queue/BASE/pr-NUMBER-SHA.
    """
    head_sha, head_ref = as_text(data.get("head_sha")), as_text(data.get("head_ref"))
    found = _GROUP.fullmatch(head_ref)
    if found is None or not is_sha(head_sha) or int(found[1]) > MAX_NUMBER:
        return None
    return Group(repository, head_sha, storable(head_ref), int(found[1]), state)


def _side(side: Json) -> JsonObject:
    return {
        "ref": as_text(dig(side, "ref")),
        "sha": as_text(dig(side, "sha")),
        "repo": {"full_name": as_text(dig(as_object(side), "repo", "full_name"))},
    }
