"""The front door while Postgres is gone: it says so, takes nothing on, and heals by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.folders import server_folder
from tests.support.postgres import PostgresServer


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    server = PostgresServer.start_own(server_folder())
    yield server
    server.stop()


@pytest.fixture
async def door(own_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Caller]:
    """Everything in one process, at work."""
    yard = await make_yard(tmp_path, {"DATABASE_URL": own_server.url("postgres")})
    async with serving(yard) as caller:
        await yard.start_working()
        yield caller
    await yard.close()


async def test_a_restart_of_postgres_is_survived_without_one_of_ours(
    door: Caller, own_server: PostgresServer
) -> None:
    before = await door.routed(number=1)
    await asyncio.to_thread(own_server.stop_now)
    for number in range(2, 6):
        refused = await door.send("issues", door.scene.issue_opened(number, "t", "b"))
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["retry-after"]) >= 1
    health = await door.call("GET", "/healthz")
    named = health.json()["dependencies"]["postgres"]
    assert (health.status_code, named["healthy"]) == (503, False)
    assert named["reason"]
    assert (await door.call("GET", "/health")).status_code == 200
    assert (await door.call("GET", "/readyz")).status_code == 503
    await asyncio.to_thread(own_server.start_again)
    after = await door.routed(number=9)
    ids = {str(item["id"]) for item in await door.page("/api/deliveries")}
    assert {before, after} == ids
    while not (await door.call("GET", "/healthz")).json()["dependencies"]["postgres"]["healthy"]:
        await asyncio.sleep(0)


async def test_killed_backends_cost_no_delivery(door: Caller, own_server: PostgresServer) -> None:
    """Every session is killed while deliveries are on their way, ten times over."""
    sent: list[str] = []

    async def send(number: int) -> None:
        while True:
            payload = door.scene.issue_opened(number, "t", "b")
            answer = await door.send("issues", payload, delivery_id=f"killed-{number}")
            if answer.status_code < 300:
                sent.append(str(answer.json()["delivery_id"]))
                return
            assert answer.status_code == 503, answer.text

    for turn in range(10):
        sending = [asyncio.ensure_future(send(turn * 10 + n)) for n in range(10)]
        await asyncio.to_thread(own_server.end_sessions, "postgres")
        await asyncio.gather(*sending)
    assert len(set(sent)) == 100
    known = {str(item["id"]) for item in await door.page("/api/deliveries")}
    assert set(sent) == known
    await door.routed(number=1_000)


async def test_deliveries_are_refused_before_their_sender_gives_up(
    door: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections are busy: the answer is 503, and 202 again once one is free."""
    sessions = door.yard.database._sessions  # type: ignore[attr-defined]
    monkeypatch.setattr(sessions, "_wait_s", 0.05)
    held = [await sessions.take() for _ in range(10)]
    refused = await door.send("issues", door.scene.issue_opened(1, "t", "b"))
    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    for session in held:
        await sessions.give(session, usable=True)
    assert (await door.send("issues", door.scene.issue_opened(2, "t", "b"))).status_code == 202
