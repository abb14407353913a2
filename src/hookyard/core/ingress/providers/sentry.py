"""Sentry's integration webhooks: issue alerts, metric alerts, issues, errors, installations.

# spec: docs.sentry.io, "Webhooks" of the integration platform.
"""

from collections.abc import Mapping, Sequence

from hookyard.core.ingress.model import (
    Answer,
    Command,
    CommandKind,
    Event,
    Identity,
    InboundRequest,
    Refusal,
    SourceConfig,
    Unparsable,
)
from hookyard.core.ingress.providers import mentions, scheme, wire
from hookyard.core.ingress.providers.scheme import Scheme
from hookyard.kit.json import Json, JsonObject, as_object, dig

_MEDIA = frozenset({wire.JSON})
_RESOURCE = b"sentry-hook-resource"
# why: Sentry-Hook-Timestamp is not part of the signed bytes, so it proves nothing.
_SCHEME = Scheme(header=b"sentry-hook-signature")
# The key that `data` must have for each resource; other resources are accepted as they are.
_NEEDS = {
    "event_alert": "event",
    "issue": "issue",
    "metric_alert": "metric_alert",
    "error": "error",
    "comment": "comment_id",
    "installation": "installation",
}
_ALERTS = frozenset({"event_alert", "metric_alert"})
_SUBJECTS = (
    ("issue", "id"),
    ("event", "issue_id"),
    ("error", "issue_id"),
    ("issue_id",),
)
_TITLES = (
    ("event", "title"),
    ("issue", "title"),
    ("description_title",),
    ("metric_alert", "title"),
    ("metric_alert", "alert_rule", "name"),
    ("triggered_rule",),
)


class Sentry:
    """The Provider of Sentry's internal and public integrations."""

    name: str = "sentry"

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers: content type, missing signature, resource name."""
        refusal = wire.refuse_media(request, _MEDIA)
        if refusal is not None:
            return refusal
        if not request.headers.get(_SCHEME.header):
            return scheme.missing(_SCHEME.header)
        return _bad_resource(request)

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """Hex HMAC-SHA256 of the raw body with the client secret."""
        return scheme.verify(_SCHEME, request, _SCHEME.keys(source.secrets), now_ms)

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """The plain reply."""
        return None

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """Resource and hash of the body.

        # why: Request-ID is drawn anew for every attempt, so it names no delivery.
        """
        refusal = _bad_resource(request)
        if refusal is not None:
            return refusal
        resource = request.header(_RESOURCE)
        key = wire.body_key(request.body)
        request_id = request.headers.get(b"request-id", b"")
        own = request_id.decode("ascii") if wire.is_id(request_id) else key
        return Identity(f"{resource}:{key}", own, resource)

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """The event, once the resource in the header fits the payload's data."""
        payload = wire.decode_object(body)
        if isinstance(payload, Unparsable):
            return payload
        data = as_object(payload.get("data"))
        wanted = _NEEDS.get(event)
        if wanted is not None and wanted not in data:
            reason = f"a {event} event carries data.{wanted}; this payload does not"
            return Unparsable("event_mismatch", reason)
        actor = as_object(payload.get("actor"))
        actor_id = wire.name_of(actor.get("id"))
        # why: alerts come from the actor "sentry" of type application: Sentry, not an app.
        is_app = actor.get("type") == "application" and actor_id != "sentry"
        return Event(
            provider="sentry",
            name=event,
            action=wire.word(payload.get("action"), 64) or None,
            repository=None,
            subject=_subject(data),
            actor=wire.name_of(actor.get("name")) or actor_id,
            actor_id=actor_id,
            actor_is_bot=is_app,
            app_id=actor_id if is_app else None,
            installation_id=None,
            payload=payload,
        )

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """One alert per triggered issue alert or metric alert that is not its all-clear."""
        if event.name not in _ALERTS or event.action == "resolved":
            return ()
        title = _first(event.payload.get("data"), _TITLES)
        named = mentions.reference(title)
        return (
            Command(
                kind=CommandKind.ALERT,
                name="alert",
                text=title,
                actor=event.actor,
                actor_id=event.actor_id,
                repository=named.repository if named is not None else source.repository,
                number=named.number if named is not None else None,
            ),
        )

    def kept_headers(self) -> Sequence[bytes]:
        """Resource, time and request id; no signature."""
        return _KEPT


_KEPT = (b"content-type", b"user-agent", _RESOURCE, b"sentry-hook-timestamp", b"request-id")


def _bad_resource(request: InboundRequest) -> Refusal | None:
    if wire.is_name(request.headers.get(_RESOURCE, b"")):
        return None
    return wire.bad_event("Sentry-Hook-Resource")


def _subject(data: JsonObject) -> str | None:
    """The issue's id; `metric_alert:7` for a metric alert, which belongs to no issue."""
    issue = _first(data, _SUBJECTS)
    if issue:
        return issue
    alert = wire.name_of(dig(data, "metric_alert", "id"))
    return f"metric_alert:{alert}" if alert else None


def _first(value: Json, paths: Sequence[tuple[str, ...]]) -> str:
    for path in paths:
        found = dig(value, *path)
        text = wire.word(found, 1000) or wire.name_of(found)
        if text:
            return text
    return ""


SENTRY = Sentry()
