"""Long answers as plain ASGI: a stream of server-sent events, and a wait that ends with the
connection.

A reader that does not take what it is sent within `SEND_S` is let go, so that it costs a
connection no longer than that and memory no more than one page of the feed.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import TypeAlias, TypeVar

import structlog
from starlette.types import Receive, Scope, Send

from hookyard.entrypoints.http.bodies import Disconnected
from hookyard.entrypoints.http.edge import DEFAULTS
from hookyard.entrypoints.http.heads import ABORT

T = TypeVar("T")
Frames: TypeAlias = AsyncGenerator[bytes, None]
log = structlog.get_logger("hookyard.http")
SEND_S = 10.0
MEDIA_TYPE = b"text/event-stream"
# why: nginx holds answers back until a buffer is full, unless it is told not to.
_HEAD = ((b"content-type", MEDIA_TYPE), (b"x-accel-buffering", b"no"))


def wants_stream(scope: Scope) -> bool:
    """Whether a request asks for server-sent events."""
    return any(
        name == b"accept" and MEDIA_TYPE in value.lower() for name, value in scope["headers"]
    )


async def stream(
    frames: AsyncGenerator[bytes, None],
    scope: Scope,
    receive: Receive,
    send: Send,
    request_id: bytes,
) -> None:
    """Send frames as they come. What the first one raises is raised before anything is sent."""
    first = await anext(frames)
    headers = [*DEFAULTS, *_HEAD, (b"x-request-id", request_id)]
    sending = asyncio.ensure_future(_send_all(first, frames, send, headers))
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and (error := sending.exception()) is not None:
            log.warning("stream_ended", path=scope["path"], error=type(error).__name__)
            await _abort(scope, gone)
    finally:
        await _end(sending, gone)
        await frames.aclose()


async def _abort(scope: Scope, gone: "asyncio.Future[None]") -> None:
    """Drop the connection with what is not sent yet: closing would wait for the reader."""
    found = (scope.get("extensions") or {}).get(ABORT)
    if found is not None:
        found["call"]()
        await asyncio.wait({gone}, timeout=SEND_S)


async def while_there(receive: Receive, work: Coroutine[None, None, T]) -> T:
    """The result of work; Disconnected when the client leaves before it is there."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Disconnected
        return working.result()
    finally:
        await _end(working, gone)


async def _send_all(
    first: bytes,
    frames: AsyncGenerator[bytes, None],
    send: Send,
    headers: list[tuple[bytes, bytes]],
) -> None:
    async def patiently(message: dict[str, object]) -> None:
        async with asyncio.timeout(SEND_S):
            await send(message)

    await patiently({"type": "http.response.start", "status": 200, "headers": headers})
    await patiently({"type": "http.response.body", "body": first, "more_body": True})
    async for frame in frames:
        await patiently({"type": "http.response.body", "body": frame, "more_body": True})
    await patiently({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(*parts: "asyncio.Future[T] | asyncio.Future[None]") -> None:
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
