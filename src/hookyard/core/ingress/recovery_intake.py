"""A recorded request becomes a delivery like any other: same name, same way to disk.

It is verified by where it comes from: the provider's API, asked with our own credentials.
"""

from collections.abc import Mapping

import msgspec

from hookyard.adapters.github.hooks import HookRequest
from hookyard.core.ingress.model import Accepted, Identity, InboundRequest, Receipt
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.core.ingress.recovery_model import RECOVERED, ItemState
from hookyard.core.ingress.recovery_rules import body_of

_HEADERS = msgspec.json.Decoder(dict[str, str])
EXACT, WRITTEN_ANEW = "exact", "written anew"


def identify(endpoint: Endpoint, request: HookRequest) -> Identity | None:
    """What the recorded request would have been known as at the door; None when as nothing."""
    found = endpoint.provider.identify(InboundRequest("POST", _encoded(request.headers), b"{}"))
    return found if isinstance(found, Identity) else None


def take(receiver: Receiver, endpoint: Endpoint, request: HookRequest, guid: str) -> Accepted | str:
    """The recorded request as the row it becomes, or why it can be none."""
    identity = identify(endpoint, request)
    if identity is None or identity.provider_delivery_id != guid:
        return "the record does not name this delivery"
    if not request.payload:
        return "the record has no payload"
    body, content_type, is_exact = body_of(
        request.headers, request.payload, endpoint.source.secrets
    )
    headers = _encoded({**request.headers, "content-type": content_type})
    inbound = InboundRequest("POST", headers, body)
    return marked(receiver.prepare(endpoint, inbound, identity), is_exact=is_exact)


def marked(accepted: Accepted, *, is_exact: bool) -> Accepted:
    """The same row with the mark that it was recovered.

    # why: kept headers are chosen by the provider's module, so nobody outside can send the mark.
    """
    kept = _HEADERS.decode(accepted.headers)
    kept[RECOVERED] = EXACT if is_exact else WRITTEN_ANEW
    return msgspec.structs.replace(accepted, headers=msgspec.json.encode(kept).decode())


def state_of(accepted: Accepted, receipt: Receipt) -> ItemState:
    """What became of it, by the receipt."""
    if receipt.delivery_id == accepted.id:
        return ItemState.TAKEN
    return ItemState.ARRIVED if receipt.duplicate else ItemState.REVIVED


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {
        name.lower().encode("latin-1", "replace"): value.encode("latin-1", "replace")
        for name, value in headers.items()
    }
