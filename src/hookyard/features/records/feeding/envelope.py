"""A change as it is sent to a subscriber: a CloudEvent, signed. Pure.

# spec: CloudEvents 1.0.2, JSON event format, structured mode; Standard Webhooks 1.0: the
# signature is HMAC-SHA256 over `id.timestamp.body`, one for each secret that is valid.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence

from hookyard.adapters.queues.changes import event_attributes
from hookyard.features.records.shape import encode
from hookyard.kit.secret import Secret
from hookyard.kit.signing import hmac_sha256

PREFIX = "whsec_"
SECRET_BYTES = 32
LEAST_BYTES, MOST_BYTES = 24, 64
MEDIA_TYPE = "application/cloudevents+json"


def secret_of(raw: bytes) -> Secret:
    """A secret as its holder is given it."""
    return Secret(PREFIX + base64.b64encode(raw).decode())


def key_of(secret: Secret) -> bytes:
    """The bytes that sign; ValueError for what is no secret of Standard Webhooks."""
    text = secret.reveal()
    try:
        if not text.startswith(PREFIX):
            raise ValueError
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("a secret is whsec_ and base64") from None
    if not LEAST_BYTES <= len(raw) <= MOST_BYTES:
        raise ValueError(f"a secret has {LEAST_BYTES} to {MOST_BYTES} bytes")
    return raw


def event_of(tenant: str, told: Mapping[str, object]) -> bytes:
    """The body: a CloudEvent whose data is the change as the feed tells it."""
    attributes = event_attributes(
        tenant, int(str(told["seq"])), str(told["aggregatetype"]), str(told["aggregateid"]),
        str(told["type"]), str(told["at"]),
    )  # fmt: skip
    return encode({**attributes, "datacontenttype": "application/json", "data": told})


def headers_of(
    message_id: str, now_ms: int, body: bytes, keys: Sequence[bytes]
) -> Mapping[str, str]:
    """The headers of one attempt to send a body. Repeated, it has the same `message_id`."""
    stamp = str(now_ms // 1000)
    signed = f"{message_id}.{stamp}.".encode()
    signatures = ["v1," + base64.b64encode(hmac_sha256(key, signed, body)).decode() for key in keys]
    return {
        "content-type": MEDIA_TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }
