"""The sweep on each store and engine: what nobody names goes, and nothing else."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import Database, Unit
from hookyard.core.blobs.model import Area, BlobRef, OwnerKind
from hookyard.core.blobs.rules import DAY_MS, key_for, made_at_ms
from hookyard.core.blobs.service import (
    blobs_of,
    find_blob,
    forget_blobs,
    let_go,
    name_blob,
    named_blobs,
)
from hookyard.core.blobs.sweep import FOREIGN, MARK, Sweep
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.ids import IdMaker

T = TypeVar("T")
# why: a folder and a bucket date their objects by the machine's clock.
LATER_MS = SystemClock().now_ms() + 3 * DAY_MS


async def blob(blobs: Blobs, ids: IdMaker, at_ms: int, area: Area = Area.ARTIFACTS) -> str:
    key = key_for(area, ids.new(at_ms))
    await blobs.put(key, once(key.encode()))
    return key


def ref(key: str, owner: str = "job-1", name: str = "a.txt") -> BlobRef:
    return BlobRef(key, OwnerKind.JOB, owner, name, 5, "0" * 64, "text/plain", 7)


async def keys(blobs: Blobs) -> list[str]:
    return [info.key for info in (await blobs.list("")).items]


async def test_a_name_leads_to_one_blob_and_a_new_one_takes_its_place(database: Database) -> None:
    def work(unit: Unit) -> None:
        assert name_blob(unit, ref("k/1")) is None
        assert name_blob(unit, ref("k/2", name="b.txt")) is None
        assert name_blob(unit, ref("k/3", owner="job-2")) is None
        assert name_blob(unit, ref("k/4")) == "k/1"
        assert [found.key for found in blobs_of(unit, OwnerKind.JOB, "job-1")] == ["k/4", "k/2"]
        assert find_blob(unit, OwnerKind.JOB, "job-1", "a.txt") == ref("k/4")
        assert find_blob(unit, OwnerKind.DELIVERY, "job-1", "a.txt") is None
        assert named_blobs(unit, ["k/1", "k/2", "k/4", "k/9"]) == {"k/2", "k/4"}
        assert named_blobs(unit, []) == set()
        assert sorted(forget_blobs(unit, OwnerKind.JOB, ["job-1", "job-9"])) == ["k/2", "k/4"]
        assert forget_blobs(unit, OwnerKind.DELIVERY, ["job-2"]) == []
        assert named_blobs(unit, ["k/2", "k/3", "k/4"]) == {"k/3"}

    await database.write(work)


@pytest.mark.parametrize("page", [1, 3, 1_000])
async def test_what_no_row_names_goes(
    blobs: Blobs, sqlite_database: Database, ids: IdMaker, page: int
) -> None:
    clock = LATER_MS
    old, young = clock - 2 * DAY_MS, clock - DAY_MS // 2
    lost = [await blob(blobs, ids, old + n, area) for area in Area for n in range(4)]
    named = [await blob(blobs, ids, old + n) for n in range(4)]
    fresh = [await blob(blobs, ids, young), await blob(blobs, ids, young, Area.DELIVERIES)]
    foreign = ["artifacts/readme", "other/01jd5/x", f"artifacts/00000/{ids.new(old)}"]
    for key in foreign:
        await blobs.put(key, once(b"not ours"))
    for number, key in enumerate(named):
        await sqlite_database.write(lambda unit, k=key, n=number: name_blob(unit, ref(k, f"j{n}")))  # type: ignore[misc]
    sweep = Sweep(blobs, ids, page=page)
    found = await sweep(sqlite_database, clock)
    assert (found.removed, found.refused) == (len(lost), None)
    assert await keys(blobs) == sorted([*named, *fresh, *foreign, MARK])
    again = await sweep(sqlite_database, clock)
    assert (again.removed, again.looked_at) == (0, len(named) + len(fresh) + 2)
    later = await sweep(sqlite_database, clock + DAY_MS)
    assert later.removed == len(fresh)


async def test_a_young_object_of_an_old_name_is_left_alone(
    blobs: Blobs, sqlite_database: Database, ids: IdMaker, clock: ManualClock
) -> None:
    """Its writer's clock may be off; the store's own date counts too."""
    real_ms = clock.now_ms() if blobs.kind == "memory" else SystemClock().now_ms()
    key = await blob(blobs, ids, real_ms - 9 * DAY_MS)
    assert (await Sweep(blobs, ids)(sqlite_database, real_ms)).removed == 0
    assert key in await keys(blobs)


async def test_a_store_of_another_hookyard_is_not_swept(
    blobs: Blobs, sqlite_database: Database, ids: IdMaker
) -> None:
    clock = LATER_MS
    key = await blob(blobs, ids, clock - 5 * DAY_MS)
    await blobs.put(MARK, once(ids.new(1).encode()))
    found = await Sweep(blobs, ids)(sqlite_database, clock)
    assert (found.removed, found.refused) == (0, FOREIGN)
    assert key in await keys(blobs)


class Crashing:
    """Transactions that end before the mark is written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, work: Callable[[Unit], T]) -> T:
        return await self._database.read(work)

    async def write(self, work: Callable[[Unit], T]) -> T:
        await self._database.write(work)
        raise RuntimeError("the process died")


async def test_a_crash_before_the_mark_is_made_good(
    blobs: Blobs, sqlite_database: Database, ids: IdMaker
) -> None:
    clock = LATER_MS
    with pytest.raises(RuntimeError):
        await Sweep(blobs, ids)(Crashing(sqlite_database), clock)
    assert (await Sweep(blobs, ids)(sqlite_database, clock)).refused is None
    assert (await Sweep(blobs, ids)(sqlite_database, clock)).refused is None


async def test_letting_go_is_no_error_twice(blobs: Blobs, ids: IdMaker) -> None:
    key = await blob(blobs, ids, 5)
    assert await let_go(blobs, [key, key]) == 2
    assert await keys(blobs) == []


def test_keys_say_when_they_were_made(ids: IdMaker) -> None:
    for at_ms in (0, 1, 1_700_000_000_123, 2**47):
        key = key_for(Area.DELIVERIES, IdMaker().new(at_ms))
        assert made_at_ms(key) == at_ms
    good = ids.new(1_700_000_000_000)
    for bad in (
        good,
        f"deliveries/{good}",
        f"other/{good[:5]}/{good}",
        f"deliveries/{good[:4]}/{good}",
        f"deliveries/{good[:5]}/{good}x",
        f"deliveries/{good[:5]}/{good}/x",
        "",
    ):
        assert made_at_ms(bad) is None
