"""Errors on the wire: `application/problem+json` as in RFC 9457, with a stable `code`."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from hookyard.kit.errors import Busy, HookyardError, Limited, MethodNotAllowed, Unavailable

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, **more: Any) -> bytes:
    """The body of a problem; `type` is about:blank, so the status names the title."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return json.dumps(
        {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
        | more
    ).encode()


def headers_of(error: HookyardError) -> dict[str, str]:
    """Headers an error brings along."""
    if isinstance(error, Busy | Limited | Unavailable):
        return {"retry-after": str(error.retry_after_s)}
    if isinstance(error, MethodNotAllowed):
        return {"allow": error.allowed}
    if error.status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": 'Bearer realm="hookyard"'}
    return {}


def raw_headers(
    body: bytes, media_type: str = MEDIA_TYPE, more: Mapping[str, str] | None = None
) -> Iterable[tuple[bytes, bytes]]:
    """ASGI headers of a complete answer."""
    extra = [(k.encode(), v.encode()) for k, v in (more or {}).items()]
    return [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *extra,
    ]
