"""The inbox as server-sent events: what is new as it comes, and what came while one was away.

Every event carries its number in the inbox as `id`, which a browser sends back as
`Last-Event-ID`; numbers rise in the order of commits, so that nothing is left out. A commit in
any process wakes every stream by way of the database, and each looks by itself now and then.

# spec: WHATWG HTML, section 9.2, server-sent events.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor
from hookyard.features.notifications.model import Entry
from hookyard.features.notifications.service import CHANNEL, Notifications
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import Limited

Alive: TypeAlias = Callable[[Unit, Actor, int], bool]
"""Whether the session an actor came with still stands at an instant."""

BATCH = 100
RETRY_MS = 3_000


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Bounds, in seconds and numbers. A stream ends within `check_s` of its session, and after
    `longest_s` in any case, to come back with the rights of then. One that takes longer than
    `send_s` to take what is sent is dropped."""

    per_user: int = 5
    in_all: int = 1_000
    check_s: float = 5.0
    beat_s: float = 15.0
    longest_s: float = 600.0
    send_s: float = 10.0


class Streams:
    """Every open stream of this process."""

    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        alive: Alive,
        clock: Clock,
        options: StreamOptions | None = None,
    ) -> None:
        self.database = database
        self.notifications = notifications
        self.alive = alive
        self.clock = clock
        self.options = options or StreamOptions()
        self.closing = False
        self._open: Counter[str] = Counter()
        self._bells: set[asyncio.Event] = set()
        database.listen(CHANNEL, self.ring)

    def ring(self) -> None:
        """There may be news for somebody."""
        for bell in self._bells:
            bell.set()

    def close(self) -> None:
        """End every stream, and begin none."""
        self.closing = True
        self.ring()

    def open(self, actor: Actor, after: int | None) -> "EventStream":
        """A stream for an actor, from behind a number on; None is from now on. Limited when there
        are too many."""
        mine, total = self._open[actor.id], self._open.total()
        if self.closing or mine >= self.options.per_user or total >= self.options.in_all:
            raise Limited("too many open streams", retry_after_s=5)
        return EventStream(self, actor, after)

    def enter(self, actor: Actor, bell: asyncio.Event) -> None:
        """Count a stream that begins."""
        self._open[actor.id] += 1
        self._bells.add(bell)

    def leave(self, actor: Actor, bell: asyncio.Event) -> None:
        """Forget a stream that ended."""
        self._open[actor.id] -= 1
        if self._open[actor.id] <= 0:
            del self._open[actor.id]
        self._bells.discard(bell)


class EventStream(Response):
    """One open stream, as an answer."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, actor: Actor, after: int | None) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._actor = actor
        self._after = after
        self._bell = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client is gone, the session is over, or the server stops."""
        self._streams.enter(self._actor, self._bell)
        gone = asyncio.create_task(_until_gone(receive), name="stream-gone")
        pump = asyncio.create_task(self._pump(send), name="stream-pump")
        try:
            await asyncio.wait((gone, pump), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, pump):
                task.cancel()
            ended = await asyncio.gather(gone, pump, return_exceptions=True)
            self._streams.leave(self._actor, self._bell)
        if isinstance(ended[1], Exception) and not isinstance(ended[1], _TooSlow | OSError):
            raise ended[1]

    async def _pump(self, send: Send) -> None:
        streams, options = self._streams, self._streams.options
        clock = streams.clock
        started = checked = beat = clock.monotonic()
        seq = await self._begin(send)
        while not streams.closing:
            self._bell.clear()
            now = clock.monotonic()
            if now - started >= options.longest_s:
                break
            if now - checked >= options.check_s:
                checked = now
                if not await self._lives():
                    break
            entries, seq = await self._news(seq)
            if entries:
                await self._send(send, b"".join(event_of(entry) for entry in entries))
                beat = clock.monotonic()
                continue
            if now - beat >= options.beat_s:
                await self._send(send, b": \n\n")
                beat = now
            await self._rest()
        await self._say(send({"type": "http.response.body", "body": b"", "more_body": False}))

    async def _begin(self, send: Send) -> int:
        """Head, and where to begin: no further on than the inbox is."""
        actor, notifications = self._actor, self._streams.notifications
        head = await self._streams.database.read(lambda unit: notifications.head(unit, actor))
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await self._say(send(start))
        seq = head if self._after is None else min(self._after, head)
        await self._send(send, f"retry: {RETRY_MS}\nid: {seq}\n\n".encode())
        return seq

    async def _news(self, seq: int) -> tuple[list[Entry], int]:
        """What is past a number and may be seen, and how far that reaches."""
        while True:
            look = partial(
                self._streams.notifications.after, actor=self._actor, seq=seq, limit=BATCH
            )
            found, reached = await self._streams.database.read(look)
            if found or reached == seq:
                return found, reached
            seq = reached

    async def _lives(self) -> bool:
        streams, actor = self._streams, self._actor
        now_ms = streams.clock.now_ms()
        return await streams.database.read(lambda unit: streams.alive(unit, actor, now_ms))

    async def _rest(self) -> None:
        """Until the bell rings, or it is time to look again."""
        bell = asyncio.create_task(self._bell.wait())
        nap = asyncio.create_task(self._streams.clock.sleep(self._streams.options.check_s))
        try:
            await asyncio.wait((bell, nap), return_when=asyncio.FIRST_COMPLETED)
        finally:
            bell.cancel()
            nap.cancel()
            await asyncio.gather(bell, nap, return_exceptions=True)

    async def _send(self, send: Send, data: bytes) -> None:
        await self._say(send({"type": "http.response.body", "body": data, "more_body": True}))

    async def _say(self, sending: Awaitable[None]) -> None:
        """One message to the client, who has `send_s` to take it."""
        try:
            async with asyncio.timeout(self._streams.options.send_s):
                await sending
        except TimeoutError:
            raise _TooSlow from None


class _TooSlow(Exception):
    """The client does not take what is sent; its connection is given up."""


async def _until_gone(receive: Receive) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass


def event_of(entry: Entry) -> bytes:
    """One line of an inbox as an event; JSON has no line break that would end it early."""
    shown = {
        "id": entry.id,
        "kind": entry.kind,
        "repository": entry.repository,
        "number": entry.number,
        "title": entry.title,
        "body": entry.body,
        "url": entry.url,
        "count": entry.count,
        "created_at": to_rfc3339(entry.created_at_ms),
        "updated_at": to_rfc3339(entry.updated_at_ms),
        "read_at": None if entry.read_at_ms is None else to_rfc3339(entry.read_at_ms),
    }
    return b"id: %d\nevent: notification\ndata: %b\n\n" % (entry.seq, msgspec.json.encode(shown))
