"""Fills the tables of records, Hookyard's and the peer's, with the same rows.

python -m benchmarks.records_fill hookyard|orm ROWS      (HOOKYARD_DATA_DIR, DATABASE_URL)
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

AT = "2026-01-01T00:00:00.000Z"
PORTION = 2_000


def records(rows: int) -> Iterator[dict[str, object]]:
    """The rows, by the names of the built-in entity."""
    for n in range(rows):
        yield {
            "id": f"a{n:07d}",
            "artifactId": f"a{n:07d}",
            "conversationId": f"c-{n % 100}",
            "agentId": "agent-7",
            "name": f"report-{n}.json",
            "mediaType": "application/json",
            "size": n,
            "sha256": f"{n:064x}",
            "uri": f"s3://bucket/reports/{n}",
            "content": "A short text about what was found in the repository.",
            "meta": {"source": "bench", "tags": ["a", "b"], "depth": {"x": n}},
        }


async def fill_hookyard(rows: int) -> None:
    """Through the shape's own statement, many rows to a unit."""
    from hookyard.adapters.database.port import Unit
    from hookyard.bootstrap import migrate_as_set, open_database
    from hookyard.bootstrap.recording import apply_built_in
    from hookyard.features.records.catalog import Catalog
    from hookyard.features.records.shape import Shape
    from hookyard.features.records.writing import store_records
    from hookyard.kit.clock import SystemClock
    from hookyard.kit.ids import IdMaker
    from hookyard.settings import load_settings

    settings = load_settings(dict(os.environ), folder=Path.cwd())
    database = await open_database(settings)
    try:
        await migrate_as_set(settings, database)
        await apply_built_in(database, IdMaker(), SystemClock())
        catalog = Catalog(database, SystemClock())
        shape: Shape = await catalog.shape("artifacts")
        extra = {"tenantId": "default", "revision": "r", "createdAt": AT, "updatedAt": AT}
        portion: list[tuple[object, ...]] = []

        def write(unit: Unit) -> None:
            unit.confine("default")
            store_records.insert_many(unit, shape, portion)  # type: ignore[arg-type]

        for record in records(rows):
            portion.append(shape.row(record | extra))
            if len(portion) == PORTION:
                await database.write(write)
                portion.clear()
        if portion:
            await database.write(write)
    finally:
        await database.close()


async def fill_orm(rows: int) -> None:
    """Through the peer's own table."""
    from sqlalchemy import insert

    from benchmarks.peers import orm_records as peer

    names = {"conversationId": "conversation_id", "agentId": "agent_id",
             "artifactId": "artifact_id", "mediaType": "media_type"}  # fmt: skip
    now = datetime(2026, 1, 1, tzinfo=UTC)
    extra = {"tenant_id": "default", "created_at": now, "updated_at": now}
    async with peer.ENGINE.begin() as connection:
        await connection.run_sync(peer.Base.metadata.create_all)
        portion: list[dict[str, object]] = []
        for record in records(rows):
            record.pop("id")
            portion.append({names.get(k, k): v for k, v in record.items()} | extra)
            if len(portion) == PORTION:
                await connection.execute(insert(peer.Artifact), portion)
                portion.clear()
        if portion:
            await connection.execute(insert(peer.Artifact), portion)
    await peer.ENGINE.dispose()


if __name__ == "__main__":
    asyncio.run((fill_hookyard if sys.argv[1] == "hookyard" else fill_orm)(int(sys.argv[2])))
