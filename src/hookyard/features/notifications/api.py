"""Routes of notifications: one's inbox, read state, rules, and a stream of what is new."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Id, Limit, Require
from hookyard.core.identity.model import Action, Actor, ActorKind
from hookyard.features.notifications.model import Channel, Entry, Rule
from hookyard.features.notifications.service import MOST_RULES, Notifications
from hookyard.features.notifications.stream import Streams
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Conflict, Invalid
from hookyard.kit.pages import clamp_limit

Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._*/-]+$")]
Seq = Annotated[int | None, Query(ge=0, le=2**53)]


class RuleIn(BaseModel):
    """One rule; the first that fits a notice decides. `*` in a pattern stands for anything but a
    slash; alone it is everything."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[list[Pattern], Field(min_length=1, max_length=50)] = ["*"]
    repositories: Annotated[list[Pattern], Field(min_length=1, max_length=50)] = ["*"]
    channel: Channel = Channel.INBOX
    slack: Annotated[str, Field(max_length=21, pattern=r"^[A-Z0-9]*$")] = ""
    digest_hour: Annotated[int | None, Field(ge=0, le=23)] = None
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = "UTC"


class RulesIn(BaseModel):
    """All rules of the caller, in order; null goes back to the defaults."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[list[RuleIn] | None, Field(max_length=MOST_RULES)]


class ReadIn(BaseModel):
    """How far to mark read: up to this `seq`; everything where it is left out."""

    model_config = ConfigDict(extra="forbid")

    up_to: Annotated[int | None, Field(ge=0, le=2**53)] = None


@dataclass(frozen=True, slots=True)
class NotificationOut:
    """One line of an inbox. `seq` rises with every change, `count` says how often it was told."""

    id: str
    seq: int
    kind: str
    repository: str | None
    number: int | None
    title: str
    body: str
    url: str | None
    count: int
    created_at: str
    updated_at: str
    read_at: str | None


@dataclass(frozen=True, slots=True)
class NotificationsOut:
    """A page of an inbox, newest first, and how many lines in all of it are unread."""

    items: list[NotificationOut]
    next_cursor: str | None
    unread: int


@dataclass(frozen=True, slots=True)
class MarkedOut:
    """How many lines were marked read."""

    marked: int


@dataclass(frozen=True, slots=True)
class RuleOut:
    """One rule."""

    kinds: list[str]
    repositories: list[str]
    channel: str
    slack: str
    digest_hour: int | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class RulesOut:
    """The caller's rules in order; `own` is false while the defaults hold."""

    rules: list[RuleOut]
    own: bool


def router(
    database: Database, notifications: Notifications, streams: Streams, require: Require
) -> APIRouter:
    """The routes under /api/notifications."""
    routes = APIRouter(prefix="/api/notifications", tags=["notifications"])
    reader, writer = Depends(require(Action.SELF_READ)), Depends(require(Action.SELF_WRITE))
    _add_rules(routes, database, notifications, require)
    _add_stream(routes, streams, require)

    @routes.get("")
    async def list_notifications(
        actor: Annotated[Actor, reader],
        unread: Annotated[bool, Query()] = False,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> NotificationsOut:
        """What the caller was told, newest first; only the unread where that is asked."""
        size = clamp_limit(limit)

        def look(unit: Unit) -> NotificationsOut:
            page = notifications.page(unit, actor, cursor, size, unread=unread)
            shown = [entry_out(entry) for entry in page.items]
            return NotificationsOut(shown, page.next_cursor, notifications.unread(unit, actor))

        return await database.read(look)

    @routes.post("/read-all")
    async def read_all_notifications(
        actor: Annotated[Actor, writer], body: ReadIn | None = None
    ) -> MarkedOut:
        """Mark every line read, or those up to a number."""
        up_to = None if body is None else body.up_to
        marked = await database.write(lambda unit: notifications.read_all(unit, actor, up_to))
        return MarkedOut(marked)

    @routes.post("/{notification_id}/read")
    async def read_notification(
        actor: Annotated[Actor, writer], notification_id: Id
    ) -> NotificationOut:
        """Mark one line read."""
        found = await database.write(lambda unit: notifications.read(unit, actor, notification_id))
        return entry_out(found)

    return routes


def _add_rules(
    routes: APIRouter, database: Database, notifications: Notifications, require: Require
) -> None:
    reader, writer = Depends(require(Action.SELF_READ)), Depends(require(Action.SELF_WRITE))

    @routes.get("/rules")
    async def get_notification_rules(actor: Annotated[Actor, reader]) -> RulesOut:
        """The caller's rules."""
        rules, own = await database.read(lambda unit: notifications.rules_of(unit, actor))
        return RulesOut([rule_out(rule) for rule in rules], own)

    @routes.put("/rules")
    async def put_notification_rules(actor: Annotated[Actor, writer], body: RulesIn) -> RulesOut:
        """Replace the caller's rules."""
        wanted = None if body.rules is None else tuple(rule_of(rule) for rule in body.rules)

        def work(unit: Unit) -> RulesOut:
            notifications.set_rules(unit, actor, wanted)
            rules, own = notifications.rules_of(unit, actor)
            return RulesOut([rule_out(rule) for rule in rules], own)

        return await database.write(work)


def _add_stream(routes: APIRouter, streams: Streams, require: Require) -> None:
    reader = Depends(require(Action.SELF_READ))

    @routes.get(
        "/stream",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Events"}},
    )
    async def stream_notifications(
        actor: Annotated[Actor, reader],
        after: Seq = None,
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> Response:
        """What is new as server-sent events, from `Last-Event-ID` or `after` on, else from now."""
        if actor.kind is not ActorKind.USER:
            raise Conflict("only people who sign in have an inbox", code="people_only")
        return streams.open(actor, number_of(last_event_id, after))


def number_of(last_event_id: str | None, after: int | None) -> int | None:
    """Where a stream goes on; Invalid (`bad_event_id`) for what is no number of ours."""
    if not last_event_id:
        return after
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 16:
        raise Invalid("Last-Event-ID is not one this stream gave out", code="bad_event_id")
    return int(last_event_id)


def rule_of(rule: RuleIn) -> Rule:
    """A rule from the wire."""
    return Rule(
        tuple(rule.kinds), tuple(rule.repositories), rule.channel, rule.slack, rule.digest_hour,
        rule.time_zone,
    )  # fmt: skip


def rule_out(rule: Rule) -> RuleOut:
    """A rule on the wire."""
    return RuleOut(
        list(rule.kinds), list(rule.repositories), rule.channel.value, rule.slack,
        rule.digest_hour, rule.time_zone,
    )  # fmt: skip


def entry_out(entry: Entry) -> NotificationOut:
    """A line on the wire."""
    return NotificationOut(
        id=entry.id,
        seq=entry.seq,
        kind=entry.kind,
        repository=entry.repository,
        number=entry.number,
        title=entry.title,
        body=entry.body,
        url=entry.url,
        count=entry.count,
        created_at=to_rfc3339(entry.created_at_ms),
        updated_at=to_rfc3339(entry.updated_at_ms),
        read_at=None if entry.read_at_ms is None else to_rfc3339(entry.read_at_ms),
    )
