"""Waiting for changes: long polls and streams wake up, hold their bounds, and end in time."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import RawSql
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, Decision, Role, Scope
from hookyard.features.records.feed import Feed, Wanted
from hookyard.features.records.feeding.bell import CHANNEL, PER_CALLER, Bell
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Forbidden, Limited, Unauthenticated
from tests.contract.records.bulk import load, ndjson
from tests.contract.records.places import Place, an_actor, feed_head
from tests.support.postgres import PostgresServer

PATIENCE = 60


@pytest.fixture
def feed(place: Place) -> Feed:
    """A feed that waits by the machine's clock."""
    return Feed(place.database, place.records.catalog, SystemClock())


async def until_waiting(bell: Bell, count: int) -> None:
    while len(bell._waiting) < count:
        await asyncio.sleep(0)


async def test_a_poll_waits_for_the_first_change(place: Place, feed: Feed) -> None:
    poll = asyncio.create_task(feed.page(an_actor(), b"after=0&wait=50"))
    other = asyncio.create_task(feed.page(an_actor("other"), b"after=0&wait=1"))
    await until_waiting(feed.bell, 2)
    await place.call("POST", "/v1/users", b'{"userId":"u"}')
    page = json.loads(await asyncio.wait_for(poll, PATIENCE))
    assert [one["aggregateid"] for one in page["items"]] == ["u"]
    assert json.loads(await asyncio.wait_for(other, PATIENCE))["items"] == []


async def test_a_poll_passes_by_what_is_not_asked_for(place: Place, feed: Feed) -> None:
    poll = asyncio.create_task(feed.page(an_actor(), b"after=0&wait=50&entities=agents"))
    await until_waiting(feed.bell, 1)
    for n in range(3):
        await place.call("POST", "/v1/users", json.dumps({"userId": f"u{n}"}).encode())
    await place.call("PUT", "/v1/agents/a", b'{"name":"a"}')
    page = json.loads(await asyncio.wait_for(poll, PATIENCE))
    assert [one["seq"] for one in page["items"]] == [4]
    assert page["next_after"] == 4


def overheard(place: Place, monkeypatch: pytest.MonkeyPatch) -> tuple[Place, list[str]]:
    """A gateway over the same database, and the channels it announces news on."""
    told: list[str] = []
    monkeypatch.setattr(place.database, "announce", told.append)
    records = open_records(place.database, Audit(place.ids), place.ids, place.clock)
    return Place(place.database, records, place.clock, place.ids), told


@pytest.mark.parametrize("way", ["create", "replace", "transact", "update_many", "import"])
async def test_whoever_waits_is_told_however_it_was_written(
    place: Place, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.call("POST", "/v1/users", b'{"userId":"there"}')
    place, told = overheard(place, monkeypatch)
    where = quote('{"userId":"there"}')
    operations = b'{"operations":[{"op":"create","entity":"users","data":{"userId":"u"}}]}'
    if way == "import":
        await load(place, ndjson([{"userId": "u"}]), entity="users")
    else:
        method, path, body = {
            "create": ("POST", "/v1/users", b'{"userId":"u"}'),
            "replace": ("PUT", "/v1/users/u", b"{}"),
            "transact": ("POST", "/v1/_transact", operations),
            "update_many": ("PATCH", f"/v1/users?max=5&where={where}", b'{"displayName":"x"}'),
        }[way]
        await place.call(method, path, body)
    assert await feed_head(place) == 2
    assert told == [CHANNEL]


async def test_nobody_is_told_of_what_was_not_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.call("POST", "/v1/users", b'{"userId":"u"}', key="k")
    place, told = overheard(place, monkeypatch)
    await place.call("POST", "/v1/users", b'{"userId":"u"}', key="k")
    await place.call("PUT", "/v1/users/w?dry_run=true", b"{}")
    await load(place, ndjson([{"nane": "u"}]), entity="users")
    assert await feed_head(place) == 1
    assert told == []


async def test_a_process_hears_of_what_another_one_wrote(
    place: Place, request: pytest.FixtureRequest
) -> None:
    if not isinstance(place.database, PostgresDatabase):
        pytest.skip("one process owns an SQLite file")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = RawSql.same("SELECT current_database()::text")
    ((here,),) = await place.database.read(lambda unit: unit.fetch_raw(name))
    elsewhere = PostgresDatabase(server.url(str(here)))
    try:
        records = open_records(elsewhere, Audit(place.ids), place.ids, SystemClock())
        poll = asyncio.create_task(records.feed.page(an_actor(), b"after=0&wait=50"))
        await until_waiting(records.feed.bell, 1)
        await place.call("POST", "/v1/users", b'{"userId":"u"}')
        assert json.loads(await asyncio.wait_for(poll, PATIENCE))["next_after"] == 1
    finally:
        await elsewhere.close()


async def test_a_caller_may_wait_so_often_and_others_still_may(place: Place, feed: Feed) -> None:
    polls = [asyncio.create_task(feed.page(an_actor(), b"wait=50")) for _ in range(PER_CALLER)]
    await until_waiting(feed.bell, PER_CALLER)
    with pytest.raises(Limited):
        await feed.page(an_actor(), b"wait=50")
    assert json.loads(await feed.page(an_actor(), b"after=0"))["items"] == []
    another = asyncio.create_task(feed.page(an_actor(name="other"), b"wait=50"))
    await until_waiting(feed.bell, PER_CALLER + 1)
    feed.bell.close()
    for poll in (*polls, another):
        assert json.loads(await asyncio.wait_for(poll, PATIENCE))["items"] == []
    assert feed.bell._held == {}


class Credential:
    """Says who the caller is, until it is over."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.over = False

    async def again(self) -> Actor:
        if self.over:
            raise Unauthenticated
        return self.actor


async def frame(stream: AsyncIterator[bytes]) -> str:
    """The next frame that is no heartbeat."""
    while True:
        found = (await asyncio.wait_for(anext(stream), PATIENCE)).decode()
        if found != ":\n\n":
            return found


async def test_a_stream_goes_on_after_the_last_event_and_ends_with_the_credential(
    place: Place, feed: Feed
) -> None:
    for n in range(3):
        await place.call("POST", "/v1/users", json.dumps({"userId": f"u{n}"}).encode())
    credential = Credential(an_actor())
    stream = feed.follow(credential.actor, b"after=1", "2", credential.again)
    assert (await frame(stream)).startswith("retry: ")
    first = await frame(stream)
    assert first.startswith("id: 3\nevent: change\ndata: {")
    assert json.loads(first.splitlines()[2].removeprefix("data: "))["aggregateid"] == "u2"
    await place.call("POST", "/v1/users", b'{"userId":"u4"}')
    assert (await frame(stream)).startswith("id: 4\n")
    credential.over = True
    await place.call("POST", "/v1/users", b'{"userId":"u5"}')
    assert await frame(stream) == 'event: end\ndata: {"code":"unauthenticated"}\n\n'
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert feed.bell._held == {}


async def test_a_stream_moves_on_past_what_its_reader_may_not_see(place: Place, feed: Feed) -> None:
    await place.apply(
        "entities:\n  secrets:\n    id: {field: s, client: true}\n    fields: {title: text}\n"
        "    roles: {read: [admin], create: [admin]}\n"
    )
    viewer = an_actor(role=Role.VIEWER, name="viewer")
    credential = Credential(viewer)
    stream = feed.follow(viewer, b"", None, credential.again)
    await frame(stream)
    await place.call("POST", "/v1/secrets", b'{"s":"1","title":"planted-title"}')
    assert await frame(stream) == "id: 1\n\n"
    await place.call("POST", "/v1/users", b'{"userId":"u"}')
    found = await frame(stream)
    assert found.startswith("id: 2\nevent: change")
    assert "planted-title" not in found
    await stream.aclose()


async def test_reading_in_pages_and_waiting_leave_no_gap_under_writers(
    place: Place, feed: Feed
) -> None:
    seen: list[object] = []

    async def reading() -> None:
        after = 0
        while len(seen) < 60:
            told = await feed.told(an_actor(), Wanted(after, 7, 30))
            seen.extend(one["seq"] for one in told.items)
            after = told.last

    async def writing(name: int) -> None:
        for n in range(10):
            body = json.dumps({"userId": f"u{name}-{n}"}).encode()
            await place.call("POST", "/v1/users", body)

    await asyncio.wait_for(
        asyncio.gather(reading(), *(writing(name) for name in range(6))), PATIENCE
    )
    assert seen == list(range(1, 61))


class Nobody:
    """An authorizer that lets nobody do anything."""

    async def prepare(self, actor: Actor) -> Actor:
        return actor

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        return Decision(allowed=False, reason=f"nobody may {action}")

    def somewhere(self, actor: Actor, action: str) -> Decision:
        return Decision(allowed=False, reason="nobody may")

    def scopes(self, actor: Actor, action: str) -> tuple[Scope, ...]:
        return ()


@pytest.mark.parametrize("path", ["/v1/_changes", "/v1/_consumers"])
async def test_an_authorizer_in_use_has_to_agree(place: Place, path: str) -> None:
    actor = replace(an_actor(), authorizer=Nobody())
    with pytest.raises(Forbidden, match=r"nobody may records\.read"):
        await place.call("GET", path, actor=actor)
