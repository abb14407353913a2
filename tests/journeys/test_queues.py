"""A delivery ends the same with a broker beside the database, whatever becomes of the broker."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.core.jobs.model import JobState
from tests.support.brokers import ValkeyServer
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.worlds import World, open_world


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey of this test's own, which it may kill."""
    server = ValkeyServer(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "postgres"])
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, valkey: ValkeyServer
) -> AsyncIterator[World]:
    """Hookyard on each engine in turn, with Redis beside it, and a simulated GitHub."""
    async with AsyncExitStack() as stack:
        environ = {"QUEUE_BACKEND": "redis", "REDIS_URL": valkey.url}
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = server.lend(an_installation)
            stack.callback(server.take_back, name)
            environ["DATABASE_URL"] = server.url(name)
        yield await open_world(stack, tmp_path, environ)


async def one_answer(world: World) -> None:
    """An issue becomes one comment, a command one answer, each by one attempt."""
    number = world.issue("- [ ] It loads fast")
    world.say(number, "/hookyard fix the parser")
    await world.settle()
    assert len(world.comments(number, "T1")) == 1
    assert len(world.comments(number, "Answer to the parser")) == 1
    jobs = await world.jobs("agent.task")
    assert (jobs[-1].state, jobs[-1].attempt) == (JobState.SUCCEEDED, 1)


async def test_a_delivery_ends_the_same_with_a_broker(world: World) -> None:
    await one_answer(world)
    health = (await world.caller.get("/healthz")).json()["dependencies"]
    assert health["redis"]["healthy"] is True
    assert "queue" in health


async def test_a_broker_killed_mid_way_changes_only_when(
    world: World, valkey: ValkeyServer
) -> None:
    await one_answer(world)
    number = world.issue("- [ ] It stays up")
    await world.deliver()
    valkey.kill()
    await world.settle()
    assert len(world.comments(number, "T1")) == 1
    await one_answer(world)
    world.clock.advance(10.0)
    health = (await world.caller.get("/healthz")).json()
    assert health["dependencies"]["redis"]["reason"] == "unreachable"
    assert (await world.caller.get("/readyz")).status_code == 200
    valkey.start()
    await one_answer(world)


async def test_the_counts_are_on_the_page(world: World) -> None:
    page = (await world.caller.get("/metrics")).text
    for name in ("published", "swept", "failed", "received"):
        assert f"hookyard_pointers_{name}_total" in page
