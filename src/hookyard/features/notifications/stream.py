"""The inbox as server-sent events: what is new as it comes, and what came while one was away.

Every event carries its number in the inbox as `id`, which a browser sends back as
`Last-Event-ID`; numbers rise in the order of commits, so that nothing is left out. A commit in
any process wakes every stream by way of the database, and each looks by itself now and then.

# spec: WHATWG HTML, section 9.2, server-sent events.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.model import Actor
from hookyard.core.jobs.alarm import sleep_or
from hookyard.features.notifications.model import Entry
from hookyard.features.notifications.service import CHANNEL, Notifications
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.errors import Limited
from hookyard.kit.streaming import BEAT, HEAD, Frames, send_frames

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

    def __init__(self, streams: Streams, actor: Actor, after: int | None) -> None:
        super().__init__()
        self.raw_headers = list(HEAD)
        self._streams = streams
        self._actor = actor
        self._after = after
        self._bell = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client is gone, the session is over, or the server stops."""
        self._streams.enter(self._actor, self._bell)
        within_s = self._streams.options.send_s
        try:
            error = await send_frames(
                self._frames(), scope, receive, send, self.raw_headers, within_s
            )
        finally:
            self._streams.leave(self._actor, self._bell)
        if error is not None and not isinstance(error, OSError):
            raise error

    async def _frames(self) -> Frames:
        streams, options = self._streams, self._streams.options
        clock = streams.clock
        started = checked = beat = clock.monotonic()
        seq = await self._begin()
        yield f"retry: {RETRY_MS}\nid: {seq}\n\n".encode()
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
                yield b"".join(event_of(entry) for entry in entries)
                beat = clock.monotonic()
                continue
            if now - beat >= options.beat_s:
                yield BEAT
                beat = now
            await sleep_or(self._bell, clock, options.check_s)

    async def _begin(self) -> int:
        """Where to begin: no further on than the inbox is."""
        actor, notifications = self._actor, self._streams.notifications
        head = await self._streams.database.read(lambda unit: notifications.head(unit, actor))
        return head if self._after is None else min(self._after, head)

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
