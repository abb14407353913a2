"""Several processes on one Postgres: work accepted by one is begun by another at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.bootstrap import Yard, engine
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.pgbouncer import pooler
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation

HOUR_S = 3600.0


@pytest.fixture
async def name(postgres_server: PostgresServer) -> AsyncIterator[str]:
    made = postgres_server.lend(an_installation)
    yield made
    postgres_server.take_back(made)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def gateway(stack: AsyncExitStack, folder: Path, **environ: str) -> Caller:
    """A process that only takes deliveries in."""
    yard = await make_yard(folder / "gateway", environ)
    stack.push_async_callback(yard.close)
    return await stack.enter_async_context(serving(yard))


async def worker(stack: AsyncExitStack, folder: Path, **environ: str) -> Yard:
    """A process that only works."""
    yard = await make_yard(folder / "worker", environ)
    stack.push_async_callback(yard.close)
    await yard.start_worker()
    return yard


async def is_routed(door: Caller, delivery_id: str) -> None:
    while True:
        found = await door.get(f"/api/deliveries/{delivery_id}")
        if found.json()["status"] != "accepted":
            return


async def test_a_worker_is_woken_by_another_process(
    postgres_server: PostgresServer,
    name: str,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "POLL_S", HOUR_S)
    url = postgres_server.url(name)
    door = await gateway(stack, tmp_path, DATABASE_URL=url)
    await worker(stack, tmp_path, DATABASE_URL=url)
    for number in range(1, 6):
        await asyncio.wait_for(is_routed(door, await door.deliver(number=number)), 30)


async def test_through_a_pooler_the_poll_carries_alone(
    postgres_server: PostgresServer, name: str, stack: AsyncExitStack, tmp_path: Path
) -> None:
    at = stack.enter_context(pooler(postgres_server.base_url))
    environ = {
        "DATABASE_URL": f"postgresql://postgres@{at}/{name}",
        "HOOKYARD_DATABASE_POOLED": "true",
    }
    door = await gateway(stack, tmp_path, **environ)
    yard = await worker(stack, tmp_path, **environ)
    assert not yard.database.hears
    for number in range(1, 4):
        await asyncio.wait_for(is_routed(door, await door.deliver(number=number)), 30)


async def test_a_way_around_the_pooler_brings_wake_ups_back(
    postgres_server: PostgresServer,
    name: str,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "POLL_S", HOUR_S)
    monkeypatch.setattr(engine, "DEAF_POLL_S", HOUR_S)
    at = stack.enter_context(pooler(postgres_server.base_url))
    environ = {
        "DATABASE_URL": f"postgresql://postgres@{at}/{name}",
        "HOOKYARD_DATABASE_POOLED": "true",
        "HOOKYARD_DATABASE_DIRECT_URL": postgres_server.url(name),
    }
    door = await gateway(stack, tmp_path, **environ)
    yard = await worker(stack, tmp_path, **environ)
    assert yard.database.hears
    for number in range(1, 4):
        await asyncio.wait_for(is_routed(door, await door.deliver(number=number)), 30)
