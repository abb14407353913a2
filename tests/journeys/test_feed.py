"""The feed at the front door: streams, their bounds and their end; subscriptions over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis
from standardwebhooks.webhooks import Webhook

from hookyard.bootstrap import Yard
from hookyard.entrypoints.http import streams
from hookyard.features.records import feed
from hookyard.features.records.feeding.bell import PER_CALLER
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.brokers import ValkeyServer

PATIENCE = 60


class Events:
    """Server-sent events as they come."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The next event or change of the id; heartbeats are passed by."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif not line and found:
                    return found
        raise AssertionError("the stream is over")


@asynccontextmanager
async def following(client: Caller, query: str = "", **headers: str) -> AsyncIterator[Events]:
    sent = {"authorization": f"Bearer {client.token}", "accept": "text/event-stream"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.http.stream("GET", f"/v1/_changes{query}", headers=sent) as response:
        yield Events(response)


async def write(client: Caller, count: int, first: int = 0, text: str = "") -> None:
    for n in range(first, first + count):
        made = await client.call(
            "POST", "/v1/messages", {"content": f"{n} {text}", "conversationId": "c"}
        )
        assert made.status_code == 201, made.text


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.02)  # why: nothing in the server tells a test of this


async def test_a_stream_is_resumed_after_its_last_event(client: Caller) -> None:
    async with following(client) as events:
        assert events.response.headers["content-type"] == "text/event-stream"
        assert events.response.headers["cache-control"] == "no-store"
        assert await events.next() == {"retry": "1000"}
        await write(client, 2)
        first = await events.next()
        assert (first["id"], first["event"]) == ("1", "change")
    await write(client, 2, 2)
    async with following(client, last_event_id=first["id"]) as events:
        await events.next()
        assert [(await events.next())["id"] for _ in range(3)] == ["2", "3", "4"]
    await until(lambda: client.yard.records.feed.bell._held == {})


async def test_refusals_of_a_stream_are_ordinary_answers(client: Caller) -> None:
    async with following(client, last_event_id="x") as events:
        await events.response.aread()
        assert (events.response.status_code, events.response.json()["code"]) == (
            400, "out_of_range",
        )  # fmt: skip
    async with following(client.with_token("nonsense")) as events:
        assert events.response.status_code == 401
    async with following(client, "?limit=5") as events:
        assert events.response.status_code == 400
    wrong = await client.call("GET", "/v1/_changes", tenant="x")
    assert wrong.status_code == 400


async def test_a_caller_has_so_many_streams_and_a_wait_ends_with_its_client(
    client: Caller,
) -> None:
    bell = client.yard.records.feed.bell
    open_streams = [
        asyncio.create_task(client.call("GET", "/v1/_changes", wait=50)) for _ in range(PER_CALLER)
    ]
    await until(lambda: sum(bell._held.values()) == PER_CALLER)
    async with following(client) as events:
        assert events.response.status_code == 429
    for task in open_streams:
        task.cancel()
    await asyncio.gather(*open_streams, return_exceptions=True)
    await until(lambda: bell._held == {})


async def test_a_stream_ends_when_its_key_is_revoked(
    client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "BEAT_S", 0.05)
    made = await client.call(
        "POST", "/api/admin/keys", {"name": "k", "role": "viewer", "scope": "tenant"}
    )
    key = made.json()
    async with following(client.with_token(key["token"])) as events:
        await events.next()
        revoked = await client.call("DELETE", f"/api/admin/keys/{key['id']}")
        assert revoked.status_code in (200, 204), revoked.text
        assert await events.next() == {"event": "end", "data": '{"code":"unauthenticated"}'}


async def test_a_reader_that_does_not_read_is_dropped(
    client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SEND_S", 0.3)
    bell = client.yard.records.feed.bell
    port = client.http.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /v1/_changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n"
        b"authorization: Bearer %s\r\n\r\n" % client.token.encode()
    )
    await writer.drain()
    await until(lambda: bool(bell._held))
    # why: more than the buffers of both ends of a loopback connection.
    for n in range(100):
        await write(client, 1, n, "x" * 190_000)
        if not bell._held:
            break
    await until(lambda: bell._held == {})
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        async with asyncio.timeout(PATIENCE):
            while True:
                await reader.readexactly(65_536)
    writer.close()


async def test_a_stream_ends_when_the_process_does(client: Caller) -> None:
    async with following(client) as events:
        await events.next()
        client.yard.records.feed.bell.close()
        with pytest.raises(AssertionError, match="over"):
            await events.next()


@asynccontextmanager
async def a_subscriber(got: list[tuple[dict[str, str], bytes]], status: str) -> AsyncIterator[int]:
    """A server on loopback that keeps what it is sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        plain = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        body = await reader.readexactly(int(headers["content-length"]))
        got.append(({name.lower(): value for name, value in plain.items()}, body))
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_changes_reach_an_address_over_http(tmp_path: Path) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    async with a_subscriber(got, "204 No Content") as port:
        yard = await make_yard(tmp_path, {"HOOKYARD_SUBSCRIBERS_ALLOW": f"127.0.0.1:{port}"})
        async with serving(yard) as client:
            await yard.start_worker()
            made = await client.call(
                "POST", "/v1/_subscriptions", {"url": f"http://127.0.0.1:{port}/in"}
            )
            assert made.status_code == 201, made.text
            await write(client, 12)
            await until(lambda: len(got) >= 12)
        await yard.close()
    assert [json.loads(body)["data"]["seq"] for _, body in got] == list(range(1, 13))
    for headers, body in got:
        event = Webhook(made.json()["secret"]).verify(body, headers)
        assert event["type"] == "hookyard.records.messages.created"


INSIDE = [
    "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "https://localhost:{port}/",
    "https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://2130706433/",
    "https://0x7f.1/", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/",
    "https://[fd00::1]/", "https://0.0.0.0/", "file:///etc/passwd", "gopher://127.0.0.1/",
    "https://user:pass@example.com/", "https://example.com:99999/", "https://", "//x",
    "https://[64:ff9b::7f00:1]/", "https://127.0.0.1.:{port}/",
]  # fmt: skip


async def test_no_subscription_leads_inside(client: Caller) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    async with a_subscriber(got, "200 OK") as port:
        for url in INSIDE:
            made = await client.call("POST", "/v1/_subscriptions", {"url": url.format(port=port)})
            assert (made.status_code, made.json()["code"]) == (400, "bad_url"), url
    assert got == []


@pytest.fixture
async def redis_yard(tmp_path: Path) -> AsyncIterator[tuple[Yard, Redis]]:
    server = ValkeyServer(tmp_path).start()
    environ = {"HOOKYARD_CHANGE_SINKS": "bus=redis:changes", "REDIS_URL": server.url}
    yard = await make_yard(tmp_path, environ)
    raw: Redis = Redis.from_url(server.url, decode_responses=True, protocol=2)
    yield yard, raw
    await raw.aclose()
    await yard.close()
    server.kill()


async def test_changes_reach_a_sink_of_the_settings(redis_yard: tuple[Yard, Redis]) -> None:
    yard, raw = redis_yard
    async with serving(yard) as client:
        await yard.start_worker()
        assert (
            await client.call("POST", "/v1/_subscriptions", {"sink": "else"})
        ).status_code == 400
        made = await client.call("POST", "/v1/_subscriptions", {"sink": "bus"})
        assert made.status_code == 201, made.text
        assert "secret" not in made.json()
        await write(client, 5)
        async with asyncio.timeout(PATIENCE):
            while await raw.xlen("changes") < 5:
                await asyncio.sleep(0.02)  # why: the stream has no sign that it is full
        entries = [fields for _, fields in await raw.xrange("changes")]
        assert [one["seq"] for one in entries] == ["1", "2", "3", "4", "5"]
        assert json.loads(entries[0]["payload"])["after"]["content"] == "0 "
