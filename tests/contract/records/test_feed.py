"""The feed of changes and the trail of entries: in order, whole, and as old as they may be."""

import asyncio
import json

import pytest

from hookyard.adapters.database.port import RawSql
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.features.records import store_changes
from hookyard.kit.errors import Conflict, HookyardError
from tests.contract.records.places import Place


async def test_the_feed_never_skips_and_numbers_without_gaps(place: Place) -> None:
    over = asyncio.Event()
    seen: list[int] = []

    async def reading() -> None:
        after = 0
        while True:
            # why: SQLite answers without a wait, and writers need their turn, too.
            await asyncio.sleep(0)
            done = over.is_set()
            raw = (await place.call("GET", f"/v1/_changes?after={after}&limit=7")).body
            page = json.loads(raw)
            seen.extend(one["seq"] for one in page["items"])
            after = page["next_after"]
            if done and not page["items"]:
                return

    async def writing(name: int) -> None:
        for n in range(8):
            body = json.dumps({"userId": f"u{name}-{n}"}).encode()
            await place.call("POST", "/v1/users", body)
            await place.call("PATCH", f"/v1/users/u{name}-{n}", b'{"displayName":"x"}')
            if n % 3 == 0:
                with pytest.raises(Conflict):
                    await place.call("POST", "/v1/users", body)
                await place.call("DELETE", f"/v1/users/u{name}-{n}")

    reader = asyncio.create_task(reading())
    await asyncio.gather(*(writing(name) for name in range(6)))
    over.set()
    await reader
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 6 * (8 * 2 + 3)


async def test_old_changes_go_and_a_late_reader_is_told(place: Place) -> None:
    for n in range(5):
        await place.call("POST", "/v1/users", json.dumps({"userId": f"u{n}"}).encode())
        place.clock.advance(10)
    before_ms = place.clock.now_ms() - 25_000
    purged = await place.database.write(lambda unit: store_changes.purge(unit, before_ms, 2))
    assert purged == 2
    assert await place.database.write(lambda unit: store_changes.purge(unit, before_ms, 2)) == 1
    with pytest.raises(HookyardError) as refused:
        await place.call("GET", "/v1/_changes?after=2")
    assert refused.value.status == 410
    page = json.loads((await place.call("GET", "/v1/_changes?after=3")).body)
    assert [one["seq"] for one in page["items"]] == [4, 5]


async def test_every_change_has_an_entry_in_the_tenants_trail(place: Place) -> None:
    await place.call("POST", "/v1/users", b'{"userId":"u"}', key="k")
    await place.call("POST", "/v1/users", b'{"userId":"u"}', key="k")
    await place.call("PUT", "/v1/users/u", b"{}")
    await place.call("PUT", "/v1/users/w", b"{}")
    audit = Audit(place.ids)
    page = await place.database.read(
        lambda unit: audit.list_page(unit, AuditFilter(), None, 50, "acme")
    )
    told = [(one.entry.action, one.entry.target, dict(one.entry.detail)) for one in page.items]
    assert told == [
        ("records.replace", "users/w", {"change": "created"}),
        ("records.replace", "users/u", {"change": "updated"}),
        ("records.create", "users/u", {}),
    ]
    assert {one.entry.actor for one in page.items} == {"service:jwt/bot"}
    rows = RawSql.same("SELECT count(*) FROM idempotency_keys")
    assert await place.database.read(lambda unit: unit.fetch_raw(rows)) == [(1,)]


async def test_twins_in_two_processes_make_one_effect(place: Place) -> None:
    # why: each has its own batches, so what they share is the database alone.
    other = open_records(place.database, Audit(place.ids), place.ids, place.clock)
    doors = [place, Place(place.database, other, place.clock, place.ids)]
    for n in range(5):
        body = json.dumps({"displayName": f"u{n}"}).encode()
        answers = await asyncio.gather(
            *(
                door.call("POST", "/v1/users", body, key=f"k{n}")
                for _ in range(10)
                for door in doors
            )
        )
        assert len({answer.body for answer in answers}) == 1
        fresh = [a for a in answers if "x-idempotent-replay" not in dict(a.headers)]
        assert len(fresh) == 1
    found = json.loads((await place.call("GET", "/v1/users?count=1")).body)
    assert found["count"] == 5
