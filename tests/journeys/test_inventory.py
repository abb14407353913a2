"""An App that was installed while nobody listened: the inventory comes from GitHub's lists."""

from contextlib import AsyncExitStack
from pathlib import Path

from hookyard import registry
from hookyard.core.jobs.model import JobState
from hookyard.core.repositories.service import installation_of
from tests.support.worlds import REPOSITORY, World, open_world


async def known(world: World, repository: str) -> int | None:
    return await world.yard.database.read(lambda unit: installation_of(unit, repository))


async def test_installations_nobody_told_of_are_found(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path)
        world.sandbox.create_repository("beta/api")
        world.sandbox.create_repository("beta/web")
        installation = world.sandbox.create_installation(world.app, "beta")
        world.emitted.take()
        assert await known(world, "beta/api") is None
        start = registry.SYNC_AT_START
        await world.yard.database.write(lambda unit: world.yard.ledger.enqueue(unit, start))
        await world.settle()
        assert await known(world, "beta/api") == installation.id
        assert await known(world, "beta/web") == installation.id
        assert await known(world, REPOSITORY) is not None
        job = (await world.jobs("repositories.sync"))[-1]
        assert job.state is JobState.SUCCEEDED
        assert job.result == {"installations": 2, "repositories": 3, "added": 2, "removed": 0}


async def test_a_suspended_installation_is_left_alone(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path)
        world.sandbox.create_repository("beta/api")
        installation = world.sandbox.create_installation(world.app, "beta")
        world.sandbox.suspend(installation.id)
        world.emitted.take()
        start = registry.SYNC_AT_START
        await world.yard.database.write(lambda unit: world.yard.ledger.enqueue(unit, start))
        await world.settle()
        job = (await world.jobs("repositories.sync"))[-1]
        assert job.state is JobState.SUCCEEDED
        assert await known(world, "beta/api") is None
