"""Jira's webhooks, Cloud and Data Center.

# spec: developer.atlassian.com, "Webhooks" of the Jira Cloud platform.
"""

from collections.abc import Mapping, Sequence

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
from hookyard.core.ingress.providers import jira_auth, jira_events, scheme, wire
from hookyard.core.ingress.providers.peek import Peek

_MEDIA = frozenset({wire.JSON})
_ID = b"x-atlassian-webhook-identifier"
_NAME = Peek(("webhookEvent",))


class Jira:
    """The Provider of Jira Cloud and Jira Data Center."""

    name: str = "jira"

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers: content type, nothing that could authenticate, impossible id."""
        refusal = wire.refuse_media(request, _MEDIA)
        if refusal is not None:
            return refusal
        if not jira_auth.has_proof(request):
            return scheme.missing(jira_auth.SECRET_SCHEME.header)
        return _bad_identifier(request)

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """Signature, JWT or URL token, as the source's option `mode` says."""
        return jira_auth.verify(request, source, now_ms)

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """The plain reply."""
        return None

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """Jira Cloud's identifier, the same over its retries; Data Center: the body's hash."""
        refusal = _bad_identifier(request)
        if refusal is not None:
            return refusal
        own = request.header(_ID) or wire.body_key(request.body)
        event = wire.event_name(_NAME.read(request.body).get(("webhookEvent",), ""))
        return Identity(own, own, event)

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """The event, once its name agrees with the body."""
        payload = wire.decode_object(body)
        if isinstance(payload, Unparsable):
            return payload
        return jira_events.event_of(event, payload)

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """Commands in a new comment, or the label `hookyard` when it is added."""
        return jira_events.commands_of(event, source.repository)

    def kept_headers(self) -> Sequence[bytes]:
        """Identifier, retry count and flow; no signature and no token."""
        return _KEPT


_KEPT = (
    b"content-type",
    b"user-agent",
    _ID,
    b"x-atlassian-webhook-retry",
    b"x-atlassian-webhook-flow",
)


def _bad_identifier(request: InboundRequest) -> Refusal | None:
    value = request.headers.get(_ID)
    if value is None or wire.is_id(value):
        return None
    return wire.bad_id("X-Atlassian-Webhook-Identifier")


JIRA = Jira()
