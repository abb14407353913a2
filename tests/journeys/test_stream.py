"""The stream of notifications over real sockets: live, resumed, bounded, ended with the session."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from hookyard.adapters.database.port import Unit
from hookyard.bootstrap import Yard
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.identity.grants_model import NewGrant, Subject
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.features.notifications.model import Notice
from hookyard.features.notifications.stream import StreamOptions
from tests.journeys.conftest import make_yard
from tests.support.browsers import Browser, browsing
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.worlds import World, open_world

TEAMS = """
rules:
  - people: [alice]
    role: operator
    scope: repo:acme/shop
"""
PATIENCE_S = 30
STREAM = "/api/notifications/stream"
NOTICE = Notice("health.failed", "acme/shop", 7, "It fails", "why", None, ("alice",))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rules = tmp_path / "teams.yml"
    rules.write_text(TEAMS, encoding="utf-8")
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_TEAMS_FILE": str(rules), "HOOKYARD_ADMINS": "root-user"}
        made = await open_world(stack, tmp_path, environ, agent=False)
        yield made


@pytest.fixture
async def alice(world: World) -> AsyncIterator[Browser]:
    world.sandbox.sign_in_as("alice")
    async with browsing(str(world.caller.http.base_url).rstrip("/")) as made:
        await made.sign_in()
        yield made


class Ear:
    """One open stream: reads event by event."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()
        self.beats = 0

    async def event(self) -> dict[str, str]:
        """The next event's fields; StopAsyncIteration at the end of the stream."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = await anext(self._lines)
                if line.startswith(":"):
                    self.beats += 1
                elif line:
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif "data" in found:
                    return found
                else:
                    found = {**found, "began": "yes"} if "retry" in found else {}
                    if found:
                        return found

    async def title(self) -> tuple[str, str]:
        """The next notification: its number and title."""
        found = await self.event()
        return found["id"], json.loads(found["data"])["title"]


@asynccontextmanager
async def listening(browser: Browser, path: str = STREAM, **headers: str) -> AsyncIterator[Ear]:
    """A stream that has begun."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with browser.http.stream("GET", browser.origin + path, headers=sent) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        ear = Ear(answer)
        assert (await ear.event())["began"] == "yes"
        yield ear


async def tell(yard: Yard, *titles: str) -> None:
    for title in titles:
        notice = replace(NOTICE, title=title)
        await yard.database.write(
            lambda unit, notice=notice: yard.noticing.notifications.notify(unit, notice)
        )


async def time_passes(world: World, waiting: "asyncio.Task[object]") -> None:
    """Let the clock run until something has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while not waiting.done():
            world.clock.advance(6)
            await asyncio.wait({waiting}, timeout=0.05)


async def test_what_is_told_arrives_and_what_was_missed_comes_after(
    world: World, alice: Browser
) -> None:
    yard = world.caller.yard
    await tell(yard, "before")
    async with listening(alice) as ear:
        await tell(yard, "one", "two")
        assert [await ear.title(), await ear.title()] == [("2", "one"), ("3", "two")]
    await tell(yard, "three", "four")
    async with listening(alice, last_event_id="3") as ear:
        await tell(yard, "five")
        got = [await ear.title() for _ in range(3)]
    assert got == [("4", "three"), ("5", "four"), ("6", "five")]
    async with listening(alice, f"{STREAM}?after=5") as ear:
        assert await ear.title() == ("6", "five")
    async with listening(alice, last_event_id="999999") as ear:
        await tell(yard, "six")
        assert await ear.title() == ("7", "six")


async def test_the_inbox_can_be_read_over_the_api(world: World, alice: Browser) -> None:
    await tell(world.caller.yard, "one", "two")
    shown = (await alice.get("/api/notifications?limit=1")).json()
    assert (shown["unread"], [item["title"] for item in shown["items"]]) == (2, ["two"])
    cursor = shown["next_cursor"]
    rest = (await alice.get(f"/api/notifications?cursor={cursor}")).json()
    (one,) = rest["items"]
    read = await alice.send("POST", f"/api/notifications/{one['id']}/read")
    assert (read.status_code, bool(read.json()["read_at"])) == (200, True)
    unread = (await alice.get("/api/notifications?unread=true")).json()
    assert [item["title"] for item in unread["items"]] == ["two"]
    marked = await alice.send("POST", "/api/notifications/read-all")
    assert marked.json() == {"marked": 1}
    wanted = {"rules": [{"kinds": ["health.*"], "channel": "none"}]}
    put = await alice.send("PUT", "/api/notifications/rules", wanted)
    assert (put.status_code, put.json()["own"]) == (200, True)
    await tell(world.caller.yard, "three")
    assert (await alice.get("/api/notifications")).json()["unread"] == 0
    slack = {"rules": [{"channel": "slack", "slack": "U01234567"}]}
    refused = await alice.send("PUT", "/api/notifications/rules", slack)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_rule")


async def test_a_stream_ends_with_its_session(world: World, alice: Browser) -> None:
    async with listening(alice) as ear:
        waiting = asyncio.create_task(ear.event())
        ended = await alice.send("DELETE", "/api/me/sessions")
        assert ended.json() == {"ended": 1}
        await time_passes(world, waiting)
        with pytest.raises(StopAsyncIteration):
            await waiting
    assert (await alice.get("/api/notifications")).status_code == 401


async def test_quiet_streams_send_a_beat(world: World, alice: Browser) -> None:
    async with listening(alice) as ear:
        waiting = asyncio.create_task(ear.event())
        async with asyncio.timeout(PATIENCE_S):
            while not ear.beats:
                world.clock.advance(20)
                await asyncio.wait({waiting}, timeout=0.05)
        await tell(world.caller.yard, "one")
        assert json.loads((await waiting)["data"])["title"] == "one"


async def test_streams_are_bounded_for_each_person(world: World, alice: Browser) -> None:
    world.caller.yard.streams.options = replace(world.caller.yard.streams.options, per_user=2)
    async with listening(alice), listening(alice):
        third = await alice.get(STREAM)
        assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
        assert third.headers["retry-after"] == "5"


async def test_streams_end_when_the_server_drains(world: World, alice: Browser) -> None:
    async with listening(alice) as ear:
        world.caller.yard.streams.close()
        with pytest.raises(StopAsyncIteration):
            await ear.event()


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "١"])
async def test_a_number_that_is_none_of_ours_is_refused(alice: Browser, number: str) -> None:
    raw = number.encode()
    answer = await alice.http.get(alice.origin + STREAM, headers={b"last-event-id": raw})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_event_id")


async def test_keys_have_no_stream(world: World) -> None:
    answer = await world.caller.get(STREAM)
    assert (answer.status_code, answer.json()["code"]) == (409, "people_only")


READER = Actor(ActorKind.USER, "u1", "default", (Grant(Role.ADMIN),), "u1", "s1")


def make_admin(yard: Yard, unit: Unit, user_id: str) -> None:
    wanted = NewGrant(Subject(ActorKind.USER, user_id), Role.ADMIN, Scope())
    yard.grants.create(unit, wanted, ADMIN, yard.clock.now_ms())


async def test_every_process_is_woken_by_every_other(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    name = postgres_server.lend(an_installation)
    environ = {"DATABASE_URL": postgres_server.url(name)}
    one, two = await make_yard(tmp_path / "a", environ), await make_yard(tmp_path / "b", environ)
    try:
        one.streams.options = replace(StreamOptions(), check_s=PATIENCE_S)
        one.streams.alive = lambda unit, actor, now_ms: True
        admin = replace(NOTICE, repository=None, for_logins=(), for_admins=True)
        await two.database.write(lambda unit: make_admin(two, unit, READER.id))
        sent: asyncio.Queue[bytes] = asyncio.Queue()
        running = asyncio.create_task(run(one, sent))
        async with asyncio.timeout(PATIENCE_S):
            assert b"retry:" in await sent.get()
            await two.database.write(lambda unit: two.noticing.notifications.notify(unit, admin))
            assert b'"title":"It fails"' in await sent.get()
        one.streams.close()
        await running
    finally:
        await one.close()
        await two.close()
        postgres_server.take_back(name)


async def run(yard: Yard, sent: "asyncio.Queue[bytes]") -> None:
    """One stream of READER whose client takes everything."""
    gone = asyncio.Event()

    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        body = message.get("body")
        if isinstance(body, bytes) and body:
            sent.put_nowait(body)

    await yard.streams.open(READER, None)({}, receive, send)  # type: ignore[arg-type]
