"""Long answers of records: a stream of server-sent events, and a wait that ends with the
connection."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import structlog
from starlette.types import Receive, Scope, Send

from hookyard.entrypoints.http.bodies import Disconnected
from hookyard.entrypoints.http.edge import DEFAULTS
from hookyard.kit.streaming import EVENTS, HEAD, Frames, end, left, send_frames

T = TypeVar("T")
log = structlog.get_logger("hookyard.http")
SEND_S = 10.0


def wants_stream(scope: Scope) -> bool:
    """Whether a request asks for server-sent events."""
    return any(name == b"accept" and EVENTS in value.lower() for name, value in scope["headers"])


async def stream(
    frames: Frames, scope: Scope, receive: Receive, send: Send, request_id: bytes
) -> None:
    """Send frames as they come. What the first one raises is raised before anything is sent."""
    headers = (*DEFAULTS, *HEAD, (b"x-request-id", request_id))
    error = await send_frames(frames, scope, receive, send, headers, SEND_S)
    if error is not None:
        log.warning("stream_ended", path=scope["path"], error=type(error).__name__)


async def while_there(receive: Receive, work: Coroutine[None, None, T]) -> T:
    """The result of work; Disconnected when the client leaves before it is there."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(left(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Disconnected
        return working.result()
    finally:
        await end(working, gone)
