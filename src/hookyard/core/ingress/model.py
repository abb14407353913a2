"""Types of the way in: requests as bytes, verdicts as values, events and commands.

# why: what is made for every delivery is a msgspec struct; making a frozen dataclass costs four
# times as much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol, TypeAlias

import msgspec

from hookyard.adapters.blobs.port import Stored
from hookyard.core.blobs.model import BlobRef
from hookyard.core.ingress.dictionary import Dictionary
from hookyard.kit.json import JsonObject

DeliveryId = NewType("DeliveryId", str)


class InboundRequest(msgspec.Struct, frozen=True):
    """A webhook request as it came: lower-case header names, raw bytes, raw query."""

    method: str
    headers: Mapping[bytes, bytes]
    body: bytes
    query: bytes = b""

    def header(self, name: bytes) -> str:
        """The header as Latin-1 text, "" when absent. Never raises."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not accepted: HTTP status, stable code, one plain sentence."""

    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply the provider expects at once, instead of or in place of the plain 202."""

    status: int
    body: bytes
    content_type: str = "application/json"
    store: bool = False


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What the headers say a delivery is. `dedupe_key` names it within its source."""

    dedupe_key: str
    provider_delivery_id: str
    event: str


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A configured origin of webhooks. `secrets` are tried in order; more than one rotates.

    `api_token` is for the provider's own API, where the source is recovered with one.
    """

    id: str
    provider: str
    secrets: tuple[bytes, ...] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    repository: str | None = None
    api_token: str | None = field(default=None, repr=False)


class DeliveryStatus(StrEnum):
    """`accepted` is on disk, `routed` became jobs, `ignored` and `dead` carry a reason."""

    ACCEPTED = "accepted"
    ROUTED = "routed"
    IGNORED = "ignored"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery without its payload. `payload_size` is the body's, in bytes."""

    id: DeliveryId
    source: str
    provider: str
    provider_delivery_id: str
    event: str
    action: str | None
    repository: str | None
    subject: str | None
    received_at_ms: int
    status: DeliveryStatus
    reason: str | None
    redeliveries: int
    content_type: str
    payload_size: int


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A verified delivery on its way to disk. `payload` is zstd-compressed if `packed`.

    With a `blob`, `payload` is empty: the compressed body lies in the blob store already.
    """

    id: DeliveryId
    source: str
    provider: str
    dedupe_key: str
    provider_delivery_id: str
    event: str
    received_at_ms: int
    content_type: str
    headers: str
    payload_size: int
    payload: bytes
    packed: bool = False
    blob: Stored | None = None


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A delivery's body as it lies on disk, zstd-compressed: in the row, or in a blob.

    `dictionary` is the one it takes to unpack it, where it takes one.
    """

    payload: bytes
    content_type: str
    blob: BlobRef | None = None
    dictionary: Dictionary | None = None


@dataclass(frozen=True, slots=True)
class RejectionCount:
    """How often a source's requests were refused with a code in one hour."""

    source: str
    code: str
    hour_ms: int
    count: int
    last_at_ms: int
    last_detail: str


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What became of a verified request: a new delivery, or one that was there already."""

    delivery_id: DeliveryId
    duplicate: bool
    reason: str | None = None


class CommandKind(StrEnum):
    """How a request for work was made."""

    COMMENT = "comment"
    MENTION = "mention"
    SLASH = "slash"
    ALERT = "alert"
    LABEL = "label"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Command:
    """A request for work found in an event: who asks, what for, and where the answer goes.

    `repository` is "owner/name" and `number` an issue or pull request, where the event or the
    text names them. `actor` is the provider's name of the person; `actor_id` its stable id.
    `comment_id` is the GitHub comment that carried it.
    """

    kind: CommandKind
    name: str
    text: str
    actor: str
    actor_id: str
    repository: str | None = None
    number: int | None = None
    comment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What a delivery means. `subject` orders work: "owner/name#12", "PROJ-7", …

    `actor_is_bot` is the provider's own word (sender.type, bot_id, actor.type).
    `app_id` is the app that caused it where the provider says so (loop guard).
    `installation_id` is GitHub's.
    """

    provider: str
    name: str
    action: str | None
    repository: str | None
    subject: str | None
    actor: str
    actor_id: str
    actor_is_bot: bool
    app_id: str | None
    installation_id: int | None
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class Unparsable:
    """A verified payload that cannot be understood; the delivery ends dead with this reason."""

    code: str
    reason: str


Verdict: TypeAlias = Refusal | None


class Provider(Protocol):
    """One provider's wire format. Every method is pure and never raises on hostile bytes."""

    name: str

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers alone (content type, event name, missing signature)."""
        ...

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """Check the signature (and the signed time) against every secret of the source."""
        ...

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """The reply the provider wants for this verified request, or None for the plain one."""
        ...

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """Name the delivery from headers (or a bounded look at the body where it must be)."""
        ...

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """Decode a stored body. The event name is checked against the payload's shape."""
        ...

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """Requests for work in an event, in order of appearance."""
        ...

    def kept_headers(self) -> Sequence[bytes]:
        """Header names worth storing with the delivery (never signatures or credentials)."""
        ...
