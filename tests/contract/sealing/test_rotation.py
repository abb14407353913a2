"""Keys are exchanged on both engines while what was sealed stays readable."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hookyard.adapters.database.port import Database
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.sealing import store
from hookyard.core.sealing.model import CellRefused, KeyDisabled, KeyNotLoaded, KeyState
from hookyard.core.sealing.rotation import GRACE_MS, PAGE, Rotation
from hookyard.core.sealing.rules import key_id_of
from hookyard.core.sealing.service import Sealer
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.ids import IdMaker
from tests.support import sealed
from tests.support.postgres import PostgresServer
from tests.support.prepared import every_table
from tests.support.sealed import SEALED, THINGS, place

COUNT = PAGE + 20


class World:
    """One process's view of the database and the key file."""

    def __init__(self, database: Database, folder: Path, clock: ManualClock) -> None:
        self.database = database
        self.keys = KeyFile(folder / "sealing.key")
        self.clock = clock
        self.sealer = Sealer(database, self.keys, clock, IdMaker())
        self.rotation = Rotation(database, self.sealer, clock, (SEALED,))

    async def secrets(self) -> dict[tuple[str, str], bytes]:
        return await sealed.read_all(self.database, self.sealer)

    async def states(self, tenant: str = "acme") -> list[str]:
        return [key.state.value for key in await self.rotation.keys(tenant)]


@pytest.fixture
async def world(database: Database, tmp_path: Path, clock: ManualClock) -> World:
    made = World(database, tmp_path, clock)
    await sealed.fill(database, made.sealer, "acme", COUNT)
    await sealed.fill(database, made.sealer, "umbrella", 3)
    return made


def expected() -> dict[tuple[str, str], bytes]:
    return {
        (tenant, f"{n:04d}"): f"planted-{n}".encode()
        for tenant, count in (("acme", COUNT), ("umbrella", 3))
        for n in range(count)
    }


async def test_a_rotation_adds_a_primary_and_leaves_the_old_key_readable(world: World) -> None:
    rotated = await world.rotation.rotate("acme")
    assert rotated.before is not None
    assert await world.states() == ["active", "primary"]
    assert await world.states("umbrella") == ["primary"]
    await world.sealer.ready("acme")
    assert key_id_of(world.sealer.seal(place("acme", "x"), b"x")) == rotated.primary
    assert await world.secrets() == expected()


async def test_another_process_reads_what_was_sealed_under_a_key_it_has_not_seen(
    world: World, tmp_path: Path
) -> None:
    other = World(world.database, tmp_path, world.clock)
    await other.sealer.ready("acme")
    await world.rotation.rotate("acme")
    await world.sealer.ready("acme")
    cell = world.sealer.seal(place("acme", "x"), b"x")
    with pytest.raises(KeyNotLoaded):
        other.sealer.open(place("acme", "x"), cell)
    assert await other.sealer.unseal(place("acme", "x"), cell) == b"x"


async def test_a_rotation_that_was_cut_short_goes_on_with_the_key_it_had_added(
    world: World,
) -> None:
    fresh = await world.sealer.new_key("acme", KeyState.ACTIVE)
    await world.database.write(lambda unit: store.add(unit, fresh))
    rotated = await world.rotation.rotate("acme")
    assert rotated.primary == fresh.id
    assert await world.states() == ["active", "primary"]


async def test_reencryption_moves_every_cell_and_only_then_are_old_keys_disabled(
    world: World,
) -> None:
    rotated = await world.rotation.rotate("acme")
    world.clock.advance(GRACE_MS / 1000 + 1)
    gone, waiting = await world.rotation.retire()
    assert (gone, [key.id for key in waiting]) == ([], [rotated.before])
    pages = [page async for page in world.rotation.reencrypt()]
    assert sum(page.moved for page in pages) == COUNT
    assert sum(page.seen for page in pages) == COUNT + 3
    assert all(not page.refused for page in pages)
    gone, waiting = await world.rotation.retire()
    assert (gone, waiting) == ([rotated.before], [])
    assert await world.states() == ["disabled", "primary"]
    assert await world.secrets() == expected()
    assert sum([page.moved async for page in world.rotation.reencrypt()]) == 0


async def test_a_key_that_was_primary_a_moment_ago_is_not_disabled(world: World) -> None:
    await world.rotation.rotate("acme")
    _ = [page async for page in world.rotation.reencrypt()]
    gone, waiting = await world.rotation.retire()
    assert gone == []
    assert len(waiting) == 1


async def test_a_cell_under_a_disabled_key_is_refused_by_name(world: World) -> None:
    cell = world.sealer.seal(place("acme", "x"), b"x")
    rotated = await world.rotation.rotate("acme")
    await world.database.write(
        lambda unit: store.set_state(unit, rotated.before or "", KeyState.DISABLED, 1, 1)
    )
    world.sealer.forget()
    with pytest.raises(KeyDisabled):
        await world.sealer.unseal(place("acme", "x"), cell)


async def test_a_cell_moved_to_another_row_is_named_and_keeps_its_key_alive(world: World) -> None:
    rows = await world.database.read(
        lambda unit: unit.fetch(select(THINGS).where(THINGS.c.id == "0001"))
    )
    stolen = bytes(next(row["secret"] for row in rows if row["tenant"] == "acme"))
    await world.database.write(
        lambda unit: unit.run(
            THINGS.update()
            .where(THINGS.c.tenant == "acme", THINGS.c.id == "0002")
            .values(secret=stolen)
        )
    )
    await world.rotation.rotate("acme")
    world.clock.advance(GRACE_MS / 1000 + 1)
    pages = [page async for page in world.rotation.reencrypt()]
    assert [row for page in pages for row in page.refused] == ['["acme","0002"]']
    gone, waiting = await world.rotation.retire()
    assert gone == []
    assert len(waiting) == 1
    with pytest.raises(CellRefused):
        await world.secrets()


async def test_a_new_wrapping_key_wraps_every_data_key_again(world: World) -> None:
    version = world.keys.add_key()
    found = [one async for one in world.rotation.rewrap()]
    assert [one.is_new for one in found] == [True, True]
    assert [one.is_new async for one in world.rotation.rewrap()] == [False, False]
    assert [one.is_new async for one in world.rotation.rewrap(every=True)] == [True, True]
    for tenant in await world.rotation.tenants():
        assert {key.key_version for key in await world.rotation.keys(tenant)} == {version}
    world.sealer.forget()
    assert await world.secrets() == expected()


@pytest.fixture(params=["sqlite", "postgres"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Where a database with every table is; "" for the folder's own."""
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(every_table)
    yield server.url(name)
    server.take_back(name)


@pytest.mark.parametrize("what", ["rotate", "rewrap", "reencrypt"])
async def test_kill_9_in_the_middle_leaves_every_secret_readable(
    what: str, address: str, tmp_path: Path
) -> None:
    clock = SystemClock()
    database = sealed.opened(tmp_path, address)
    if not address:
        await every_table(database)
    sealer = Sealer(database, KeyFile(tmp_path / "sealing.key"), clock, IdMaker())
    await sealed.fill(database, sealer, "acme", COUNT)
    await database.close()
    for steps in (1, 2, 5):
        await asyncio.to_thread(killed_after, steps, tmp_path, what, address)
        database = sealed.opened(tmp_path, address)
        try:
            sealer = Sealer(database, KeyFile(tmp_path / "sealing.key"), clock, IdMaker())
            found = await sealed.read_all(database, sealer)
            assert found == {k: v for k, v in expected().items() if k[0] == "acme"}
            rotation = Rotation(database, sealer, clock, (SEALED,))
            await rotation.rotate("acme")
            _ = [one async for one in rotation.rewrap()]
            _ = [page async for page in rotation.reencrypt()]
            assert len(await sealed.read_all(database, sealer)) == COUNT
        finally:
            await database.close()


def killed_after(steps: int, folder: Path, what: str, address: str) -> None:
    """Exchange keys in a process of its own, and kill it after so many steps."""
    command = [sys.executable, "-m", "tests.support.sealed", str(folder), what, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(steps):
            assert child.stdout.readline() == b"step\n"
        child.kill()
