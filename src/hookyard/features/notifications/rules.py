"""Decisions on notices: which rule fits, where it sends, what is shown. Pure."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookyard.features.notifications.model import Channel, Notice, Rule
from hookyard.kit.globs import fits, is_pattern
from hookyard.kit.names import MAX_NUMBER, is_repository
from hookyard.kit.text import plain

MAX_TITLE = 200
MAX_BODY = 2_000
MAX_URL = 1_000
MAX_KIND = 60
MAX_KEY = 300
_KIND = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_PERSON = re.compile(r"[UW][A-Z0-9]{6,20}")
_CONVERSATION = re.compile(r"[CG][A-Z0-9]{6,20}")
_LINK = re.compile(r"https?://[^\s<>|\"\\^`{}]+")

DEFAULTS: tuple[Rule, ...] = (Rule(),)
"""What holds for who set no rules: all that is addressed to them, in the inbox."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Where a notice goes for one person, and why. `rule` is the one that decided, None where
    none did."""

    channel: Channel
    reason: str
    rule: Rule | None = None


def cleaned(notice: Notice) -> Notice:
    """The notice cut to size, without what is hidden, with a key."""
    kind = notice.kind[:MAX_KIND]
    repository = notice.repository
    if repository is not None and not is_repository(repository):
        repository = None
    number = notice.number
    if number is not None and not 1 <= number <= MAX_NUMBER:
        number = None
    url = notice.url if notice.url and _LINK.fullmatch(notice.url) else None
    found = replace(
        notice,
        kind=kind if _KIND.fullmatch(kind) else "other",
        repository=repository,
        number=number,
        title=plain(" ".join(notice.title.split()), MAX_TITLE) or "Notice",
        body=plain(notice.body, MAX_BODY),
        url=url if url is None or len(url) <= MAX_URL else None,
    )
    return replace(found, key=_key(found))


def decide(rules: Sequence[Rule], notice: Notice, *, addressed: bool) -> Sending:
    """What the first rule that fits says. Who is not addressed is told only by a rule that names
    the notice's kind or repository: a star alone asks for nothing that is not one's own."""
    for rule in rules:
        if not _fits(rule, notice):
            continue
        if not addressed and rule.kinds == ("*",) and rule.repositories == ("*",):
            continue
        return Sending(rule.channel, "a rule fits", rule)
    if addressed:
        return Sending(Channel.INBOX, "addressed to them, and no rule fits")
    return Sending(Channel.NONE, "not addressed to them, and no rule asks for it")


def problem_of(rule: Rule, channels: frozenset[str]) -> str | None:
    """Why a rule cannot be used; None when it can. `channels` are the Slack conversations that
    the operator lets people send to."""
    for pattern in (*rule.kinds, *rule.repositories):
        if not is_pattern(pattern):
            return f"{pattern[:60]!r} is no pattern"
    if not rule.kinds or not rule.repositories:
        return "a rule names at least one kind and one repository; * is any"
    if rule.channel is Channel.SLACK:
        if _CONVERSATION.fullmatch(rule.slack) and rule.slack not in channels:
            return "this channel is not in HOOKYARD_SLACK_CHANNELS"
        if not _PERSON.fullmatch(rule.slack) and not _CONVERSATION.fullmatch(rule.slack):
            return "slack must be the id of a person (U…) or of a listed channel (C…)"
    elif rule.slack or rule.digest_hour is not None:
        return "slack and digest_hour are for the channel slack"
    if rule.digest_hour is not None and not 0 <= rule.digest_hour <= 23:
        return "digest_hour is an hour from 0 to 23"
    return None if zone_of(rule.time_zone) is not None else f"{rule.time_zone!r} is no time zone"


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of an IANA name, None for one that this machine does not know."""
    if not re.fullmatch(r"[A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}", name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def last_due_ms(hour: int, time_zone: str, now_ms: int) -> int:
    """The newest instant, not after now, at which it was this hour there; UTC for a zone that is
    not known any more. An hour that a change of clocks skips is due right after it."""
    zone = zone_of(time_zone) or UTC
    now = datetime.fromtimestamp(now_ms / 1000, tz=zone)
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if due > now:
        due = (due - timedelta(days=1)).replace(hour=hour)
    return round(due.timestamp() * 1000)


def slack_line(title: str, url: str | None, count: int = 1) -> str:
    """One line of Slack's markup: a stranger's words cannot mention, link or format by it.

    # spec: Slack, formatting text: `&`, `<` and `>` are the only control characters; with
    # `parse: none` nothing else becomes a link or a mention.
    """
    shown = _escaped(title)
    line = f"<{_escaped(url)}|{shown.replace('|', '¦')}>" if url else shown
    return f"{line} (×{count})" if count > 1 else line


def slack_text(title: str, body: str, url: str | None, count: int = 1) -> str:
    """A whole notice as Slack shows it."""
    line = slack_line(title, url, count)
    return f"{line}\n{_escaped(body)}" if body else line


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fits(rule: Rule, notice: Notice) -> bool:
    if not any(kind == "*" or fits(kind, notice.kind) for kind in rule.kinds):
        return False
    name = (notice.repository or "").lower()
    return any(
        pattern == "*" or (bool(name) and fits(pattern.lower(), name))
        for pattern in rule.repositories
    )


def _key(notice: Notice) -> str:
    if notice.key:
        return plain(notice.key, MAX_KEY)
    said = "\0".join(
        (notice.kind, (notice.repository or "").lower(), str(notice.number), notice.title)
    )
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]
