"""Import, and export of what was imported: batches, problems by line, tries repeated, walls."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hookyard.core.identity.model import Role
from hookyard.features.records.bulk import importing, lines
from hookyard.features.records.gateway import Call
from hookyard.kit.errors import (
    Forbidden,
    Invalid,
    MethodNotAllowed,
    Unavailable,
    Unprocessable,
)

from .bulk import THINGS, CutOff, counts, dump, load, many, ndjson, problems
from .places import Place, an_actor, feed_head


@pytest.mark.parametrize("piece", [7, 1000, 1_000_000])
async def test_lines_become_records_with_changes_and_entries(place: Place, piece: int) -> None:
    await place.apply(THINGS)
    before = await feed_head(place)
    report = await load(place, ndjson(many(450)), piece=piece)
    assert counts(report) == (450, 450, 0, 0, 0)
    assert await feed_head(place) == before + 450
    reply = await place.call("GET", "/v1/things/t00449")
    assert json.loads(reply.body)["size"] == 3
    entries = await place.database.read(
        lambda unit: unit.connection.exec_driver_sql(
            "SELECT count(*) FROM audit WHERE action = 'records.import'"
        ).scalar()
    )
    assert entries == 450


async def test_lines_that_are_wrong_are_named_and_the_others_stay(place: Place) -> None:
    await place.apply(THINGS)
    await load(place, ndjson([{"thingId": "there", "name": "x", "code": "taken"}]))
    body = b"\n".join(
        [
            b'{"thingId": "a", "name": "fine"}\r',
            b"",
            b"{not json",
            b"[1]",
            b'{"thingId": "b", "nane": "x"}',
            b'{"thingId": "c"}',
            b'{"thingId": "there", "name": "twice"}',
            b'{"thingId": "d", "name": "x", "code": "taken"}',
            b'{"thingId": "a", "name": "again"}',
            b'{"name": "no id"}',
            b'{"thingId": "e", "name": "x", "tenantId": "globex"}',
            b'{"thingId": "f", "name": "x", "place": [1, 1e39]}',
            b'{"thingId": 7, "name": "x"}',
            b'{"thingId": "g", "name": "\xff"}',
            b'{"thingId": "h", "name": "last, without a line feed"}'[:40] + b'"}',
        ]
    )
    report = await load(place, body)
    assert counts(report) == (14, 2, 0, 0, 12)
    assert problems(report) == [
        (3, "bad_json", ""), (4, "wrong_type", ""), (5, "unknown_field", "/nane"),
        (6, "required", "/name"), (7, "id_taken", "/thingId"), (8, "not_unique", ""),
        (9, "id_taken", "/thingId"), (10, "required", "/thingId"),
        (11, "tenant_mismatch", "/tenantId"), (12, "out_of_range", "/place"),
        (13, "wrong_type", "/thingId"), (14, "bad_json", ""),
    ]  # fmt: skip
    assert [row["thingId"] for row in await dump(place)] == ["a", "h", "there"]


async def test_upsert_merges_makes_and_leaves_alone(place: Place) -> None:
    await place.apply(THINGS)
    await load(place, ndjson([*many(3), {"thingId": "u", "name": "u", "code": "c1"}]))
    rows = [
        {"thingId": "t00000", "size": 9},
        {"thingId": "t00001", "name": "n1"},
        {"thingId": "new", "name": "new"},
        {"thingId": "new", "size": 8},
        {"thingId": "t00002", "code": "c1"},
        {"thingId": "t00002", "size": 5},
        {"thingId": "half", "size": 1},
    ]
    report = await load(place, ndjson(rows), "mode=upsert")
    assert counts(report) == (7, 1, 3, 1, 2)
    assert problems(report) == [(5, "not_unique", ""), (7, "required", "/name")]
    found = {row["thingId"]: row for row in await dump(place)}
    assert (found["t00000"]["size"], found["t00000"]["name"]) == (9, "n0")
    assert (found["new"]["size"], found["t00002"]["size"]) == (8, 5)
    assert found["t00002"]["code"] is None


async def test_what_was_deleted_is_not_brought_back_by_an_import(place: Place) -> None:
    await place.apply(THINGS)
    await load(place, ndjson(many(1)))
    await place.call("DELETE", "/v1/things/t00000")
    for mode in ("create", "upsert"):
        report = await load(place, ndjson(many(1)), f"mode={mode}")
        assert problems(report) == [(1, "id_taken", "/thingId")]


async def test_an_export_can_be_imported_again(place: Place) -> None:
    await place.apply(THINGS)
    rows = [
        {"thingId": "a", "name": "ä", "place": [0.1, 0.2], "more": {"x": [1, None]}, "price": 1.5},
        {"thingId": "b", "name": "b\n", "code": "c"},
    ]
    await load(place, ndjson(rows))
    first = await dump(place)
    assert first[0]["place"] == pytest.approx([0.1, 0.2])
    again = await load(place, ndjson(first), "mode=upsert")
    assert counts(again) == (2, 0, 0, 2, 0)
    for one in first:
        await place.call("DELETE", f"/v1/things/{one['thingId']}")
    globex = an_actor("globex")
    moved = [{name: row[name] for name in row if name != "tenantId"} for row in first]
    assert counts(await load(place, ndjson(moved), actor=globex)) == (2, 2, 0, 0, 0)
    theirs = await dump(place, actor=globex)
    system = ("tenantId", "revision", "createdAt", "updatedAt")
    for mine, their in zip(first, theirs, strict=True):
        for name in mine.keys() - set(system):
            assert mine[name] == their[name]


async def test_composite_and_made_ids(place: Place) -> None:
    await place.apply(THINGS)
    rows = [{"left": "a:b", "right": "c%"}, {"left": "a", "right": "b"}, {"left": "a"}]
    report = await load(place, ndjson(rows), entity="pairs")
    assert problems(report) == [(3, "required", "/right")]
    report = await load(place, ndjson([{**rows[0], "note": "n"}]), "mode=upsert", entity="pairs")
    assert counts(report) == (1, 0, 1, 0, 0)
    assert [row["id"] for row in await dump(place, entity="pairs")] == ["a%3Ab:c%25", "a:b"]
    report = await load(place, ndjson([{"name": "x"}, {"number": "mine"}]), entity="keyless")
    assert counts(report) == (2, 1, 0, 0, 1)


async def test_what_was_cut_off_is_sent_again_and_written_once(place: Place) -> None:
    await place.apply(THINGS)
    body = ndjson(many(1000))
    before = await feed_head(place)
    with pytest.raises(CutOff):
        await load(place, body, key="imp-1", cut_at=len(body) // 2, piece=500)
    half = await feed_head(place)
    assert 0 < half - before < 1000
    assert (half - before) % lines.BATCH_LINES == 0
    report = await load(place, body, key="imp-1", piece=333)
    assert counts(report) == (1000, 1000, 0, 0, 0)
    assert report["replayed"] == half - before
    assert await feed_head(place) == before + 1000
    again = await load(place, body, key="imp-1")
    assert (again["replayed"], counts(again)) == (1000, counts(report))
    assert await feed_head(place) == before + 1000


async def test_another_file_or_mode_under_the_same_key_is_refused(place: Place) -> None:
    await place.apply(THINGS)
    body = ndjson(many(300))
    await load(place, body, key="imp-1")
    changed = body.replace(b'"n250"', b'"other"')
    with pytest.raises(Unprocessable) as refused:
        await load(place, changed, key="imp-1")
    assert refused.value.facts["line"] == 201
    done = refused.value.facts["done"]
    assert isinstance(done, dict)
    assert done["replayed"] == 200
    with pytest.raises(Unprocessable):
        await load(place, body, "mode=upsert", key="imp-1")
    assert counts(await load(place, body, "mode=upsert", key="imp-2"))[3] == 300


async def test_keys_are_asked_for_as_everywhere(place: Place) -> None:
    await place.apply(THINGS)
    row = ndjson([{"name": "x"}])
    for entity, key, code in (
        ("numbered", None, "idempotency_key_required"),
        ("keyless", "k", "idempotency_key_not_taken"),
        ("things", "\n", "bad_idempotency_key"),
    ):
        with pytest.raises(Invalid) as refused:
            await load(place, row, entity=entity, key=key)
        assert refused.value.problem_code == code
    assert (await load(place, row, entity="numbered", key="k"))["created"] == 1


async def test_a_dry_run_leaves_nothing(place: Place) -> None:
    await place.apply(THINGS)
    before = await feed_head(place)
    body = ndjson([*many(250), {"thingId": "x"}])
    report = await load(place, body, "dry_run=true", key="imp-1")
    assert (counts(report), report["dryRun"]) == ((251, 250, 0, 0, 1), True)
    assert await dump(place) == []
    assert await feed_head(place) == before
    assert counts(await load(place, body, key="imp-1"))[1] == 250


async def test_roles_hold_for_imports_and_exports(place: Place) -> None:
    await place.apply(THINGS)
    viewer, operator = an_actor(role=Role.VIEWER), an_actor(role=Role.OPERATOR)
    with pytest.raises(Forbidden):
        await load(place, ndjson(many(1)), actor=viewer)
    with pytest.raises(Forbidden):
        await dump(place, actor=an_actor(role=Role.INGEST))
    await load(place, ndjson([{"thingId": "a", "name": "a", "price": 9.5}]))
    report = await load(
        place, ndjson([{"thingId": "b", "name": "b", "price": 1.0}]), actor=operator
    )
    assert problems(report) == [(1, "unknown_field", "/price")]
    assert "price" not in (await dump(place, actor=viewer))[0]
    with pytest.raises(Invalid):
        await dump(place, "select=price", actor=viewer)
    with pytest.raises(Invalid):
        await dump(place, "where=price:1", actor=viewer)


async def test_tenants_do_not_meet(place: Place) -> None:
    await place.apply(THINGS)
    globex = an_actor("globex")
    await load(place, ndjson(many(3)), key="imp-1")
    report = await load(place, ndjson(many(3)), "mode=upsert", key="imp-1", actor=globex)
    assert (counts(report), report["replayed"]) == ((3, 3, 0, 0, 0), 0)
    assert {row["tenantId"] for row in await dump(place, actor=globex)} == {"globex"}
    assert len(await dump(place)) == 3


async def test_no_more_imports_at_once_than_there_is_room_for(place: Place) -> None:
    await place.apply(THINGS)
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await held.wait()
        yield b""

    call = Call("POST", ("things", "_import"), b"", an_actor())
    gateway = place.records.gateway
    running = [
        asyncio.ensure_future(gateway.answer(replace(call, chunks=slow())))
        for _ in range(importing.AT_ONCE)
    ]
    while place.records.gateway.imports.running < importing.AT_ONCE:
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await load(place, b"")
    held.set()
    await asyncio.gather(*running)
    assert counts(await load(place, b"")) == (0, 0, 0, 0, 0)


async def test_what_cannot_be_asked(place: Place) -> None:
    await place.apply(THINGS)
    for query in ("mode=replace", "mode=create&mode=upsert", "dry_run=maybe", "where=a:b"):
        with pytest.raises(Invalid):
            await load(place, b"", query)
    with pytest.raises(Invalid):
        await dump(place, "limit=5")
    with pytest.raises(MethodNotAllowed):
        await place.call("GET", "/v1/things/_import")
    with pytest.raises(MethodNotAllowed):
        await place.call("POST", "/v1/things/_export")
