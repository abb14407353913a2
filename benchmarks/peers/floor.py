"""The floor: a bare ASGI application that verifies the signature, answers 202, stores nothing.

What is above it in time is the price of doing something with a delivery.
"""

import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
SECRET = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
PLAIN = [(b"content-type", b"application/json")]


async def body_of(receive: Callable[[], Awaitable[Message]]) -> bytes:
    """All of the request's body."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Verify and acknowledge."""
    if scope["type"] != "http":
        return
    body = await body_of(receive)
    given = dict(scope["headers"]).get(b"x-hub-signature-256", b"").decode("latin-1")
    expected = "sha256=" + hmac.digest(SECRET, body, hashlib.sha256).hex()
    status = 202 if hmac.compare_digest(expected.encode(), given.encode()) else 401
    await send({"type": "http.response.start", "status": status, "headers": PLAIN})
    await send({"type": "http.response.body", "body": b"{}"})
