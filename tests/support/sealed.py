"""A table with a sealed column, and a process that exchanges keys until it is killed."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import Column, LargeBinary, Table, Text, select

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database, Unit
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.sealing.model import Place, SealedColumn
from hookyard.core.sealing.rotation import Rotation
from hookyard.core.sealing.service import Sealer
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker

THINGS = Table(
    "test_things",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=True),
)
SEALED = SealedColumn("test_things", "secret", ("tenant", "id"), "tenant")


def place(tenant: str, row: str) -> Place:
    """Where a thing's secret stands."""
    from hookyard.core.sealing.rules import row_key

    return Place(tenant, "test_things", "secret", row_key((tenant, row)))


async def fill(database: Database, sealer: Sealer, tenant: str, count: int) -> None:
    """`count` things with the secret `planted-N`."""
    await sealer.ready(tenant)

    def put(unit: Unit) -> None:
        for number in range(count):
            row = f"{number:04d}"
            cell = sealer.seal(place(tenant, row), f"planted-{number}".encode())
            unit.run(THINGS.insert().values(tenant=tenant, id=row, secret=cell))

    await database.write(put)


async def read_all(database: Database, sealer: Sealer) -> dict[tuple[str, str], bytes]:
    """Every thing's secret, in the clear."""
    rows = await database.read(lambda unit: unit.fetch(select(THINGS)))
    return {
        (row["tenant"], row["id"]): await sealer.unseal(
            place(row["tenant"], row["id"]), bytes(row["secret"])
        )
        for row in rows
        if row["secret"] is not None
    }


def opened(folder: Path, url: str = "") -> Database:
    """The database of a folder, or the Postgres at an address."""
    return PostgresDatabase(url, pool_size=2) if url else SqliteDatabase(folder / "h.db")


async def _exchange(folder: Path, what: str, url: str = "") -> None:
    """Exchange keys for ever, telling of each step; somebody kills us."""
    database, keys, clock = opened(folder, url), KeyFile(folder / "sealing.key"), SystemClock()
    sealer = Sealer(database, keys, clock, IdMaker())
    rotation = Rotation(database, sealer, clock, (SEALED,))
    while True:
        if what == "rotate":
            await rotation.rotate("acme")
            sys.stdout.write("step\n")
        elif what == "rewrap":
            keys.add_key()
            async for _ in rotation.rewrap():
                sys.stdout.write("step\n")
                sys.stdout.flush()
        else:
            await rotation.rotate("acme")
            async for _ in rotation.reencrypt():
                sys.stdout.write("step\n")
                sys.stdout.flush()
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_exchange(Path(sys.argv[1]), *sys.argv[2:]))
