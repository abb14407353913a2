"""The routing decision: who is listened to, who may, in which lane, under which key, and why."""

from collections.abc import Callable, Sequence

import pytest

from hookyard.core.ingress.decide import (
    OwnApp,
    Ruling,
    answers_of,
    bot_reason,
    decide,
    described,
    echo_reason,
    lane_of,
    loop_reason,
    rule_on,
    task_job,
)
from hookyard.core.ingress.model import (
    Command,
    CommandKind,
    DeliveryStatus,
    Event,
    SourceConfig,
)
from hookyard.core.ingress.reactions import CommandReaction, Decided, Ignored, Reaction
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.model import KeyPolicy, Lane, NewJob
from hookyard.core.publishing.model import CommentEffect, Effect, ReactionEffect
from hookyard.core.repositories.config import IgnoreConfig, RepositoryConfig
from hookyard.core.repositories.rules import PermissionDecision

OWN = OwnApp("42", "yard")
CONFIG = RepositoryConfig()
YES, NO = True, False
MakeEvent = Callable[..., Event]
MakeCommand = Callable[..., Command]
MakeSource = Callable[..., SourceConfig]


def may(allowed: bool) -> PermissionDecision:
    return PermissionDecision(allowed, "write", "write", "because GitHub says so")


# --- echoes and loops ---


def test_what_our_app_did_is_an_echo(event: MakeEvent) -> None:
    assert "this App" in (echo_reason(event(app_id="42"), OWN) or "")
    by_login = echo_reason(event(actor="Yard[bot]"), OwnApp(None, "yard"))
    assert by_login == "our own echo: the actor is Yard[bot]"


def test_others_are_no_echo(event: MakeEvent) -> None:
    assert echo_reason(event(), OWN) is None
    assert echo_reason(event(app_id="43", actor="other[bot]"), OWN) is None
    assert echo_reason(event(actor="None[bot]"), OwnApp(None, None)) is None
    assert echo_reason(event(app_id=None), OwnApp(None, None)) is None


def test_the_same_numbers_elsewhere_are_no_echo(event: MakeEvent) -> None:
    assert echo_reason(event(provider="sentry", app_id="42", actor="yard[bot]"), OWN) is None


@pytest.mark.parametrize(
    ("config", "changes", "word"),
    [
        (RepositoryConfig(enabled=False), {}, "enabled: false"),
        (
            RepositoryConfig(ignore=IgnoreConfig(actors=("alice",))),
            {"actor": "Alice"},
            "ignores Alice",
        ),
        (CONFIG, {"actor_is_bot": True, "actor": "dep[bot]"}, "dep[bot] is a bot"),
        (CONFIG, {"actor_is_bot": True, "actor": ""}, "the actor is a bot"),
    ],
)
def test_who_is_not_listened_to(
    event: MakeEvent, config: RepositoryConfig, changes: dict[str, object], word: str
) -> None:
    made = event(**changes)
    assert word in (loop_reason(made, config) or bot_reason(made, config) or "")


def test_who_is_listened_to(event: MakeEvent) -> None:
    assert loop_reason(event(), CONFIG) is None
    bots = RepositoryConfig(ignore=IgnoreConfig(bots=False))
    assert bot_reason(event(actor_is_bot=True), bots) is None


# --- who may ---


def test_on_github_the_permission_decides(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    for allowed in (True, False):
        ruling = rule_on(command(), event(), source("github", "*"), may(allowed))
        assert (ruling.allowed, ruling.reason) == (allowed, "because GitHub says so")


def test_an_unknown_permission_is_none(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    ruling = rule_on(command(), event(), source("github", "*"), None)
    assert not ruling.allowed
    assert "could not be read" in ruling.reason


@pytest.mark.parametrize("provider", ["github", "slack", "gitlab"])
def test_bots_give_no_commands(
    event: MakeEvent, command: MakeCommand, source: MakeSource, provider: str
) -> None:
    bot = event(provider=provider, actor_is_bot=True)
    ruling = rule_on(command(), bot, source(provider, "*"), may(YES))
    assert not ruling.allowed
    assert "bots" in ruling.reason


@pytest.mark.parametrize(
    ("allow", "kind", "allowed", "word"),
    [
        ((), CommandKind.SLASH, False, "not listed under allow of source slack"),
        (("bob",), CommandKind.SLASH, False, "alice is not listed"),
        (("ALICE",), CommandKind.SLASH, True, "alice is listed"),
        (("1",), CommandKind.LABEL, True, "1 is listed"),
        (("*",), CommandKind.COMMENT, True, "allows everyone"),
        (("alerts",), CommandKind.COMMENT, False, "not listed"),
        (("alerts",), CommandKind.ALERT, True, "allows alerts"),
        (("*",), CommandKind.ALERT, True, "allows everyone"),
        (("alice",), CommandKind.ALERT, False, "does not list `alerts`"),
        ((), CommandKind.ALERT, False, "does not list `alerts`"),
    ],
)
def test_elsewhere_the_sources_list_decides(
    event: MakeEvent,
    command: MakeCommand,
    source: MakeSource,
    allow: Sequence[str],
    kind: CommandKind,
    allowed: bool,
    word: str,
) -> None:
    ruling = rule_on(command(kind=kind), event(provider="slack"), source("slack", *allow), may(YES))
    assert ruling.allowed is allowed
    assert word in ruling.reason


def test_nobody_is_not_on_a_list(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    nobody = command(actor="", actor_id="")
    ruling = rule_on(nobody, event(provider="jira"), source("jira", ""), None)
    assert not ruling.allowed
    assert "the sender is not listed" in ruling.reason


# --- lanes and keys ---


def test_people_go_before_alerts_unless_the_repository_says_otherwise(command: MakeCommand) -> None:
    assert lane_of(command(), CONFIG) is Lane.HIGH
    assert lane_of(command(kind=CommandKind.ALERT), CONFIG) is Lane.DEFAULT
    config = RepositoryConfig(lanes={"fix": "bulk", "alert": "critical"})
    assert lane_of(command(name="FIX"), config) is Lane.BULK
    assert lane_of(command(kind=CommandKind.ALERT, name="alert"), config) is Lane.CRITICAL
    assert lane_of(command(name="other"), config) is Lane.HIGH


def job_of(event: Event, command: Command, source: SourceConfig) -> NewJob:
    return task_job(Ruling(command, YES, "may"), event, source, CONFIG, "d1")


def test_tasks_on_one_issue_share_a_key_however_it_is_written(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    job = job_of(event(), command(), source("github"))
    other = job_of(
        event(provider="slack", repository=None, subject="C1"),
        command(repository="acme/shop", kind=CommandKind.SLASH),
        source("slack", "*"),
    )
    assert job.key == other.key == "agent:acme/shop#7"
    assert job.policy is KeyPolicy.QUEUE
    assert (job.kind, job.delivery_id, job.repository) == (AGENT_TASK, "d1", "Acme/Shop")
    assert job.payload["allowed_because"] == "may"
    assert job.payload["comment_id"] == 99


@pytest.mark.parametrize("provider", ["gitlab", "bitbucket"])
def test_another_forges_path_is_no_repository_of_github(
    event: MakeEvent, command: MakeCommand, source: MakeSource, provider: str
) -> None:
    elsewhere = event(provider=provider, repository="acme/shop", subject="acme/shop!7")
    job = job_of(elsewhere, command(repository=None, number=7), source(provider, "*"))
    assert job.repository is None
    assert job.payload["repository"] is None
    assert job.key == f"agent:{provider}:acme/shop!7"
    named = job_of(elsewhere, command(repository="octo/garden", number=7), source(provider, "*"))
    assert named.repository == named.payload["repository"] == "octo/garden"


def test_without_a_subject_there_is_no_order(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    plain = event(provider="sentry", repository=None, subject=None)
    assert job_of(plain, command(repository=None, number=None), source("sentry")).key is None


# --- what the person sees ---


def answers(event: Event, command: Command, allowed: bool) -> list[Effect]:
    return list(answers_of(Ruling(command, allowed, "@bob has read permission"), event))


def test_an_allowed_command_gets_eyes(event: MakeEvent, command: MakeCommand) -> None:
    assert answers(event(), command(), YES) == [ReactionEffect("Acme/Shop", 7, 99, "eyes")]


def test_a_refused_one_gets_a_confused_face_and_the_reason(
    event: MakeEvent, command: MakeCommand
) -> None:
    reaction, comment = answers(event(), command(), NO)
    assert reaction == ReactionEffect("Acme/Shop", 7, 99, "confused")
    assert isinstance(comment, CommentEffect)
    assert comment.concern == "refusal"
    assert comment.body.startswith("@alice: `fix` was not run. ")
    assert "@bob" not in comment.body


def test_a_refused_bot_gets_no_comment_to_answer(event: MakeEvent, command: MakeCommand) -> None:
    assert [type(e) for e in answers(event(actor_is_bot=True), command(), NO)] == [ReactionEffect]


def test_reviews_get_no_reaction(event: MakeEvent, command: MakeCommand) -> None:
    review = event(name="pull_request_review_comment")
    assert answers(review, command(), YES) == []
    assert [type(e) for e in answers(review, command(), NO)] == [CommentEffect]


@pytest.mark.parametrize(
    ("event_changes", "command_changes"),
    [({"provider": "slack"}, {}), ({"repository": None}, {}), ({}, {"number": None})],
)
def test_where_github_has_no_place_nothing_is_shown(
    event: MakeEvent,
    command: MakeCommand,
    event_changes: dict[str, object],
    command_changes: dict[str, object],
) -> None:
    for allowed in (True, False):
        assert answers(event(**event_changes), command(**command_changes), allowed) == []


def test_a_hostile_command_name_stays_text(event: MakeEvent, command: MakeCommand) -> None:
    comment = answers(event(), command(name="`@team`", actor="<b>"), NO)[1]
    assert isinstance(comment, CommentEffect)
    assert "@<b>" not in comment.body
    assert "<b>" not in comment.body


# --- the whole ---


def wants(answer: Decided | Ignored) -> Reaction:
    return Reaction("r", "github", "issue_comment", frozenset({"created"}), lambda e, c: answer)


def test_an_event_nobody_wants_is_ignored_with_its_name(
    event: MakeEvent, source: MakeSource
) -> None:
    routing = decide(event(), source("github"), CONFIG, [], [], "d1")
    assert routing.status is DeliveryStatus.IGNORED
    assert routing.reason == "nothing here reacts to issue_comment.created"
    assert described(event(action=None)) == "issue_comment"


def test_a_reactions_job_carries_the_delivery(event: MakeEvent, source: MakeSource) -> None:
    reaction = wants(Decided((NewJob("criteria.extract", {}),)))
    routing = decide(event(), source("github"), CONFIG, [], [reaction], "d1")
    assert routing.status is DeliveryStatus.ROUTED
    assert [job.delivery_id for job in routing.jobs] == ["d1"]
    assert routing.reason is None


def test_a_reaction_that_declines_gives_its_reason(event: MakeEvent, source: MakeSource) -> None:
    routing = decide(event(), source("github"), CONFIG, [], [wants(Ignored("not today"))], "d1")
    assert (routing.status, routing.reason) == (DeliveryStatus.IGNORED, "not today")


def test_other_events_do_not_reach_a_reaction(event: MakeEvent, source: MakeSource) -> None:
    reaction = wants(Decided((NewJob("k", {}),)))
    for changes in ({"name": "issues"}, {"action": "edited"}, {"provider": "gitlab"}):
        routing = decide(event(**changes), source("github"), CONFIG, [], [reaction], "d1")
        assert routing.jobs == ()


def test_one_refused_and_one_allowed_command_are_both_told(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    rulings = [Ruling(command(), YES, "may"), Ruling(command(name="drop"), NO, "may not")]
    routing = decide(event(), source("github"), CONFIG, rulings, [], "d1")
    assert routing.status is DeliveryStatus.ROUTED
    assert [job.payload["command"] for job in routing.jobs] == ["fix"]
    assert [ruling.command.name for ruling in routing.refused] == ["drop"]
    assert routing.reason == "refused drop: may not"
    assert [type(effect) for effect in routing.effects] == [ReactionEffect]
    assert [type(effect) for effect in routing.asides] == [ReactionEffect, CommentEffect]


def test_only_refusals_make_an_ignored_delivery_that_still_answers(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    rulings = [Ruling(command(), NO, "may not")]
    routing = decide(event(), source("github"), CONFIG, rulings, [], "d1")
    assert (routing.status, routing.reason) == (DeliveryStatus.IGNORED, "refused fix: may not")
    assert len(routing.asides) == 2
    assert routing.effects == ()


def test_a_command_somebody_takes_is_no_agent_task(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    job = NewJob("review.command", {}, key="k")
    takers = (
        CommandReaction("none", lambda c, e: c.name == "other", lambda g: Ignored("no")),
        CommandReaction("mine", lambda c, e: c.name == "waive", lambda g: Decided((job,))),
    )
    mine = Ruling(command(name="waive"), YES, "may")
    theirs = Ruling(command(name="fix"), YES, "may")
    refused = Ruling(command(name="waive"), NO, "may not")
    found = decide(event(), source(), CONFIG, [mine, theirs, refused], (), "d", takers)
    assert [one.kind for one in found.jobs] == ["review.command", AGENT_TASK]
    assert found.jobs[0].delivery_id == "d"
    assert found.refused == (refused,)


def test_a_button_nobody_takes_starts_nothing(
    event: MakeEvent, command: MakeCommand, source: MakeSource
) -> None:
    pressed = Ruling(command(name="paint", kind=CommandKind.ACTION), YES, "may")
    found = decide(event(), source(), CONFIG, [pressed], (), "d")
    assert (found.jobs, found.reason) == ((), "nothing here takes the action paint")
