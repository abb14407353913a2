"""What a Jira payload means, and the commands in it."""

from collections.abc import Iterator

from hookyard.core.ingress.model import Command, CommandKind, Event, Unparsable
from hookyard.core.ingress.providers import mentions
from hookyard.core.ingress.providers.wire import word
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text, dig

LABEL = "hookyard"
_MAX_NODES = 10_000
_BLOCKS = frozenset({"paragraph", "heading", "listItem", "hardBreak", "rule", "tableCell"})
_UNSPOKEN = frozenset({"codeBlock", "blockquote", "panel"})
_WIKI_BLOCKS = ("{code", "{noformat", "{quote")


def event_of(name: str, payload: JsonObject) -> Event | Unparsable:
    """The event, or why the payload cannot be one of this name."""
    reason = _mismatch(name, payload)
    if reason is not None:
        return Unparsable("event_mismatch", reason)
    person = as_object(_person(name, payload))
    # why: Cloud has accountId; Data Center has name and key.
    actor_id = next(
        (text for k in ("accountId", "key", "name") if (text := word(person.get(k)))), ""
    )
    is_app = as_text(person.get("accountType")) == "app"
    return Event(
        provider="jira",
        name=name,
        action=name.rpartition("_")[2] or None,
        repository=None,
        subject=word(dig(payload, "issue", "key")) or None,
        actor=word(person.get("displayName")) or actor_id,
        actor_id=actor_id,
        actor_is_bot=is_app,
        app_id=actor_id if is_app else None,
        installation_id=None,
        payload=payload,
    )


def commands_of(event: Event, repository: str | None) -> tuple[Command, ...]:
    """Commands in order; `owner/name#12` in a text wins over the source's repository."""
    if event.name == "comment_created":
        body = text_of(dig(event.payload, "comment", "body"))
        found = mentions.find("\n".join(_spoken_wiki(body)))
        return tuple(
            _command(event, CommandKind.COMMENT, item.name, item.text, item.text, repository)
            for item in found
        )
    if not _was_labelled(event):
        return ()
    fields = as_object(dig(event.payload, "issue", "fields"))
    summary = word(fields.get("summary"), 1000)
    context = f"{summary}\n{text_of(fields.get('description'))}"
    return (_command(event, CommandKind.LABEL, "label", summary, context, repository),)


def text_of(value: Json) -> str:
    """Plain text of a comment or description: wiki markup as it is, a document tree flattened.

    Code, quotes and panels of a tree are left out; they are not what the author says.
    """
    if isinstance(value, str):
        return value[: mentions.MAX_TEXT]
    out: list[str] = []
    stack: list[Json] = [value]
    for _ in range(_MAX_NODES):
        if not stack:
            break
        node = stack.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        kind = as_text(dig(node, "type"))
        if kind in _UNSPOKEN:
            continue
        out.append(as_text(dig(node, "text")))
        if kind in _BLOCKS:
            stack.append("\n")
        stack.extend(reversed(as_list(dig(node, "content"))))
    return "".join(out)[: mentions.MAX_TEXT]


def _command(
    event: Event, kind: CommandKind, name: str, text: str, context: str, repository: str | None
) -> Command:
    named = mentions.reference(context)
    return Command(
        kind=kind,
        name=name,
        text=text,
        actor=event.actor,
        actor_id=event.actor_id,
        repository=named.repository if named is not None else repository,
        number=named.number if named is not None else None,
    )


def _mismatch(name: str, payload: JsonObject) -> str | None:
    said = as_text(payload.get("webhookEvent"))
    if said != name:
        return f"the delivery came as {name}, its body says {word(said, 64) or 'nothing'}"
    if name.startswith("jira:issue_"):
        wanted = "issue"
    elif name.startswith("comment_"):
        wanted = "comment"
    else:
        return None
    return None if wanted in payload else f"a {name} event carries {wanted}; this payload does not"


def _person(name: str, payload: JsonObject) -> Json:
    """Who did it: a comment event names its author, the others carry `user`."""
    if name.startswith("comment_"):
        comment = as_object(payload.get("comment"))
        key = "author" if name == "comment_created" else "updateAuthor"
        return payload.get("user") or comment.get(key) or comment.get("author")
    return payload.get("user")


def _was_labelled(event: Event) -> bool:
    if event.name == "jira:issue_created":
        labels = as_list(dig(event.payload, "issue", "fields", "labels"))
        return any(as_text(label).lower() == LABEL for label in labels)
    if event.name != "jira:issue_updated":
        return False
    for item in as_list(dig(event.payload, "changelog", "items")):
        if as_text(dig(item, "field")) == "labels":
            # spec: labels hold no spaces and travel as one string.
            before = as_text(dig(item, "fromString")).lower().split()
            after = as_text(dig(item, "toString")).lower().split()
            if LABEL in after and LABEL not in before:
                return True
    return False


def _spoken_wiki(text: str) -> Iterator[str]:
    """Lines outside {code}, {noformat}, {quote} and `bq.` of wiki markup."""
    closing = ""
    for line in text.splitlines():
        stripped = line.strip().lower()
        if closing:
            if closing in stripped:
                closing = ""
            continue
        opened = next((block for block in _WIKI_BLOCKS if stripped.startswith(block)), "")
        if opened:
            end = opened + "}"
            rest = stripped[len(opened) :].partition("}")[2]
            closing = "" if end in rest else end
            continue
        if not stripped.startswith("bq."):
            yield line
