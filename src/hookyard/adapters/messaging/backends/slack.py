"""Slack: `chat.postMessage` with a bot token, and `conversations.history` to look.

A message carries its key as metadata, which the history shows again. Looking needs the scopes
`channels:history`, `groups:history` or `im:history`, by the kind of conversation.

# spec: docs.slack.dev, Web API: answers are JSON with `ok`; `error` is a word. 429 carries
# `Retry-After` in seconds. A person is written to in the conversation that `conversations.open`
# names, which is the same every time.
"""

from collections.abc import Mapping

import msgspec

from hookyard.adapters.http.port import Answer, Ask, Outbound, OutboundFailed, OutboundRefused
from hookyard.adapters.messaging.port import (
    MessagingFailed,
    MessagingLimited,
    MessagingRefused,
    MessagingUnclear,
    Posted,
)
from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text, dig
from hookyard.kit.secret import Secret

EVENT = "hookyard_message"
MAX_TEXT = 12_000
MAX_ANSWER = 4 * 1024 * 1024
PAGES = 5
PAGE = 100
SKEW_S = 120
DEFAULT_WAIT_S = 30
LONGEST_WAIT_S = 3_600
# why: the documentation of `fatal_error` says that some of the work may have been done before.
_UNCLEAR = frozenset({"fatal_error", "internal_error"})
_FAILED = frozenset({"service_unavailable", "request_timeout", "team_added_to_org"})
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_HINTS: Mapping[str, str] = {
    "not_in_channel": "invite the app to the channel",
    "channel_not_found": "the app does not see that channel or person",
    "missing_scope": "the app lacks a scope; see the guide on notifications",
    "invalid_auth": "HOOKYARD_SLACK_BOT_TOKEN is not valid",
    "token_revoked": "HOOKYARD_SLACK_BOT_TOKEN was revoked",
    "account_inactive": "HOOKYARD_SLACK_BOT_TOKEN belongs to a removed app or workspace",
}


class SlackMessages:
    """Implements `Messages`."""

    def __init__(self, api_url: str, token: Secret, outbound: Outbound, clock: Clock) -> None:
        self._api = api_url
        self._token = token
        self._outbound = outbound
        self._clock = clock

    def use_token(self, token: Secret) -> None:
        """Go on with another token."""
        self._token = token

    async def post(self, target: str, text: str, key: str) -> Posted:
        """# spec: chat.postMessage. It has no documented key against a second message, so a call
        without an answer is looked for."""
        conversation = await self._conversation(target)
        answer = await self._call(
            "chat.postMessage",
            {
                "channel": conversation,
                **_words(text, key),
                "unfurl_links": False,
                "unfurl_media": False,
            },
            writes=True,
        )
        return _posted(answer, conversation)

    async def edit(self, posted: Posted, text: str, key: str) -> Posted:
        """# spec: chat.update."""
        body = {"channel": posted.conversation, "ts": posted.id, **_words(text, key)}
        # why: the same words twice are the same message, so an answer that is lost costs nothing.
        answer = await self._call("chat.update", body, writes=True)
        return _posted(answer, posted.conversation)

    async def find(self, target: str, key: str, since_ms: int) -> Posted | None:
        """# spec: conversations.history, newest first, with `include_all_metadata`."""
        conversation = await self._conversation(target)
        cursor = ""
        for _ in range(PAGES):
            asked: dict[str, Json] = {
                "channel": conversation,
                "oldest": str(max(0, since_ms // 1000 - SKEW_S)),
                "limit": PAGE,
                "include_all_metadata": True,
            }
            if cursor:
                asked["cursor"] = cursor
            answer = await self._call("conversations.history", asked, writes=False)
            for message in as_list(answer.get("messages")):
                if dig(message, "metadata", "event_type") != EVENT:
                    continue
                if dig(message, "metadata", "event_payload", "key") == key:
                    return Posted(conversation, as_text(dig(message, "ts")))
            cursor = as_text(dig(answer, "response_metadata", "next_cursor"))
            if not cursor:
                break
        return None

    async def close(self) -> None:
        """Nothing is kept open here; the client it stands on is its owner's."""

    async def _conversation(self, target: str) -> str:
        """# spec: conversations.open: a person's conversation with the app, made at first."""
        if target[:1] not in ("U", "W"):
            return target
        answer = await self._call("conversations.open", {"users": target}, writes=False)
        found = as_text(dig(answer, "channel", "id"))
        if not found:
            raise MessagingFailed("Slack named no conversation with that person")
        return found

    async def _call(self, method: str, body: JsonObject, *, writes: bool) -> JsonObject:
        ask = Ask(
            f"{self._api}/{method}",
            method="POST",
            headers={
                "authorization": f"Bearer {self._token.reveal()}",
                "content-type": "application/json; charset=utf-8",
            },
            content=msgspec.json.encode(body),
            accept=(),
            max_bytes=MAX_ANSWER,
        )
        try:
            answer = await self._outbound.send(ask)
        except OutboundRefused as error:
            raise MessagingRefused(f"address_{error.code}", str(error)) from None
        except OutboundFailed as error:
            if error.code in ("unreachable", "unresolved") or not writes:
                raise MessagingFailed(f"Slack was not reached: {error}") from None
            raise MessagingUnclear(f"Slack was asked, and {error}") from None
        return self._judged(method, answer, writes=writes)

    def _judged(self, method: str, answer: Answer, *, writes: bool) -> JsonObject:
        if answer.status == 429:
            raise MessagingLimited(self._until_ms(answer.headers.get("retry-after", "")))
        unclear = MessagingUnclear if writes else MessagingFailed
        if answer.status >= 500:
            raise unclear(f"Slack answered {answer.status} to {method}")
        try:
            found: Json = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        said = as_object(found)
        if said.get("ok") is True:
            return said
        error = as_text(said.get("error"))[:80]
        if error in _LIMITED:
            raise MessagingLimited(self._until_ms(answer.headers.get("retry-after", "")))
        if not error or error in _UNCLEAR:
            raise unclear(f"Slack answered {answer.status} {error or 'without a reason'}")
        if error in _FAILED:
            raise MessagingFailed(f"Slack answered {error}")
        raise MessagingRefused(error, _HINTS.get(error, ""))

    def _until_ms(self, retry_after: str) -> int:
        given = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0
        wait_s = min(max(given or DEFAULT_WAIT_S, 1), LONGEST_WAIT_S)
        return self._clock.now_ms() + wait_s * 1000


def _words(text: str, key: str) -> dict[str, Json]:
    """Words that are shown as they stand: nothing in them becomes a link or a mention."""
    return {
        "text": text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…",
        "parse": "none",
        "link_names": False,
        "metadata": {"event_type": EVENT, "event_payload": {"key": key}},
    }


def _posted(answer: JsonObject, conversation: str) -> Posted:
    ts = as_text(answer.get("ts"))
    if not ts:
        raise MessagingUnclear("Slack took the message, but its answer names none")
    return Posted(as_text(answer.get("channel")) or conversation, ts)
