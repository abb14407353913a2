"""Answers that are sent piece by piece, as plain ASGI: server-sent events, lines, files.

A reader that does not take what it is sent in time is let go, so that it costs a connection no
longer than that, and memory no more than one piece.

# spec: ASGI 3.0, HTTP connection scope.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import TypeAlias, TypeVar

Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Frames: TypeAlias = AsyncGenerator[bytes, None]

T = TypeVar("T")
ABORT = "hookyard.abort"
"""The extension of a scope that drops the connection, with what is not sent yet."""
EVENTS = b"text/event-stream"
BEAT = b":\n\n"
"""A comment: it keeps a quiet stream of events open, and its reader is told nothing."""
# why: nginx holds answers back until a buffer is full, unless it is told not to.
HEAD = ((b"content-type", EVENTS), (b"x-accel-buffering", b"no"))


async def send_frames(
    frames: Frames,
    scope: Mapping[str, object],
    receive: Receive,
    send: Send,
    headers: Sequence[tuple[bytes, bytes]],
    within_s: float,
) -> Exception | None:
    """Send frames as they come, until they end or the reader is gone; the trouble that ended it,
    if one did: TimeoutError for a reader too slow. What the first frame raises is raised, before
    anything is sent. The frames are closed in any case.
    """
    first = await anext(frames, b"")
    sending = asyncio.create_task(_send_all(first, frames, send, headers, within_s))
    gone = asyncio.create_task(left(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        error = sending.exception() if sending.done() else None
        if error is not None:
            await _abort(scope, gone, within_s)
        return error if isinstance(error, Exception) else None
    finally:
        await end(sending, gone)
        await frames.aclose()


async def left(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def end(*tasks: "asyncio.Future[T] | asyncio.Future[None]") -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _abort(scope: Mapping[str, object], gone: "asyncio.Task[None]", within_s: float) -> None:
    """Drop the connection with what is not sent yet: closing would wait for the reader."""
    extensions = scope.get("extensions")
    found = extensions.get(ABORT) if isinstance(extensions, Mapping) else None
    if found is not None:
        found["call"]()
        await asyncio.wait({gone}, timeout=within_s)


async def _send_all(
    first: bytes,
    frames: Frames,
    send: Send,
    headers: Sequence[tuple[bytes, bytes]],
    within_s: float,
) -> None:
    async def patiently(message: Message) -> None:
        async with asyncio.timeout(within_s):
            await send(message)

    await patiently({"type": "http.response.start", "status": 200, "headers": list(headers)})
    await patiently({"type": "http.response.body", "body": first, "more_body": True})
    async for frame in frames:
        await patiently({"type": "http.response.body", "body": frame, "more_body": True})
    await patiently({"type": "http.response.body", "body": b""})
