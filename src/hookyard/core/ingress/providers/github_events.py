"""What a GitHub payload means: repository, subject, actor, loop facts, and its commands."""

import re
from collections.abc import Iterator

from hookyard.core.ingress.model import Command, CommandKind, Event, Unparsable
from hookyard.core.ingress.providers import mentions
from hookyard.core.ingress.providers.github_shapes import mismatch
from hookyard.core.ingress.providers.wire import name_of, word
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text, dig

_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")

# The object an event speaks about, and the actions on which the sender made that object.
_MADE = {
    "issues": ("issue", frozenset({"opened"})),
    "issue_comment": ("comment", frozenset({"created"})),
    "commit_comment": ("comment", frozenset({"created"})),
    "pull_request": ("pull_request", frozenset({"opened"})),
    "pull_request_review": ("review", frozenset({"submitted"})),
    "pull_request_review_comment": ("comment", frozenset({"created"})),
    "discussion": ("discussion", frozenset({"created"})),
    "discussion_comment": ("comment", frozenset({"created"})),
}
_RUNS = {"check_run": "check_run", "check_suite": "check_suite"}
_PRESSED = frozenset({"rerequested", "requested_action"})
_SPEAKING = frozenset(
    {
        "issues",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
    }
)


def event_of(name: str, payload: JsonObject) -> Event | Unparsable:
    """The event, or why the payload cannot be one of this name."""
    reason = mismatch(name, payload)
    if reason is not None:
        return Unparsable("event_mismatch", reason)
    sender = as_object(payload.get("sender"))
    actor = name_of(sender.get("login"))
    repository = full_name(dig(payload, "repository", "full_name"))
    action = word(payload.get("action"), 64) or None
    return Event(
        provider="github",
        name=name,
        action=action,
        repository=repository,
        subject=_subject(payload, repository),
        actor=actor,
        actor_id=name_of(sender.get("id")),
        actor_is_bot=as_text(sender.get("type")) == "Bot" or actor.endswith("[bot]"),
        app_id=_app_id(name, action, payload),
        installation_id=as_int(dig(payload, "installation", "id")),
        payload=payload,
    )


def full_name(value: Json) -> str | None:
    """`owner/name` when the value has that shape."""
    text = as_text(value)
    return text if _FULL_NAME.fullmatch(text) else None


def number_of(payload: JsonObject) -> int | None:
    """The issue or pull request a payload is about."""
    for key in ("issue", "pull_request"):
        number = as_int(dig(payload, key, "number"))
        if number is not None and number > 0:
            return number
    return None


def commands_of(event: Event, app_slug: str) -> tuple[Command, ...]:
    """Commands in the text that this event brought, at most ten; or the button pressed on a check.

    # spec: docs.github.com, webhook event check_run: `requested_action.identifier`.
    """
    if (event.name, event.action) == ("check_run", "requested_action"):
        return _pressed(event)
    text, comment_id = _said(event)
    if not text or event.repository is None:
        return ()
    return tuple(
        Command(
            kind=CommandKind.MENTION if found.is_mention else CommandKind.COMMENT,
            name=found.name,
            text=found.text,
            actor=event.actor,
            actor_id=event.actor_id,
            repository=event.repository,
            number=number_of(event.payload),
            comment_id=comment_id,
        )
        for found in mentions.find(text, app_slug)
    )


def _pressed(event: Event) -> tuple[Command, ...]:
    name = word(dig(event.payload, "requested_action", "identifier"), 20).lower()
    if not name or event.repository is None:
        return ()
    pulls = as_list(dig(event.payload, "check_run", "pull_requests"))
    numbers = [as_int(dig(pull, "number")) for pull in pulls[:1]]
    return (
        Command(
            kind=CommandKind.ACTION,
            name=name,
            text="",
            actor=event.actor,
            actor_id=event.actor_id,
            repository=event.repository,
            number=numbers[0] if numbers else None,
        ),
    )


def _said(event: Event) -> tuple[str, int | None]:
    """The text the sender just wrote, and the issue or review comment that carries it."""
    made = _MADE.get(event.name)
    if made is None or event.name not in _SPEAKING or event.action not in made[1]:
        return "", None
    thing = as_object(event.payload.get(made[0]))
    is_comment = made[0] == "comment"
    return as_text(thing.get("body")), as_int(thing.get("id")) if is_comment else None


def _subject(payload: JsonObject, repository: str | None) -> str | None:
    if repository is not None:
        number = number_of(payload)
        return repository if number is None else f"{repository}#{number}"
    installation = as_int(dig(payload, "installation", "id"))
    if installation is not None:
        return f"installation:{installation}"
    return word(dig(payload, "organization", "login")) or None


def _app_id(name: str, action: str | None, payload: JsonObject) -> str | None:
    """The App behind the event.

    # why: on an edit `performed_via_github_app` still names who made the comment, not who
    # edited it, so it counts only on the action that made the object.
    """
    for app in _apps(name, action, payload):
        number = as_int(dig(app, "id"))
        if number is not None:
            return str(number)
    return None


def _apps(name: str, action: str | None, payload: JsonObject) -> Iterator[Json]:
    # why: a person pressed the button; `app` there is whose check it was pressed on.
    if name in _RUNS and action not in _PRESSED:
        yield dig(payload, _RUNS[name], "app")
    made = _MADE.get(name)
    if made is not None and action in made[1]:
        yield dig(payload, made[0], "performed_via_github_app")
    if name in ("deployment", "deployment_status"):
        yield dig(payload, name, "performed_via_github_app")
