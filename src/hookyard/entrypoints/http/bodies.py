"""Reading bodies from strangers: a cap for each, a budget for all, a deadline for the slow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from hookyard.kit.errors import RequestTimeout, Unavailable

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

SMALL = 256 * 1024
DEADLINE_S = 30.0


class BodyTooLarge(Exception):
    """The body is over the cap."""


class Disconnected(Exception):
    """The client went away before its body was complete."""


class TooSlow(Exception):
    """The body was not complete within the deadline; the client may still be there."""


class _Wait:
    """One task that waits for a stranger."""

    __slots__ = ("at", "fired", "task")

    def __init__(self, task: "asyncio.Task[Any] | None", at: float) -> None:
        self.task = task
        self.at = at
        self.fired = False


class Watch:
    """Ends waits that take too long, with one timer for all of them.

    # why: a timer for each request costs more than checking its signature.
    """

    def __init__(self) -> None:
        self._waits: set[_Wait] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, deadline_s: float) -> _Wait:
        """The current task waits from now on."""
        loop = asyncio.get_running_loop()
        wait = _Wait(asyncio.current_task(), loop.time() + deadline_s)
        self._waits.add(wait)
        if self._timer is None:
            self._timer = loop.call_later(min(1.0, deadline_s), self._sweep, loop)
        return wait

    def leave(self, wait: _Wait) -> None:
        """It does not any more."""
        self._waits.discard(wait)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for wait in [wait for wait in self._waits if wait.at <= now]:
            self._waits.discard(wait)
            wait.fired = True
            if wait.task is not None:
                wait.task.cancel()
        self._timer = None
        if self._waits:
            soonest = min(wait.at for wait in self._waits)
            self._timer = loop.call_later(min(1.0, max(0.01, soonest - now)), self._sweep, loop)


class BodyBudget:
    """Bytes of bodies held at once. The last quarter is for small bodies alone.

    # why: counted as bytes arrive, not as they are announced, so that a stranger cannot reserve
    # the room by promising a large body; and large ones cannot crowd out the ordinary.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_large = limit * 3 // 4
        self.used = 0
        self.watch = Watch()

    def take(self, size: int, held: int) -> None:
        """Count `size` more bytes for a request that holds `held`; Unavailable when full."""
        limit = self._limit if held + size <= SMALL else self._limit_large
        if self.used + size > limit:
            raise Unavailable("too many bodies are being received at once", retry_after_s=2)
        self.used += size

    def give_back(self, size: int) -> None:
        """The request is over."""
        self.used -= size


def announced_too_large(content_length: bytes | None, cap: int) -> bool:
    """Whether the Content-Length header alone says the body is over the cap."""
    if content_length is None or not content_length.isdigit():
        return False
    return len(content_length) > 12 or int(content_length) > cap


async def read_body(
    receive: Receive, budget: BodyBudget, cap: int, deadline_s: float = DEADLINE_S
) -> bytes:
    """The whole body, counted in the budget: the caller gives back `len(body)` when done.

    BodyTooLarge over `cap` bytes, Disconnected when the client leaves, TooSlow when it takes
    longer than `deadline_s`, Unavailable when the budget is used up; nothing stays counted after
    an error.
    """
    wait = budget.watch.enter(deadline_s)
    try:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            return await _read_rest(receive, body, budget, cap)
    except asyncio.CancelledError:
        if wait.fired and wait.task is not None:
            wait.task.uncancel()
            raise TooSlow from None
        raise
    finally:
        budget.watch.leave(wait)
    if len(body) > cap:
        raise BodyTooLarge
    budget.take(len(body), 0)
    return body


async def _read_rest(receive: Receive, first: bytes, budget: BodyBudget, cap: int) -> bytes:
    held = 0
    chunks = [first]
    try:
        budget.take(len(first), 0)
        held = len(first)
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            if held + len(chunk) > cap:
                raise BodyTooLarge
            budget.take(len(chunk), held)
            held += len(chunk)
            chunks.append(chunk)
            more = message.get("more_body", False)
    except BaseException:
        budget.give_back(held)
        raise
    return b"".join(chunks)


async def arriving(
    receive: Receive, budget: BodyBudget, deadline_s: float = DEADLINE_S
) -> AsyncIterator[bytes]:
    """A body piece by piece, as long as it may be; whoever reads says how fast it comes.

    Disconnected when the client leaves, RequestTimeout when nothing arrives for `deadline_s`.
    """
    more = True
    while more:
        wait = budget.watch.enter(deadline_s)
        try:
            message = await receive()
        except asyncio.CancelledError:
            if wait.fired and wait.task is not None:
                wait.task.uncancel()
                raise RequestTimeout from None
            raise
        finally:
            budget.watch.leave(wait)
        if message["type"] != "http.request":
            raise Disconnected
        more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        if piece:
            yield piece
