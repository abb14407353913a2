"""GitHub's webhooks: signed bodies, ids and names in headers, JSON or form.

This is the busiest way in: check, verify and identify use dict look-ups and one HMAC, and
never copy the body.

# spec: docs.github.com, "Validating webhook deliveries" and "Webhook events and payloads".
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
from hookyard.core.ingress.providers import github_events, scheme, wire
from hookyard.core.ingress.providers.github_shapes import SHAPES
from hookyard.kit.signing import from_hex, hmac_sha256, same

_SIGNATURE = b"x-hub-signature-256"
_PREFIX = b"sha256="
_MEDIA = frozenset({wire.JSON, wire.FORM})
_KNOWN = frozenset(name.encode("ascii") for name in SHAPES)
_EVENT_CHARS = b"abcdefghijklmnopqrstuvwxyz_"
_DIGITS = b"0123456789"


class GitHub:
    """The Provider of github.com and GitHub Enterprise Server."""

    name: str = "github"

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers: content type, event name, delivery id, missing signature."""
        headers = request.headers
        if headers.get(b"content-type") not in _MEDIA or b"content-encoding" in headers:
            refusal = wire.refuse_media(request, _MEDIA)
            if refusal is not None:
                return refusal
        if _SIGNATURE not in headers:
            return scheme.missing(_SIGNATURE)
        event = headers.get(b"x-github-event", b"")
        if event not in _KNOWN and not _is_event(event):
            return wire.bad_event("X-GitHub-Event")
        if not wire.is_id(headers.get(b"x-github-delivery", b"")):
            return wire.bad_id("X-GitHub-Delivery")
        return None

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """HMAC-SHA256 over the raw body (of a form too); the SHA-1 header is never read."""
        value = request.headers.get(_SIGNATURE, b"")
        # why: 71 is "sha256=" and 64 hexadecimal digits.
        if len(value) != 71 or not value.startswith(_PREFIX):
            return scheme.mismatch(_SIGNATURE) if value else scheme.missing(_SIGNATURE)
        claim = from_hex(value[7:].decode("latin-1"))
        if claim is not None:
            for secret in source.secrets:
                if secret and same(hmac_sha256(secret, request.body), claim):
                    return None
        return scheme.mismatch(_SIGNATURE)

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """GitHub wants nothing but a 2xx, for a ping too."""
        return None

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """Hook id, target id and GUID.

        # why: one event has one GUID for every hook that subscribes to it, so the GUID alone
        # would drop the deliveries of a second hook.
        """
        headers = request.headers
        guid = headers.get(b"x-github-delivery", b"")
        event = headers.get(b"x-github-event", b"")
        if not wire.is_id(guid):
            return wire.bad_id("X-GitHub-Delivery")
        if event not in _KNOWN and not _is_event(event):
            return wire.bad_event("X-GitHub-Event")
        hook = headers.get(b"x-github-hook-id", b"")
        target = headers.get(b"x-github-hook-installation-target-id", b"")
        if not (_is_number(hook) and _is_number(target)):
            return Refusal(
                400,
                "malformed_delivery_id",
                "X-GitHub-Hook-ID and X-GitHub-Hook-Installation-Target-ID must be numbers.",
            )
        key = b"%b:%b:%b" % (hook, target, guid)
        return Identity(key.decode("ascii"), guid.decode("ascii"), event.decode("ascii"))

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """The event, once the name in the header fits the payload's shape."""
        raw: bytes | Unparsable = body
        if wire.media_type(content_type.encode("latin-1", "replace")) == wire.FORM:
            raw = wire.form_payload(body)
        if isinstance(raw, Unparsable):
            return raw
        payload = wire.decode_object(raw)
        if isinstance(payload, Unparsable):
            return payload
        return github_events.event_of(event, payload)

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """Commands in new comments, reviews, issues and pull requests."""
        return github_events.commands_of(event, source.options.get("app_slug", ""))

    def kept_headers(self) -> Sequence[bytes]:
        """Names, ids and the sender's version; no signature."""
        return _KEPT


_KEPT = (
    b"content-type",
    b"user-agent",
    b"x-github-event",
    b"x-github-delivery",
    b"x-github-hook-id",
    b"x-github-hook-installation-target-type",
    b"x-github-hook-installation-target-id",
    b"x-github-enterprise-host",
    b"x-github-enterprise-version",
)


def _is_event(name: bytes) -> bool:
    return 0 < len(name) <= wire.MAX_NAME and not name.translate(None, _EVENT_CHARS)


def _is_number(value: bytes) -> bool:
    return len(value) <= 20 and not value.translate(None, _DIGITS)


GITHUB = GitHub()
