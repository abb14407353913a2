"""Bodies of deliveries: small ones lie in their rows, large ones in the blob store.

Everything that reads a body goes through here, whichever it is.
"""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from hookyard.adapters.blobs.port import Blobs, Stored
from hookyard.adapters.blobs.streams import Tally, once
from hookyard.adapters.database.port import Unit
from hookyard.core.blobs.model import Area, BlobRef, OwnerKind
from hookyard.core.blobs.rules import key_for
from hookyard.core.blobs.service import find_blob, let_go, name_blob
from hookyard.core.ingress import store
from hookyard.core.ingress.dictionaries import Dictionaries
from hookyard.core.ingress.dictionary import Compressor
from hookyard.core.ingress.model import Accepted, Delivery, StoredBody
from hookyard.kit.errors import NotFound, Unavailable

# A compressed body of more bytes than these is set aside.
SET_ASIDE = 256 * 1024
NAME = "body"
PACKED = "application/zstd"


class BodyLost(NotFound):
    """The body of this delivery is no longer kept."""

    code = "body_lost"


class Bodies:
    """Puts large bodies aside, and brings bodies back. Without a store none is put aside."""

    def __init__(self, blobs: Blobs | None) -> None:
        self._blobs = blobs
        self._dictionaries = Dictionaries()

    def takes(self, delivery: Accepted) -> bool:
        """Whether a body is large enough to be looked at by `put_aside`."""
        return len(delivery.payload) > SET_ASIDE and self._blobs is not None

    async def put_aside(self, delivery: Accepted) -> Accepted:
        """The delivery with its body in the blob store, durable; as it was when it is small once
        compressed. Unavailable when the store is: then nothing was accepted."""
        payload = delivery.payload
        if not delivery.packed:
            payload = await asyncio.to_thread(_pack, payload)
            delivery = replace(delivery, payload=payload, packed=True)
        if self._blobs is None or len(payload) <= SET_ASIDE:
            return delivery
        key = key_for(Area.DELIVERIES, delivery.id)
        stored = await self._blobs.put(key, once(payload), expected_size=len(payload))
        return replace(delivery, payload=b"", blob=stored)

    async def drop(self, blob: Stored) -> None:
        """Let go of a body that no row came to name."""
        if self._blobs is not None:
            await let_go(self._blobs, [blob.key])

    async def packed(self, body: StoredBody) -> bytes:
        """The compressed body, wherever it lies.

        BodyLost when the store does not have it any more, or has other bytes; Unavailable.
        """
        if body.blob is None:
            if not body.payload:
                raise BodyLost
            return body.payload
        if self._blobs is None:
            raise Unavailable("the body lies in a blob store, and none is configured")
        try:
            reading = await self._blobs.get(body.blob.key)
        except NotFound:
            raise BodyLost from None
        tally, parts = Tally(None, None), []
        async for chunk in reading.chunks:
            await tally.take(chunk)
            parts.append(chunk)
        if tally.finish(body.blob.key).sha256 != body.blob.sha256:
            raise BodyLost("the blob store has other bytes than were written")
        return b"".join(parts)

    def load(
        self, unit: Unit, delivery_id: str
    ) -> tuple[Delivery, StoredBody, Mapping[str, str]] | None:
        """A delivery with its body and kept headers, for routing."""
        found = store.load(unit, delivery_id)
        if found is None:
            return None
        delivery, payload, headers = found
        return delivery, self._located(unit, delivery_id, payload, delivery.content_type), headers

    def of(self, unit: Unit, delivery_id: str) -> StoredBody | None:
        """The body of a delivery as it lies on disk."""
        found = store.get_content(unit, delivery_id)
        if found is None:
            return None
        return self._located(unit, delivery_id, found.payload, found.content_type)

    def _located(
        self, unit: Unit, delivery_id: str, payload: bytes, content_type: str
    ) -> StoredBody:
        if payload:
            return StoredBody(payload, content_type, None, self._dictionaries.of(unit, payload))
        blob = find_blob(unit, OwnerKind.DELIVERY, delivery_id, NAME)
        return StoredBody(b"", content_type, blob)


def name_body(unit: Unit, delivery: Accepted) -> None:
    """Name the blob of a delivery that was set aside, in the transaction that accepts it."""
    if delivery.blob is not None:
        ref = BlobRef(
            delivery.blob.key,
            OwnerKind.DELIVERY,
            delivery.id,
            NAME,
            delivery.blob.size,
            delivery.blob.sha256,
            PACKED,
            delivery.received_at_ms,
        )
        name_blob(unit, ref)


def _pack(body: bytes) -> bytes:
    return Compressor()(body)
