"""A stream and its client: slow ones, broken ones, those that are gone."""

import asyncio
from dataclasses import replace

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role
from hookyard.features.notifications.model import Notice, Recipient
from hookyard.features.notifications.service import CHANNEL, Notifications
from hookyard.features.notifications.stream import StreamOptions, Streams
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Limited
from hookyard.kit.ids import IdMaker
from hookyard.kit.streaming import ABORT

PATIENCE_S = 30
ALICE = Actor(ActorKind.USER, "alice", "default", (Grant(Role.VIEWER),), "alice", "s")


class Everybody:
    """People who may read everything."""

    def by_logins(self, unit: Unit, logins: tuple[str, ...]) -> tuple[Recipient, ...]:
        return tuple(Recipient(login, "default") for login in logins)

    def admins(self, unit: Unit) -> tuple[Recipient, ...]:
        return ()

    def may_read(self, unit: Unit, user_id: str, repository: str, number: int | None) -> bool:
        return True


@pytest.fixture
def notifications(
    sqlite_database: SqliteDatabase, clock: ManualClock, ids: IdMaker
) -> Notifications:
    return Notifications(
        ids, clock, Everybody(), lambda unit, name: None, lambda: sqlite_database.announce(CHANNEL)
    )


@pytest.fixture
def streams(
    sqlite_database: SqliteDatabase, notifications: Notifications, clock: ManualClock
) -> Streams:
    options = replace(StreamOptions(), send_s=0.2, per_user=1, in_all=2)
    return Streams(sqlite_database, notifications, lambda *_: True, clock, options)


async def forever() -> dict[str, object]:
    await asyncio.Event().wait()
    return {}


async def test_a_client_that_takes_nothing_is_dropped(streams: Streams) -> None:
    async def stuck(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S):
        await streams.open(ALICE, None)({}, forever, stuck)  # type: ignore[arg-type]
    assert streams.open(ALICE, None)


async def test_the_connection_of_a_client_that_takes_nothing_is_cut(streams: Streams) -> None:
    cut = asyncio.Event()

    async def receive() -> dict[str, object]:
        await cut.wait()
        return {"type": "http.disconnect"}

    async def stuck(message: dict[str, object]) -> None:
        await asyncio.Event().wait()

    scope = {"extensions": {ABORT: {"call": cut.set}}}
    async with asyncio.timeout(PATIENCE_S):
        await streams.open(ALICE, None)(scope, receive, stuck)  # type: ignore[arg-type]
    assert cut.is_set()


async def test_a_client_that_is_gone_ends_it(streams: Streams) -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        return

    async with asyncio.timeout(PATIENCE_S):
        await streams.open(ALICE, None)({}, gone, send)  # type: ignore[arg-type]
    assert streams.open(ALICE, None)


async def test_a_stream_ends_after_its_longest_time(streams: Streams, clock: ManualClock) -> None:
    began = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        began.set()

    running = asyncio.create_task(
        streams.open(ALICE, None)({}, forever, send)  # type: ignore[arg-type]
    )
    async with asyncio.timeout(PATIENCE_S):
        await began.wait()
        with pytest.raises(Limited):
            streams.open(ALICE, None)
        while not running.done():
            clock.advance(400)
            await asyncio.wait({running}, timeout=0.05)
    await running


async def test_many_lines_come_in_order_and_whole(
    streams: Streams, notifications: Notifications, sqlite_database: SqliteDatabase
) -> None:
    def tell(unit: Unit) -> None:
        for number in range(1, 251):
            notice = Notice("a.b", "acme/shop", number, f"n{number}\nid: 9", "", None, ("alice",))
            notifications.notify(unit, notice)

    await sqlite_database.write(tell)
    found: list[bytes] = []
    whole = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        body = message.get("body")
        if isinstance(body, bytes):
            found.extend(line for line in body.split(b"\n") if line.startswith(b"id: "))
        if len(found) > 250:
            whole.set()

    running = asyncio.create_task(
        streams.open(ALICE, 0)({}, forever, send)  # type: ignore[arg-type]
    )
    async with asyncio.timeout(PATIENCE_S):
        await whole.wait()
    streams.close()
    await running
    assert found == [b"id: %d" % number for number in range(251)]
