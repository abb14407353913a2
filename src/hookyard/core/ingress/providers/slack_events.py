"""What a Slack payload means, and the commands in it."""

import re
from collections.abc import Mapping

from hookyard.core.ingress.model import Command, CommandKind, Event, Unparsable
from hookyard.core.ingress.providers import mentions
from hookyard.core.ingress.providers.wire import name_of, word
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text, dig

SLASH = "slash_command"
# A user or bot mention as Slack writes it: <@U061F7AUR> or <@U061F7AUR|name>.
_MENTION = re.compile(r"<@[A-Z0-9]{1,32}(?:\|[^>\n]{0,80})?>")
_MAX_TEXT = 8_000


def form_name(fields: Mapping[str, str]) -> str:
    """The event name of a form without a payload."""
    return SLASH if "command" in fields else "unknown"


def from_envelope(name: str, payload: JsonObject) -> Event | Unparsable:
    """An Events API call: an envelope with the event inside, or a bare notice."""
    inner = as_object(payload.get("event"))
    said = as_text(inner.get("type")) or as_text(payload.get("type"))
    refusal = _mismatch(name, said)
    if refusal is not None:
        return refusal
    # why: api_app_id in the envelope is the app that is being told, not the one that spoke.
    app = word(inner.get("app_id")) or word(dig(inner, "bot_profile", "app_id"))
    bot = word(inner.get("bot_id"))
    user = name_of(inner.get("user")) or name_of(dig(inner, "user", "id"))
    return _event(
        name,
        payload,
        action=word(inner.get("subtype"), 64) or None,
        subject=_subject(_channel(inner), _thread(inner)),
        actor=user,
        actor_id=user,
        is_bot=bool(bot) or word(inner.get("subtype")) == "bot_message",
        app_id=app or bot or None,
    )


def from_form(name: str, fields: Mapping[str, str]) -> Event | Unparsable:
    """A slash command."""
    refusal = _mismatch(name, form_name(fields))
    if refusal is not None:
        return refusal
    if name != SLASH:
        return Unparsable("event_mismatch", "the form has neither a command nor a payload")
    return _event(
        name,
        dict(fields),
        action=word(fields.get("command"), 64) or None,
        subject=_subject(word(fields.get("channel_id")), ""),
        actor=name_of(fields.get("user_name")) or name_of(fields.get("user_id")),
        actor_id=name_of(fields.get("user_id")),
        is_bot=False,
        app_id=None,
    )


def from_interaction(name: str, payload: JsonObject) -> Event | Unparsable:
    """A click, a shortcut or a submitted view."""
    refusal = _mismatch(name, as_text(payload.get("type")))
    if refusal is not None:
        return refusal
    user = as_object(payload.get("user"))
    actions = as_list(payload.get("actions"))
    clicked = word(dig(actions[0], "action_id"), 64) if actions else ""
    message = as_object(payload.get("message"))
    channel = word(dig(payload, "channel", "id")) or word(dig(payload, "container", "channel_id"))
    return _event(
        name,
        payload,
        action=clicked or word(payload.get("callback_id"), 64) or None,
        subject=_subject(channel, _thread(message)),
        actor=name_of(user.get("username")) or name_of(user.get("name")) or name_of(user.get("id")),
        actor_id=name_of(user.get("id")),
        is_bot=False,
        app_id=None,
    )


def commands_of(event: Event, repository: str | None) -> tuple[Command, ...]:
    """At most one command; `owner/name#12` in its text wins over the source's repository."""
    if event.name == SLASH:
        kind, rest = CommandKind.SLASH, as_text(event.payload.get("text"))
    elif event.name == "app_mention":
        kind = CommandKind.MENTION
        text = as_text(dig(event.payload, "event", "text"))[:_MAX_TEXT]
        mention = _MENTION.search(text)
        rest = text[mention.end() :] if mention is not None else text
    else:
        return ()
    rest = _unescape(rest[:_MAX_TEXT])
    found = mentions.split(rest, is_mention=kind is CommandKind.MENTION)
    named = mentions.reference(rest)
    return (
        Command(
            kind=kind,
            name=found.name,
            text=found.text,
            actor=event.actor,
            actor_id=event.actor_id,
            repository=named.repository if named is not None else repository,
            number=named.number if named is not None else None,
        ),
    )


def _mismatch(name: str, said: str) -> Unparsable | None:
    if said == name:
        return None
    reason = f"the delivery came as {name}, its body says {word(said, 64) or 'nothing'}"
    return Unparsable("event_mismatch", reason)


def _event(
    name: str,
    payload: JsonObject,
    *,
    action: str | None,
    subject: str | None,
    actor: str,
    actor_id: str,
    is_bot: bool,
    app_id: str | None,
) -> Event:
    return Event(
        provider="slack",
        name=name,
        action=action,
        repository=None,
        subject=subject,
        actor=actor,
        actor_id=actor_id,
        actor_is_bot=is_bot,
        app_id=app_id,
        installation_id=None,
        payload=payload,
    )


def _channel(inner: JsonObject) -> str:
    channel: Json = inner.get("channel")
    return word(channel) or word(dig(channel, "id")) or word(dig(inner, "item", "channel"))


def _thread(message: JsonObject) -> str:
    return word(message.get("thread_ts")) or word(message.get("ts"))


def _subject(channel: str, thread: str) -> str | None:
    """`C024BE91L:1482960137.003543`, a channel alone, or None."""
    return ":".join(part for part in (channel, thread) if part) or None


def _unescape(text: str) -> str:
    # spec: docs.slack.dev, "Formatting message text": exactly these three are escaped.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
