"""Export: pages, snapshots, readers that leave, disks that are full."""

import json

import pytest

from hookyard.features.records.bulk import exporting, store_bulk
from hookyard.features.records.gateway import Call
from hookyard.kit.errors import Unavailable

from .bulk import THINGS, dump, load, many, ndjson
from .places import Place, an_actor


async def test_export_filters_selects_and_goes_from_page_to_page(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.apply(THINGS)
    await load(place, ndjson(many(25)))
    monkeypatch.setattr(store_bulk, "PAGE", 5)
    assert [row["thingId"] for row in await dump(place)] == [f"t{n:05}" for n in range(25)]
    where = "where=%7B%22thingId%22%3A%7B%22lt%22%3A%22t00002%22%7D%7D&select=name"
    assert await dump(place, where) == [{"name": "n0"}, {"name": "n1"}]
    assert await dump(place, "where=name:none") == []


async def test_an_export_is_of_one_snapshot_however_slow_its_reader(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.apply(THINGS)
    await load(place, ndjson(many(500)))
    reply = await place.records.gateway.answer(Call("GET", ("things", "_export"), b"", an_actor()))
    assert reply.lines is not None
    first = await anext(reply.lines)
    await load(place, ndjson([{"thingId": "zzz", "name": "late"}, *many(5, 600)]))
    await load(place, ndjson([{"thingId": "t00499", "name": "changed"}]), "mode=upsert")
    await place.call("DELETE", "/v1/things/t00450")
    rest = b"".join([page async for page in reply.lines])
    found = [json.loads(line) for line in (first + rest).splitlines()]
    assert [row["name"] for row in found] == [f"n{n}" for n in range(500)]


async def test_an_export_that_is_left_alone_ends_and_makes_room(place: Place) -> None:
    await place.apply(THINGS)
    await load(place, ndjson(many(450)))
    gateway = place.records.gateway
    for _ in range(exporting.AT_ONCE + 2):
        reply = await gateway.answer(Call("GET", ("things", "_export"), b"", an_actor()))
        assert reply.lines is not None
        await anext(reply.lines)
        await reply.lines.aclose()
    held = [
        (await gateway.answer(Call("GET", ("things", "_export"), b"", an_actor()))).lines
        for _ in range(exporting.AT_ONCE)
    ]
    with pytest.raises(Unavailable):
        await dump(place)
    for pages in held:
        assert pages is not None
        assert len([page async for page in pages]) > 1
    assert len(await dump(place)) == 450


async def test_an_export_whose_disk_is_full_is_not_taken_for_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.apply(THINGS)
    await load(place, ndjson(many(10)))
    monkeypatch.setattr("hookyard.features.records.bulk.spool.KEEP_FREE", 1 << 62)
    with pytest.raises(Unavailable):
        await dump(place)
    monkeypatch.undo()
    assert len(await dump(place)) == 10


def test_pages_are_as_long_as_their_records_let_them_be() -> None:
    assert store_bulk.next_count(20, 20 * 100) == store_bulk.PAGE
    assert store_bulk.next_count(20, 20 * 512 * 1024) == 2
    assert store_bulk.next_count(2, 8 * store_bulk.PAGE_BYTES) == 1
    assert store_bulk.next_count(1, 0) == store_bulk.PAGE
