"""Slack's webhooks: Events API, slash commands, interactivity, and its two probes.

# spec: docs.slack.dev, "Verifying requests from Slack", "Events API", "Slash commands".
"""

from collections.abc import Mapping, Sequence

import msgspec

from hookyard.core.ingress.model import (
    Answer,
    Command,
    Event,
    Identity,
    InboundRequest,
    Refusal,
    SourceConfig,
    Unparsable,
)
from hookyard.core.ingress.providers import scheme, slack_events, wire
from hookyard.core.ingress.providers.peek import Peek, first
from hookyard.core.ingress.providers.scheme import Scheme, SignedTime

_MEDIA = frozenset({wire.JSON, wire.FORM})
_TIME = b"x-slack-request-timestamp"
_SCHEME = Scheme(
    header=b"x-slack-signature",
    prefix=b"v0=",
    template="v0:{ts}:{body}",
    time=SignedTime(header=_TIME),
)
_ENVELOPE = Peek(("type",), ("event_id",), ("event", "type"))
_INTERACTION = Peek(("type",), ("trigger_id",), ("action_ts",))
_CHALLENGE = Peek(("type",), ("challenge",))
_PROBE_LIMIT = 4096
_ACK = b'{"response_type":"ephemeral","text":"Accepted. The outcome follows."}'


class Slack:
    """The Provider of Slack apps."""

    name: str = "slack"

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers: method, content type, missing signature. Probes pass."""
        if _is_probe(request):
            return None
        if request.method != "POST":
            return Refusal(405, "method_not_allowed", "Send events with POST.")
        refusal = wire.refuse_media(request, _MEDIA)
        if refusal is not None:
            return refusal
        for header in (_SCHEME.header, _TIME):
            if not request.headers.get(header):
                return scheme.missing(header)
        return None

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """HMAC-SHA256 over `v0:time:body`, the time within 300 s.

        # why: Slack sends the `ssl_check` probe unsigned. What passes here for that reason is
        # exactly what `answer` answers without storing it.
        """
        if _is_probe(request):
            return None
        return scheme.verify(_SCHEME, request, _SCHEME.keys(source.secrets), now_ms)

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """Probe and challenge are answered and not stored; commands and clicks want a 200."""
        if _is_probe(request):
            return Answer(200, b"", "text/plain")
        if _is_form(request.headers.get(b"content-type", b"")):
            fields = wire.form(request.body)
            if isinstance(fields, Unparsable):
                return None
            if "payload" in fields:
                # spec: a dialog's or view's submission is acknowledged by an empty 200.
                return Answer(200, b"", "text/plain", store=True)
            return Answer(200, _ACK, store=True)
        if b"url_verification" not in request.body:
            return None
        found = _CHALLENGE.read(request.body)
        if found.get(("type",)) != "url_verification" or ("challenge",) not in found:
            return None
        return Answer(200, msgspec.json.encode({"challenge": found["challenge",]}))

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """The event id, the trigger of a command or click, or the hash of the body."""
        body = request.body
        if not _is_form(request.headers.get(b"content-type", b"")):
            found = _ENVELOPE.read(body)
            own = found.get(("event_id",), "")
            return _identity("event", own, body, first(found, (("event", "type"), ("type",))))
        fields = wire.form(body)
        if isinstance(fields, Unparsable):
            return _identity("", "", body, "unknown")
        if "payload" not in fields:
            trigger = fields.get("trigger_id", "")
            return _identity("trigger", trigger, body, slack_events.form_name(fields))
        clicked = _INTERACTION.read(fields["payload"].encode("utf-8"))
        own = first(clicked, (("trigger_id",), ("action_ts",)))
        return _identity("trigger", own, body, clicked.get(("type",), ""))

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """The event, once its name agrees with the body."""
        if not _is_form(content_type.encode("latin-1", "replace")):
            payload = wire.decode_object(body)
            if isinstance(payload, Unparsable):
                return payload
            return slack_events.from_envelope(event, payload)
        fields = wire.form(body)
        if isinstance(fields, Unparsable):
            return fields
        if "payload" not in fields:
            return slack_events.from_form(event, fields)
        payload = wire.decode_object(fields["payload"].encode("utf-8"))
        if isinstance(payload, Unparsable):
            return payload
        return slack_events.from_interaction(event, payload)

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """A slash command, or what follows the mention of the app."""
        return slack_events.commands_of(event, source.repository)

    def kept_headers(self) -> Sequence[bytes]:
        """The retry's number and reason, the time; no signature."""
        return _KEPT


_KEPT = (
    b"content-type",
    b"user-agent",
    _TIME,
    b"x-slack-retry-num",
    b"x-slack-retry-reason",
)


def _is_form(content_type: bytes) -> bool:
    return wire.media_type(content_type) == wire.FORM


def _is_probe(request: InboundRequest) -> bool:
    """A certificate probe: `ssl_check=1` in the query of a GET or in a small form.

    A form that also carries a command or a payload is no probe: it must be signed.
    """
    raw = request.query if request.method in ("GET", "HEAD") else request.body
    if len(raw) > _PROBE_LIMIT or b"ssl_check" not in raw:
        return False
    if request.method not in ("GET", "HEAD") and not _is_form(
        request.headers.get(b"content-type", b"")
    ):
        return False
    fields = wire.form(raw)
    if isinstance(fields, Unparsable):
        return False
    return fields.get("ssl_check") == "1" and not fields.keys() & {"command", "payload"}


def _identity(kind: str, own: str, body: bytes, event: str) -> Identity | Refusal:
    name = wire.event_name(event)
    if not own:
        key = wire.body_key(body)
        return Identity(key, key, name)
    if not (own.isascii() and wire.is_id(own.encode("ascii"))):
        return wire.bad_id("event_id or trigger_id")
    return Identity(f"{kind}:{own}", own, name)


SLACK = Slack()
