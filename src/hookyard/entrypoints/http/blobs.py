"""`GET /blobs/{key}`: a blob to save, for whoever holds a signed link; no other credential.

The bytes came from strangers, so a browser is told to save them, never to show them.
"""

import re

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hookyard.adapters.blobs.links import PATH, Link
from hookyard.adapters.blobs.port import Span, clipped
from hookyard.bootstrap.storing import Storage
from hookyard.kit.errors import Forbidden, NotFound

_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})?")
_SAID = {
    "expired": "The link is no longer good; ask for a new one.",
    "bad_signature": "The link is not one of ours.",
}
_HEADERS = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/octet-stream",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
}


class BlobPage:
    """Serves a store that cannot sign links of its own; there is none at this address else."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def show(self, request: Request) -> Response:
        """The blob, or a part of it; 403 with a reason for a link that is not good."""
        links = self._storage.links
        if links is None:
            raise NotFound
        query = request.query_params
        link = Link(
            request.scope["path"].removeprefix(PATH),
            query.get("expires", ""),
            query.get("filename", ""),
            query.get("signature", ""),
        )
        refusal = links.refusal(link)
        if refusal is not None:
            raise Forbidden(_SAID[refusal], code=refusal)
        span = _span(request.headers.get("range"))
        reading = await self._storage.blobs.get(link.key, span)
        headers = _HEADERS | {
            "content-disposition": f'attachment; filename="{link.filename}"',
            "content-length": str(reading.size),
        }
        if span is None:
            return StreamingResponse(reading.chunks, 200, headers)
        last = reading.start + reading.size - 1
        headers["content-range"] = f"bytes {reading.start}-{last}/{reading.total}"
        return StreamingResponse(reading.chunks, 206, headers)


def _span(header: str | None) -> Span | None:
    """The one range asked for; None for everything else, which is answered whole.

    # spec: RFC 9110, section 14.2: a server may ignore a Range header.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return None
    end = int(match[2]) + 1 if match[2] else None
    span = Span(int(match[1]), end)
    if end is not None:
        clipped(span, end)
    return span
