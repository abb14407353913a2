"""Event → jobs and effects: the routing decision, pure, and it always says why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookyard.core.ingress.model import (
    Command,
    CommandKind,
    DeliveryStatus,
    Event,
    SourceConfig,
)
from hookyard.core.ingress.reactions import (
    CommandReaction,
    Decided,
    Given,
    Ignored,
    Reaction,
)
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.model import KeyPolicy, Lane, NewJob
from hookyard.core.publishing.defuse import code, defuse
from hookyard.core.publishing.model import CommentEffect, Effect, ReactionEffect
from hookyard.core.repositories.config import ConfigInvalid, RepositoryConfig
from hookyard.core.repositories.rules import PermissionDecision
from hookyard.kit.json import as_int, dig


@dataclass(frozen=True, slots=True)
class OwnApp:
    """Who we are on GitHub, to know our own echoes."""

    app_id: str | None
    slug: str | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether one command may run, and why."""

    command: Command
    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Routing:
    """What a delivery leads to. `reason` is set whenever there is something to explain.

    `asides` answer people without the right: they yield to everything else in the write budget,
    so that strangers cannot spend it.
    """

    status: DeliveryStatus
    reason: str | None
    jobs: tuple[NewJob, ...] = ()
    effects: tuple[Effect, ...] = ()
    asides: tuple[Effect, ...] = ()
    refused: tuple[Ruling, ...] = ()


def echo_reason(event: Event, own: OwnApp) -> str | None:
    """Why an event is our own doing, or None when it is somebody else's."""
    if own.app_id is not None and event.provider == "github" and event.app_id == own.app_id:
        return "our own echo: this App caused the event"
    ours = f"{own.slug}[bot]".lower()
    if own.slug and event.provider == "github" and event.actor.lower() == ours:
        return f"our own echo: the actor is {event.actor}"
    return None


def loop_reason(event: Event, config: RepositoryConfig) -> str | None:
    """Why an actor is not listened to, or None when they are."""
    if not config.enabled:
        return "the repository's configuration says enabled: false"
    if event.actor.lower() in config.ignore.actors:
        return f"the repository's configuration ignores {event.actor}"
    return None


def bot_reason(event: Event, config: RepositoryConfig) -> str | None:
    """Why only reactions to facts hear of an event, or None when all do."""
    if event.actor_is_bot and config.ignore.bots:
        return f"{event.actor or 'the actor'} is a bot, and bots are ignored (ignore.bots)"
    return None


def rule_on(
    command: Command,
    event: Event,
    source: SourceConfig,
    permission: PermissionDecision | None,
) -> Ruling:
    """Whether a command may run: bots never; GitHub by permission; others by the source's list.

    An empty list allows nobody. `*` allows everyone the provider lets through; alerts, which
    nobody gives, need the word `alerts` or `*`.
    """
    if event.actor_is_bot and command.kind is not CommandKind.ALERT:
        return Ruling(command, allowed=False, reason="commands of bots are not run")
    if event.provider == "github":
        if permission is None:
            return Ruling(command, allowed=False, reason="their permission could not be read")
        return Ruling(command, permission.allowed, permission.reason)
    names = {who.lower() for who in source.allow}
    if "*" in names:
        return Ruling(command, allowed=True, reason=f"source {source.id} allows everyone")
    if command.kind is CommandKind.ALERT:
        if "alerts" in names:
            return Ruling(command, allowed=True, reason=f"source {source.id} allows alerts")
        reason = f"source {source.id} does not list `alerts` under allow"
        return Ruling(command, allowed=False, reason=reason)
    for who in (command.actor_id, command.actor):
        if who and who.lower() in names:
            return Ruling(command, allowed=True, reason=f"{who} is listed in source {source.id}")
    who = command.actor or command.actor_id or "the sender"
    reason = f"{who} is not listed under allow of source {source.id}"
    return Ruling(command, allowed=False, reason=reason)


def lane_of(command: Command, config: RepositoryConfig) -> Lane:
    """The repository's rule for the command, else high for people and default for alerts."""
    chosen = config.lanes.get(command.name.lower())
    if chosen is not None:
        return Lane(chosen)
    return Lane.DEFAULT if command.kind is CommandKind.ALERT else Lane.HIGH


def task_job(
    ruling: Ruling, event: Event, source: SourceConfig, config: RepositoryConfig, delivery_id: str
) -> NewJob:
    """The `agent.task` job of an allowed command; tasks on one subject run one after another.

    Its `repository` is one on GitHub: named by the command, or where a GitHub event came from.
    """
    command = ruling.command
    # why: other forges have repositories of their own, whose paths can look like ours.
    own = event.repository if event.provider == "github" else None
    repository = command.repository or own
    key = None
    if repository is not None and command.number is not None:
        key = f"agent:{repository.lower()}#{command.number}"
    elif event.subject is not None:
        key = f"agent:{event.provider}:{event.subject}"
    return NewJob(
        AGENT_TASK,
        {
            "command": command.name,
            "text": command.text,
            "kind": command.kind.value,
            "provider": event.provider,
            "source": source.id,
            "event": event.name,
            "actor": command.actor or event.actor,
            "repository": repository,
            "number": command.number,
            "comment_id": command.comment_id,
            "subject": event.subject,
            "delivery_id": delivery_id,
            "allowed_because": ruling.reason,
        },
        lane=lane_of(command, config),
        key=key,
        policy=KeyPolicy.QUEUE,
        delivery_id=delivery_id,
        repository=repository,
    )


def answers_of(ruling: Ruling, event: Event) -> Sequence[Effect]:
    """What the person sees on GitHub: a reaction, and the reason when it is a refusal."""
    command = ruling.command
    if event.provider != "github" or event.repository is None or command.number is None:
        return ()
    effects: list[Effect] = []
    if event.name in ("issue_comment", "issues", "pull_request"):
        content = "eyes" if ruling.allowed else "confused"
        effects.append(
            ReactionEffect(event.repository, command.number, command.comment_id, content)
        )
    if not ruling.allowed and not event.actor_is_bot:
        body = (
            f"@{defuse_login(command.actor)}: {code(command.name)} was not run. "
            f"{defuse(ruling.reason)}."
        )
        effects.append(CommentEffect(event.repository, command.number, "refusal", body))
    return effects


def defuse_login(login: str) -> str:
    """A GitHub login as it is, anything else made harmless."""
    return login if login.replace("-", "").isalnum() and login.isascii() else defuse(login)


def reject_config(event: Event, invalid: ConfigInvalid) -> Routing:
    """Nothing of a broken configuration holds: say so where the event came from, with the line."""
    effects: tuple[Effect, ...] = ()
    number = number_of(event)
    if event.repository is not None and number is not None:
        where = f"{invalid.path}, line {invalid.line}"
        body = (
            f"The configuration of this repository cannot be used, so nothing was done.\n\n"
            f"{code(where)}: {defuse(invalid.reason)}"
        )
        effects = (CommentEffect(event.repository, number, "configuration", body),)
    reason = f"the repository's configuration is not valid: {invalid}"
    return Routing(DeliveryStatus.IGNORED, reason, effects=effects)


def number_of(event: Event) -> int | None:
    """The issue or pull request an event of GitHub is about."""
    for name in ("issue", "pull_request"):
        number = as_int(dig(event.payload, name, "number"))
        if number is not None:
            return number
    return None


def decide(
    event: Event,
    source: SourceConfig,
    config: RepositoryConfig,
    rulings: Sequence[Ruling],
    reactions: Sequence[Reaction],
    delivery_id: str,
    takers: Sequence[CommandReaction] = (),
) -> Routing:
    """The whole routing of an event nobody guards against.

    A command goes to the first of `takers` that takes it; any other is an agent task.
    """
    jobs: list[NewJob] = []
    effects: list[Effect] = []
    asides: list[Effect] = []
    reasons: list[str] = []
    for ruling in rulings:
        (effects if ruling.allowed else asides).extend(answers_of(ruling, event))
        match _work(ruling, event, source, config, takers, delivery_id):
            case Decided(jobs=decided):
                jobs.extend(_for_delivery(job, delivery_id) for job in decided)
            case Ignored(reason=why):
                reasons.append(why)
    for reaction in reactions:
        if not reaction.wants(event):
            continue
        match reaction.react(event, config):
            case Decided(jobs=decided):
                jobs.extend(_for_delivery(job, delivery_id) for job in decided)
            case Ignored(reason=why):
                reasons.append(why)
    refused = tuple(ruling for ruling in rulings if not ruling.allowed)
    reason = "; ".join(reasons) or None
    if jobs:
        return Routing(
            DeliveryStatus.ROUTED, reason, tuple(jobs), tuple(effects), tuple(asides), refused
        )
    return Routing(
        DeliveryStatus.IGNORED,
        reason or f"nothing here reacts to {described(event)}",
        (),
        tuple(effects),
        tuple(asides),
        refused,
    )


def _work(
    ruling: Ruling,
    event: Event,
    source: SourceConfig,
    config: RepositoryConfig,
    takers: Sequence[CommandReaction],
    delivery_id: str,
) -> Decided | Ignored:
    """What an allowed command leads to, or why one leads to nothing."""
    command = ruling.command
    if not ruling.allowed:
        return Ignored(f"refused {command.name}: {ruling.reason}")
    for taker in takers:
        if taker.takes(command, event):
            return taker.react(Given(command, event, config, ruling.reason, delivery_id))
    if command.kind is CommandKind.ACTION:
        return Ignored(f"nothing here takes the action {command.name}")
    return Decided((task_job(ruling, event, source, config, delivery_id),))


def described(event: Event) -> str:
    """`issues.opened`, or the bare name of an event without an action."""
    return f"{event.name}.{event.action}" if event.action else event.name


def _for_delivery(job: NewJob, delivery_id: str) -> NewJob:
    if job.delivery_id == delivery_id:
        return job
    return replace(job, delivery_id=delivery_id)
