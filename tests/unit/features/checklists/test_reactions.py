"""Only words of issues lead to work, and the work carries them."""

import pytest

from hookyard.core.ingress.model import Event
from hookyard.core.ingress.reactions import Decided, Ignored
from hookyard.core.repositories.config import CriteriaConfig, RepositoryConfig
from hookyard.features.checklists.reactions import REACTIONS, on_issue, on_repository
from hookyard.kit.json import Json, JsonObject

ISSUE: dict[str, Json] = {
    "number": 7,
    "title": "Save",
    "body": None,
    "updated_at": "2026-01-02T03:04:05Z",
    "state": "open",
    "html_url": "https://github.com/Octo/Hello/issues/7",
    "user": {"login": "mona"},
}
THERE: JsonObject = {"full_name": "octo/other"}


def event(
    action: str = "opened",
    *,
    name: str = "issues",
    provider: str = "github",
    repository: str | None = "Octo/Hello",
    issue: Json = ISSUE,
    changes: JsonObject | None = None,
) -> Event:
    return Event(
        provider=provider,
        name=name,
        action=action,
        repository=repository,
        subject=None,
        actor="mona",
        actor_id="1",
        actor_is_bot=False,
        app_id=None,
        installation_id=99,
        payload={"issue": issue, "changes": changes},
    )


def wanted(candidate: Event) -> bool:
    return any(reaction.wants(candidate) for reaction in REACTIONS)


@pytest.mark.parametrize(
    "action", ["opened", "edited", "reopened", "closed", "deleted", "transferred"]
)
def test_changed_words_of_an_issue_are_wanted(action: str) -> None:
    assert wanted(event(action))


@pytest.mark.parametrize(
    "other",
    [
        event("labeled"),
        event("pinned"),
        event("opened", name="pull_request"),
        event("created", name="issue_comment"),
        event("opened", provider="gitlab"),
    ],
)
def test_everything_else_is_left_alone(other: Event) -> None:
    assert not wanted(other)


def test_the_job_carries_the_words_and_is_keyed_by_issue() -> None:
    decided = on_issue(event(), RepositoryConfig())
    assert isinstance(decided, Decided)
    (job,) = decided.jobs
    assert (job.kind, job.key, job.repository) == (
        "criteria.extract",
        "criteria:octo/hello#7",
        "Octo/Hello",
    )
    assert job.payload == {
        "repository": "Octo/Hello",
        "number": 7,
        "issue": {
            "title": "Save",
            "body": "",
            "updated_at": "2026-01-02T03:04:05Z",
            "state": "open",
            "html_url": "https://github.com/Octo/Hello/issues/7",
            "user": {"login": "mona"},
        },
        "installation_id": 99,
        "comment": True,
    }


def test_a_repository_may_do_without_the_comment() -> None:
    decided = on_issue(event(), RepositoryConfig(criteria=CriteriaConfig(comment=False)))
    assert isinstance(decided, Decided)
    assert decided.jobs[0].payload["comment"] is False


@pytest.mark.parametrize(
    "odd",
    [
        event(repository=None),
        event(issue=None),
        event(issue={**ISSUE, "number": "7"}),
        event(issue={**ISSUE, "number": 0}),
        event(issue={**ISSUE, "number": 2**40}),
        event(issue={**ISSUE, "pull_request": {}}),
    ],
)
def test_an_event_without_an_issue_is_ignored_with_a_reason(odd: Event) -> None:
    ignored = on_issue(odd, RepositoryConfig())
    assert isinstance(ignored, Ignored)
    assert ignored.reason


@pytest.mark.parametrize(
    ("candidate", "gone"),
    [
        (event("deleted"), "deleted"),
        (
            event("transferred", changes={"new_issue": {"number": 3}, "new_repository": THERE}),
            "transferred to octo/other#3",
        ),
        (event("transferred"), "transferred"),
        (event("transferred", changes={"new_issue": {"number": "3"}}), "transferred"),
    ],
)
def test_an_issue_that_left_is_noted_with_where_it_went(candidate: Event, gone: str) -> None:
    decided = on_issue(candidate, RepositoryConfig())
    assert isinstance(decided, Decided)
    assert decided.jobs[0].payload == {"repository": "Octo/Hello", "number": 7, "gone": gone}


def test_an_issue_that_was_transferred_here_says_from_where() -> None:
    changes: JsonObject = {"old_issue": {"number": 3}, "old_repository": THERE}
    decided = on_issue(event(changes=changes), RepositoryConfig())
    assert isinstance(decided, Decided)
    payload = decided.jobs[0].payload
    assert payload["moved_from"] == {"repository": "octo/other", "number": 3}


def renamed(action: str, changes: JsonObject | None) -> Event:
    return event(action, name="repository", repository="New/Shop", changes=changes)


@pytest.mark.parametrize(
    ("candidate", "old"),
    [
        (renamed("renamed", {"repository": {"name": {"from": "Store"}}}), "New/Store"),
        (renamed("transferred", {"owner": {"from": {"user": {"login": "mona"}}}}), "mona/Shop"),
        (
            renamed("transferred", {"owner": {"from": {"organization": {"login": "acme"}}}}),
            "acme/Shop",
        ),
    ],
)
def test_a_repository_with_another_name_is_followed(candidate: Event, old: str) -> None:
    assert wanted(candidate)
    decided = on_repository(candidate, RepositoryConfig())
    assert isinstance(decided, Decided)
    assert decided.jobs[0].payload == {"old": old, "new": "New/Shop"}


@pytest.mark.parametrize(
    "odd",
    [
        renamed("renamed", None),
        renamed("renamed", {"repository": {"name": {"from": "SHOP"}}}),
        renamed("renamed", {"repository": {"name": {"from": "a/b"}}}),
        renamed("transferred", {"owner": {"from": {"user": 3}}}),
    ],
)
def test_a_repository_without_a_former_name_is_left_alone(odd: Event) -> None:
    assert isinstance(on_repository(odd, RepositoryConfig()), Ignored)
